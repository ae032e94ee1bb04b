"""The script of the year through the program's own alerts: rules, life cycle, messages, mails.

What the script says is written where the jobs before the rules write it (readings, indicator
values, findings, forecasts, job runs); from there on everything is the program itself. The park's
clock is handed in hour by hour, nothing waits. Mails go by SMTP to a sink; what they said is read
from the outbox, and every one of its messages must have arrived exactly once.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.parser import BytesHeaderParser
from functools import partial
from pathlib import Path
from typing import Any

from alerts.email import EmailChannel, SmtpServer
from alerts.links import Links
from alerts.outbox import deliver_due
from app.clock import wall_now
from app.jobs.evaluate import evaluate_rules, pack_due
from app.mailsink import MailSink
from bench.alert_year_score import Said
from bench.alert_year_script import (
    EXPECTED,
    PARK,
    SILENCES,
    ZONE,
    Expected,
    script_park,
)
from bench.alert_year_world import BEFORE, HOUR, hours
from bench.alert_year_writer import Writer
from bench.processes import BenchError
from storage.alerts import acknowledge, add_silence
from storage.db import Conn, connect
from storage.parks import apply_park, enterprise_ids

_OFFICE_HOURS = range(8, 18)
_TOLD = """
SELECT a.alert_id, a.rule, coalesce(e.key, %s), a.about, greatest(a.told_at, a.reminded_at)
FROM alert a LEFT JOIN enterprise e USING (enterprise_id)
WHERE a.state = 'firing' AND a.told_at IS NOT NULL
"""
_SENT = """
SELECT message_id, kind, recipient, packed_at, context FROM outbox
WHERE sent_at IS NOT NULL ORDER BY outbox_id
"""


@dataclass
class Heard:
    """What was said, and what it took.

    Attributes:
        messages: kind of each message, its recipient and hour.
        acknowledged: alert -> when a person acknowledged it (the last time).
    """

    said: list[Said] = field(default_factory=list)
    messages: list[tuple[str, str, datetime]] = field(default_factory=list)
    acknowledged: dict[str, datetime] = field(default_factory=dict)
    muted: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    seconds: float = 0.0


def play(
    conn: Conn,
    folder: Path,
    start: datetime,
    stop: datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> Heard:
    """Live through `[start, stop)` of the script in an empty migrated database.

    Raises:
        BenchError: an evaluation failed, or a mail is missing or came twice.
    """
    park = script_park()
    with conn.transaction():
        apply_park(conn, park, start - BEFORE)
    writer = Writer(conn, enterprise_ids(conn, 1))
    writer.fill(start - BEFORE, start, stop)
    heard = Heard()
    began = time.perf_counter()
    with MailSink(folder) as sink:
        server = SmtpServer(sink.host, sink.port)
        channel = EmailChannel(server, "greenpark <greenpark@park.example>", Links("http://park"))
        deliver = partial(
            deliver_due,
            partial(connect, conn.info.dsn, application="delivery"),
            channel,
            lambda: wall_now() + timedelta(seconds=5),
        )
        with channel:
            for now in hours(start, stop):
                writer.step(now)
                _act(conn, writer.ids, now, heard)
                _advance(conn, now, deliver)
                heard.steps += 1
                progress(heard.steps)
        heard.seconds = time.perf_counter() - began
        _read_mails(conn, folder, heard)
    rows = conn.execute(
        "SELECT split_part(muted_by, ':', 1), count(*) FROM alert"
        " WHERE muted_by IS NOT NULL AND fired_at IS NOT NULL AND told_at IS NULL GROUP BY 1"
    )
    heard.muted.update(dict(rows.fetchall()))
    return heard


def _advance(conn: Conn, now: datetime, deliver: Callable[[], Any]) -> None:
    done = evaluate_rules(conn, now)
    packed = pack_due(conn, now)
    if "error" in done or "error" in packed:
        raise BenchError(f"{now}: {done.get('error') or packed.get('error')}")
    if packed.get("messages"):
        deliver()


def _act(conn: Conn, ids: dict[str, int], now: datetime, heard: Heard) -> None:
    """What people do: they silence, and they acknowledge at daytime what the script says."""
    for silence in SILENCES:
        if silence.start == now:
            facts = {
                "rule": silence.rule,
                "enterprise_id": ids[silence.enterprise],
                "about": silence.about,
                "starts_at": silence.start,
                "ends_at": silence.stop,
                "reason": silence.reason,
                "by": "Li",
                "now": now,
            }
            add_silence(conn, 1, facts)
    if now.astimezone(ZONE).hour not in _OFFICE_HOURS:
        return
    for number, rule, enterprise, about, told_at in conn.execute(_TOLD, (PARK,)).fetchall():
        row = _row_of(rule, enterprise, about, now)
        if row and row.ack_h is not None and now - told_at >= row.ack_h * HOUR:
            acknowledge(conn, [number], "Li", now)
            heard.acknowledged[str(number)] = now


def _row_of(rule: str, enterprise: str, about: str, now: datetime) -> Expected | None:
    for row in EXPECTED:
        if (row.rule, row.enterprise, row.about) == (rule, enterprise, about) and (
            row.start <= now and (row.end is None or now <= row.end + row.hold_h * HOUR)
        ):
            return row
    return None


def _read_mails(conn: Conn, folder: Path, heard: Heard) -> None:
    """What the mails that arrived said, by the facts they were written from."""
    arrived: Counter[str] = Counter()
    for path in folder.glob("*.eml"):
        with path.open("rb") as file:
            arrived[str(BytesHeaderParser().parse(file)["Message-ID"])] += 1
    sent = conn.execute(_SENT).fetchall()
    if arrived != Counter(row[0] for row in sent):
        raise BenchError(f"{len(sent)} mails were sent, {arrived.total()} arrived, not the same")
    for _, kind, recipient, packed_at, context in sent:
        heard.messages.append((kind, recipient, packed_at))
        for item in context["items"]:
            heard.said.append(
                Said(
                    at=packed_at,
                    recipient=recipient,
                    rule=item["rule"],
                    enterprise=item["enterprise"] or PARK,
                    about=item["object_key"] or "",
                    instance=str(item["alert_id"]),
                    severity=item["severity"],
                    change=item["change"],
                    in_digest=kind == "digest",
                )
            )
