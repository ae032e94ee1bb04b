"""How long do 5,000 rule instances beside 10,000 open alerts take; how many mails leave a second?

Every value has changed since the evaluation before, so that every answer is new. Plain SQL, in the
same run, only updates as many alerts in one statement; plain SMTP hands over the finished mails
without an outbox. The last line is JSON for programs. Exit code 1: an answer or a mail is missing.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import smtplib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from alerts.email import EmailChannel, SmtpServer
from alerts.links import Links
from alerts.messages import build_message
from alerts.outbox import deliver_due
from app.clock import wall_now
from app.jobs.evaluate import evaluate_rules, pack_due
from app.mailsink import MailSink
from bench.green import run, say
from bench.processes import BenchError
from models.park import Park, parse_park
from models.periods import day_start
from models.rules import rule_definitions
from storage.db import Conn, connect
from storage.outbox import ClaimedMail
from storage.parks import apply_park, enterprise_ids

_TODAY = date(2026, 3, 15)
_OPEN = 10_000
_SENDER = "greenpark <greenpark@park.example>"


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example:\n  python bench/alerts.py --quick",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer mails, under 50 s")
    parser.add_argument("--enterprises", type=int, default=250, help="20 rules about each")
    parser.add_argument("--mails", type=int, help="default 5,000, quick 800")
    parser.add_argument(
        "--root",
        default=os.environ.get("GREENPARK_TEST_ROOT", ""),
        help="Debian root with PostgreSQL 18 and TimescaleDB (scripts/services-root)",
    )
    args = parser.parse_args()
    args.mails = args.mails or (800 if args.quick else 5000)
    return args


def bench_park(enterprises: int) -> Park:
    """Enterprises with a contact each; limits and targets make every rule answer."""
    tune = {code: {"warn": 0.5, "enabled": True} for code in _watched()}
    return parse_park(
        {
            "key": "bench",
            "name": {"zh": "测试园区", "en": "Bench"},
            "rules": {"tune": tune | {"energy_drift": {"warn": 0.1}, "water_drift": {"warn": 0.1}}},
            "enterprises": [
                {
                    "key": f"e{n}",
                    "name": {"zh": f"企业{n}", "en": f"Enterprise {n}"},
                    "contacts": [{"name": f"张{n}", "email": f"p{n}@bench.example"}],
                    "targets": {"energy_intensity_kwh_per_t": 1, "water_intensity_m3_per_t": 1},
                    "meters": [
                        {
                            "key": f"m{n}",
                            "name": {"zh": "表", "en": "meter"},
                            "channels": {
                                "import_kwh": {
                                    "quantity": "active_energy",
                                    "unit": "kWh",
                                    "kind": "register",
                                    "role": "grid_import",
                                }
                            },
                        }
                    ],
                }
                for n in range(enterprises)
            ],
        },
        "bench",
    )


def _watched() -> list[str]:
    """Rules about an indicator of an enterprise."""
    return [code for code, rule in rule_definitions().items() if rule.indicator]


_VALUES = """
INSERT INTO indicator_value (indicator, park_id, enterprise_id, period_kind, period_start,
    period_stop, value, numerator, denominator, unit, completeness_ratio, estimated_ratio, status,
    computed_at)
SELECT %s, 1, e.enterprise_id, %s, %s::date - d - 28, %s::date - d, 1.0, 1, 1, 'ratio', 1, 0,
       'final', now()
