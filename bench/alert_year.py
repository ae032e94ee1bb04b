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
from bench import services
from bench.alert_year_run import Heard, play
from bench.alert_year_score import Score, busiest, judge, table
from bench.alert_year_script import YEAR, at
from bench.processes import BenchError
from models.errors import ConfigError, StorageError
from storage.db import connect
from storage.migrate import migrate

QUARTER = (at(1, 1), at(4, 1))
FAULTS = ("missed", "false", "duplicates", "said_twice", "late", "ends_missed", "ends_early",
          "ends_late", "unheard", "misdirected", "escalations_wrong", "nagged")  # fmt: skip


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="examples:\n  python bench/alert_year.py --quick\n  python bench/alert_year.py --peer",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="January to March, under 50 s")
    parser.add_argument(
        "--root",
        default=os.environ.get("GREENPARK_TEST_ROOT", ""),
        help="Debian root with PostgreSQL 18 and TimescaleDB (scripts/services-root)",
    )
    return parser.parse_args()


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


def main() -> int:
    """Run, print, judge."""
    args = arguments()
    start, stop = QUARTER if args.quick else YEAR
    console = Console(width=None if sys.stdout.isatty() else 190)
    try:
        heard = ours(args.root, start, stop)
    except (BenchError, StorageError, OSError, subprocess.SubprocessError) as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    except ConfigError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 2
    score = judge(heard.said, start, stop, acknowledged=heard.acknowledged.get)
    figures = report(console, heard, score)
    print(json.dumps(figures))
    return 1 if any(figures.get(name) for name in FAULTS) else 0


if __name__ == "__main__":
    sys.exit(main())
