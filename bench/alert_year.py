"""Do alerts say the right thing once? A scripted year against what people had to hear.

The park's clock runs from hour to hour as fast as the machine can; rules, life cycle, messages and
SMTP are the real ones. With --peer the same signals go through Prometheus' rules (promtool, exact)
and a running Alertmanager (compressed time); `docs/alert-year.md` says how and what came out.
The last line is JSON for programs. Exit code 1: something was missed, false, or said twice.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.table import Table

from app.progress import progress_bar
from bench import alert_year_peer as peer
from bench import services
from bench.alert_year_run import Heard, play
from bench.alert_year_score import FAULTS, Score, busiest, judge, table
from bench.alert_year_script import YEAR, at
from bench.processes import BenchError
from models.errors import ConfigError, StorageError
from storage.db import connect
from storage.migrate import migrate

QUARTER = (at(1, 1), at(4, 1))
WEEKS = (at(2, 23), at(3, 28))
"""Flapping, an outage, maintenance, silences and corrections: five weeks with a bit of all."""
PEER_FIGURES = ("raised", *(f for f in FAULTS if f not in ("escalations_wrong", "nagged")))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="examples:\n  python bench/alert_year.py --quick\n"
        "  python bench/alert_year.py --peer",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="January to March, under 50 s; with --peer five weeks of it",
    )
    parser.add_argument(
        "--peer",
        action="store_true",
        help=f"ask Prometheus and Alertmanager too (apt-get install {peer.PACKAGES})",
    )
    parser.add_argument(
        "--hour-s",
        type=float,
        help="seconds that an hour takes Alertmanager (default 0.1, quick 0.02)",
    )
    parser.add_argument(
        "--peer-keep-hours",
        type=int,
        default=24,
        help="the peer's keep_firing_for of use per tonne (default 24)",
    )
    parser.add_argument(
        "--root",
        default=os.environ.get("GREENPARK_TEST_ROOT", ""),
        help="Debian root with PostgreSQL 18 and TimescaleDB (scripts/services-root)",
    )
    args = parser.parse_args()
    args.hour_s = args.hour_s or (0.02 if args.quick else 0.1)
    return args


def ours(root: str, start: datetime, stop: datetime) -> Heard:
    """The script through the program, in a database of its own."""
    total = int((stop - start) / timedelta(hours=1))
    with (
        tempfile.TemporaryDirectory(prefix="greenpark-bench-", ignore_cleanup_errors=True) as tmp,
        services.database(root, Path(tmp)) as dsn,
        connect(dsn, application="bench") as conn,
        progress_bar() as bar,
    ):
        migrate(conn)
        task = bar.add_task("hours of the park", total=total)
        return play(conn, Path(tmp) / "mails", start, stop, lambda n: bar.update(task, completed=n))


def messages_table(heard: Heard) -> Table:
    """Mails by recipient and kind."""
    out = Table(title="e-mails", title_justify="left")
    kinds = sorted({kind for kind, _, _ in heard.messages})
    out.add_column("to")
    for kind in (*kinds, "all"):
        out.add_column(kind, justify="right")
    by_person: dict[str, Counter[str]] = {}
    for kind, recipient, _ in heard.messages:
        by_person.setdefault(recipient, Counter())[kind] += 1
    for recipient, counts in sorted(by_person.items()):
        cells = [str(counts[kind] or "-") for kind in kinds]
        out.add_row(recipient, *cells, str(counts.total()))
    return out


def report(console: Console, heard: Heard, score: Score) -> dict[str, Any]:
    """Print the tables; returns the figures."""
    console.print(table(score, "alerts of the script"))
    console.print(messages_table(heard))
    day, most, most_each = busiest((recipient, when) for _, recipient, when in heard.messages)
    kinds = Counter(kind for kind, _, _ in heard.messages)
    figures = dict(score.figures) | {
        "temptations": len(score.temptations),
        "muted_alerts": heard.muted.total(),
        "mails": len(heard.messages),
        **{f"mails_{kind}": count for kind, count in sorted(kinds.items())},
        "worst_day": day,
        "worst_day_mails": most,
        "worst_day_mails_to_one": most_each,
        "hours": heard.steps,
        "seconds": round(heard.seconds, 1),
        "ms_per_hour": round(1000 * heard.seconds / max(heard.steps, 1), 1),
    }
    for key, value in figures.items():
        console.print(f"{key:>24} {value}", highlight=False)
    return figures


def theirs(
    args: argparse.Namespace, start: datetime, stop: datetime, console: Console
) -> dict[str, Any]:
    """The same script through the peer; empty, and said why, if it is not there.

    Raises:
        BenchError: it does not work.
    """
    found = peer.programs()
    if found is None:
        print(f"no peer: Prometheus is not installed (apt-get install {peer.PACKAGES})")
        return {}
    promtool, manager = found
    total = int((stop - start) / timedelta(hours=1))
    with tempfile.TemporaryDirectory(prefix="greenpark-bench-") as tmp, progress_bar() as bar:
        task = bar.add_task("Prometheus' rules, all hours", total=None)
        states = peer.firing(promtool, Path(tmp), start, stop, args.peer_keep_hours)
        bar.update(task, total=total, completed=total)
        task = bar.add_task(f"Alertmanager, an hour in {args.hour_s:g} s", total=total)
        heard = peer.notify(manager, Path(tmp), states, (start, stop), args.hour_s,
                            lambda n: bar.update(task, completed=n))  # fmt: skip
    score = judge(heard.said, start, stop, late_h=2, hold_h=args.peer_keep_hours, escalates=False)
    console.print(table(score, "the peer: Prometheus and Alertmanager"))
    console.print(compared(heard))
    day, most, most_each = busiest(heard.notifications)
    return {
        **{f"peer_{name}": score.figures[name] for name in PEER_FIGURES},
        "peer_notifications": len(heard.notifications),
        "peer_reminders": heard.reminders,
        "peer_repeated_items": heard.repeated,
        "peer_worst_day": day,
        "peer_worst_day_notifications": most,
        "peer_worst_day_to_one": most_each,
        "peer_keep_hours": args.peer_keep_hours,
        "peer_hour_s": args.hour_s,
        **{f"peer_{name}": version for name, version in peer.versions(found).items()},
    }


def compared(heard: peer.PeerHeard) -> Table:
    """Notifications of the peer by recipient."""
    out = Table(title="notifications of the peer", title_justify="left")
    out.add_column("to")
    out.add_column("all", justify="right")
    for recipient, count in sorted(Counter(who for who, _ in heard.notifications).items()):
        out.add_row(recipient, str(count))
    return out


def main() -> int:
    """Run, print, judge."""
    args = arguments()
    start, stop = (WEEKS if args.peer else QUARTER) if args.quick else YEAR
    console = Console(width=None if sys.stdout.isatty() else 190)
    try:
        heard = ours(args.root, start, stop)
        score = judge(heard.said, start, stop, acknowledged=heard.acknowledged.get)
        figures = report(console, heard, score)
        if args.peer:
            beside = theirs(args, start, stop, console)
            for key, value in beside.items():
                console.print(f"{key:>28} {value}", highlight=False)
            figures |= beside
    except (BenchError, StorageError, OSError, subprocess.SubprocessError) as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    except ConfigError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 2
    print(json.dumps(figures))
    return 1 if any(figures.get(name) for name in FAULTS) else 0


if __name__ == "__main__":
    sys.exit(main())