FROM enterprise e CROSS JOIN generate_series(0, %s) d ON CONFLICT DO NOTHING
"""


def fill(conn: Conn, ids: list[int]) -> None:
    """Values of every indicator that is watched, and alerts that are open already."""
    for code in _watched():
        rule = rule_definitions()[code]
        days = 60 if rule.kind.startswith("rolling") else 0
        conn.execute(_VALUES, (rule.indicator, rule.kind, _TODAY, _TODAY, days))
    conn.execute(
        "INSERT INTO alert (rule, park_id, enterprise_id, about, state, severity, evidence,"
        " opened_at, evaluated_at, fired_at, told_at, told_severity)"
        " SELECT 'demand_ratio', 1, (%s::int[])[1 + n %% %s], 'x' || n, 'firing', 'warning',"
        " jsonb_build_object('value', n, 'target', 1, 'unit', 'ratio'), t, t, t, t, 'warning'"
        " FROM generate_series(1, %s) n, (SELECT %s::timestamptz AS t) c",
        (ids, len(ids), _OPEN, day_start(_TODAY, bench_park(1).zone)),
    )
    conn.execute("ANALYZE")


def evaluations(conn: Conn, now: datetime) -> tuple[list[float], int]:
    """Seconds of evaluations in each of which every value is new, and the answers of one."""
    seconds, answers = [], 0
    for n in range(4):
        conn.execute("UPDATE indicator_value SET value = value * 1.001 WHERE period_stop = %s",
                     (_TODAY,))  # fmt: skip
        began = time.perf_counter()
        done = evaluate_rules(conn, now + timedelta(minutes=n))
        seconds.append(time.perf_counter() - began)
        if "error" in done:
            raise BenchError(str(done["error"]))
        answers = done["verdicts"]
    return seconds[1:], answers  # the first one opens the alerts


def plain_update(conn: Conn, number: int) -> float:
    """Seconds of one statement that gives as many alerts new evidence."""
    began = time.perf_counter()
    conn.execute(
        "UPDATE alert SET evidence = evidence || '{\"value\": 2}', evaluated_at = now()"
        " WHERE alert_id IN (SELECT alert_id FROM alert LIMIT %s)",
        (number,),
    )
    return time.perf_counter() - began


def _sink(folder: str, ports: Any) -> None:
    with MailSink(Path(folder)) as sink:
        ports.put(sink.port)
        time.sleep(3600)


@contextmanager
def mail_server(folder: Path) -> Iterator[int]:
    """A mail sink in a process of its own; gives its port."""
    ports: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=_sink, args=(str(folder), ports), daemon=True)
    process.start()
    try:
        yield ports.get(timeout=20)
    finally:
        process.terminate()
        process.join()


def outbox(conn: Conn, now: datetime, mails: int) -> None:
    """As many waiting messages, made from those that the evaluation led to."""
    pack_due(conn, now)
    conn.execute(
        "INSERT INTO outbox (park_id, channel, kind, recipient, recipient_name, language,"
        " message_id, thread, context, packed_at, created_at, next_try_at)"
        " SELECT park_id, channel, kind, recipient, recipient_name, language,"
        " '<bench.' || n || '@bench.greenpark>', '<bench.' || n || '@bench.greenpark>', context,"
        " packed_at, now(), now() FROM (SELECT * FROM outbox ORDER BY outbox_id LIMIT 1) o,"
        " generate_series(1, %s) n",
        (mails,),
    )
    conn.execute("DELETE FROM notice")
    conn.execute("DELETE FROM outbox WHERE message_id NOT LIKE '<bench.%'")


def delivery(conn: Conn, args: argparse.Namespace, dsn: str) -> dict[str, Any]:
    """Mails a second through the outbox and without it, and the memory that it took."""
    with tempfile.TemporaryDirectory() as folder, mail_server(Path(folder)) as port:
        channel = EmailChannel(
            SmtpServer("127.0.0.1", port), _SENDER, Links("http://grafana.example")
        )
        open_connection = partial(connect, dsn, application="delivery")
        later = lambda: wall_now() + timedelta(seconds=5)  # noqa: E731
        rss, began, sent = [], time.perf_counter(), 0
        for part in (args.mails // 4, args.mails - args.mails // 4):
            with channel:
                sent += deliver_due(open_connection, channel, later, part).sent
            rss.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        mails_s = sent / (time.perf_counter() - began)
        kept = len(list(Path(folder).glob("*.eml")))
        if (sent, kept) != (args.mails, args.mails):
            raise BenchError(f"{args.mails} mails were due, {sent} sent, {kept} arrived")
        plain_s = _plain_smtp(conn, port, min(args.mails, 500))
    return {
        "mails_per_s": round(mails_s, 1),
        "plain_smtp_per_s": round(plain_s, 1),
        "mails_vs_plain_smtp": round(mails_s / plain_s, 2),
        "rss_growth_mb": round((rss[1] - rss[0]) / 1024, 1),
    }


def _plain_smtp(conn: Conn, port: int, mails: int) -> float:
    """Finished mails a second, a connection for each as the outbox does."""
    row = conn.execute("SELECT context FROM outbox LIMIT 1").fetchone()
    message = build_message(
        _claimed(row[0] if row else {}), _SENDER, Links("http://grafana.example")
    )
    began = time.perf_counter()
    for _ in range(mails):
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.send_message(message)
    return mails / (time.perf_counter() - began)


def _claimed(context: dict[str, Any]) -> ClaimedMail:
    return ClaimedMail(1, "email", "opened", "p@bench.example", "张", "zh-CN", "<x@bench>", context,
                       datetime.now(UTC), 1)  # fmt: skip


def measure(conn: Conn, args: argparse.Namespace) -> dict[str, Any]:
    """Everything, in one database."""
    park = bench_park(args.enterprises)
    now = day_start(_TODAY, park.zone) + timedelta(hours=10)
    with conn.transaction():
        apply_park(conn, park, now)
    ids = list(enterprise_ids(conn, 1).values())
    say(f"values of {args.enterprises} enterprises, {_OPEN} open alerts")
    fill(conn, ids)
    say("evaluation")
    seconds, answers = evaluations(conn, now)
    rules_s = statistics.median(seconds)
    open_alerts = conn.execute("SELECT count(*) FROM alert WHERE state <> 'resolved'").fetchone()
    sql_s = plain_update(conn, answers)
    say(f"{args.mails} mails")
    outbox(conn, now + timedelta(hours=1), args.mails)
    delivered = delivery(conn, args, conn.info.dsn)
    return {
        "enterprises": args.enterprises,
        "rule_instances": answers,
        "open_alerts": open_alerts[0] if open_alerts else 0,
        "rules_s": round(rules_s, 2),
        "rules_5000_s": round(rules_s * 5000 / answers, 2),
        "plain_update_s": round(sql_s, 2),
        "mails": args.mails,
        **delivered,
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "cpus": os.cpu_count(),
    }


if __name__ == "__main__":
    sys.exit(run(arguments(), measure))
