"""How fast is the collector, from the broker to the commit? Real servers, separate publisher.

Prints a table for people; the last line is JSON for programs. Exit code 1: something was lost,
stored twice or wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import mq_bridge_peer, profiled, services
from bench.processes import BenchError, median
from bench.run import Plan, Run
from bench.stage import Stage
from bench.workload import Workload, park_document
from models.errors import ConfigError
from models.park import parse_park
from storage.db import connect
from storage.migrate import migrate
from storage.parks import apply_park

_EXAMPLES = """examples:
  python bench/ingest.py --quick
  python bench/ingest.py --rounds 3 --with-mq-bridge --root /srv/debian-services
  python bench/ingest.py --profile
  python bench/ingest.py --shards 2 --singles 100000
"""
_LABELS = {
    "copy": "plain COPY, rows of the singles",
    "copy20": "plain COPY, rows of the lists",
    "discard": "paho, decode and throw away",
    "discard_311": "the same, MQTT 3.1.1",
    "lean_discard": "our transport, decode and throw away",
    "single": "greenpark, singles",
    "live": "greenpark, singles, live",
    "list20": "greenpark, lists of 20",
    "single_shards": "greenpark, singles, sharded",
    "list20_shards": "greenpark, lists of 20, sharded",
    "mq_bridge": "mq-bridge, singles, 1 task",
    "mq_bridge_2": "mq-bridge, singles, 2 tasks",
    "mq_bridge20": "mq-bridge, lists of 20, 1 task",
    "mq_bridge20_2": "mq-bridge, lists of 20, 2 tasks",
}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round, under 50 s")
    parser.add_argument("--rounds", type=int, default=1, help="repeat and take medians")
    parser.add_argument("--singles", type=int, help="messages with one reading")
    parser.add_argument("--lists", type=int, help="messages with 20 readings")
    parser.add_argument("--rows-per-commit", type=int, default=2000)
    parser.add_argument(
        "--root",
        default=os.environ.get("GREENPARK_TEST_ROOT", ""),
        help="Debian root with PostgreSQL 18, TimescaleDB, Mosquitto 2.1 (scripts/services-root)",
    )
    parser.add_argument(
        "--with-mq-bridge",
        action="store_true",
        help="install the peer into an environment below the cache folder (it is measured as well "
        "where it is installed already, but not with --quick)",
    )
    parser.add_argument("--shards", type=int, default=1, help="also measure N sharded collectors")
    parser.add_argument(
        "--profile", action="store_true", help="only the collector, with the top 25 of each thread"
    )
    return parser.parse_args()


def plan_of(args: argparse.Namespace) -> Plan:
    """What the command line asks for."""
    peer = ""
    if args.with_mq_bridge or not (args.quick or args.profile):
        peer = mq_bridge_peer.interpreter(install=args.with_mq_bridge)
    return Plan(
        singles=args.singles or (30_000 if args.quick else 120_000),
        lists=args.lists or (4_000 if args.quick else 15_000),
        rows_per_commit=args.rows_per_commit,
        rounds=args.rounds,
        quick=args.quick,
        peer=peer,
        shards=args.shards,
        profile=args.profile,
    )


def table(run: Run) -> str:
    """Medians of all lanes, for people."""
    columns = {
        "readings/s": "per_s",
        "CPU us/message": "cpu_us",
        "broker us": "broker_us",
        "database us": "database_us",
        "peak RSS MB": "rss_mb",
    }
    lines = [f"{'lane':<38}" + "".join(f"{title:>16}" for title in columns)]
    for name, results in run.results.items():
        medians = [median([getattr(r, field) for r in results]) for field in columns.values()]
        cells = [f"{medians[0]:,.0f}", *(f"{value:.1f}" if value else "" for value in medians[1:])]
        lines.append(f"{_LABELS[name]:<38}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join(lines)


def measured(args: argparse.Namespace, folder: Path) -> None:
    """Start the servers, measure, print."""
    began, load, plan = time.monotonic(), round(os.getloadavg()[0], 2), plan_of(args)
    with (
        services.database(args.root, folder) as dsn,
        services.broker(args.root, folder) as broker,
        connect(dsn, application="bench") as conn,
    ):
        migrate(conn)
        park = parse_park(park_document(Workload.recent(1, 1)), "bench")
        with conn.transaction():
            apply_park(conn, park, datetime.now(UTC))
        versions = services.versions(conn, broker, args.root)
        print(", ".join(f"{k} {v}" for k, v in versions.items()), flush=True)
        if load > 1:
            print(f"bench: load average {load}: the machine is busy, rates are too low")
        stage = Stage(conn, dsn, broker, folder, profile=plan.profile)
        run = Run(stage, plan, lambda text: print(text, file=sys.stderr, flush=True))
        for _ in range(plan.rounds):
            run.round()
    if plan.profile:
        print(profiled.report(folder))
    print(table(run))
    sizes = {"singles": plan.singles, "lists": plan.lists, "rounds": plan.rounds}
    ended = {"seconds": round(time.monotonic() - began, 1), "load_average": load}
    print(json.dumps({**run.summary(), **sizes, **ended, "versions": versions}))


def main() -> int:
    """Measure; the exit code says whether everything was stored once."""
    args = arguments()
    try:
        with tempfile.TemporaryDirectory(
            prefix="greenpark-bench-", ignore_cleanup_errors=True
        ) as folder:
            measured(args, Path(folder))
    except (BenchError, OSError, subprocess.SubprocessError) as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    except ConfigError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
