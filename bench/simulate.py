"""How fast does the simulator make history, how fast is it stored, and does a live fleet lose any?

100 meters, a register each, a reading every 15 minutes: made, made and stored (codec, checks,
writer), and the same rows by plain COPY into the same table. Then 10,000 meters live, each minute,
through Mosquitto and the collector. The last line is JSON for programs. Exit code 1: a reading is
missing, wrong or there twice.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.backfill import store_simulated
from bench import fleet, services
from bench.processes import BenchError
from bench.stage import Stage
from models.errors import ConfigError
from simulators.fleet_park import fleet_park
from simulators.source import ParkSimulator
from storage.db import Conn, connect
from storage.migrate import migrate
from storage.parks import apply_park

_BATCH = 1000
_PERIOD_S = 900
_YEAR_DAYS, _QUICK_DAYS = 365, 45
_METERS, _LIVE_S = 10_000, 600.0
_QUICK_METERS, _QUICK_LIVE_S, _QUICK_SPEED = 1000, 8.0, 60.0
_EXAMPLES = """examples:
  python bench/simulate.py --quick
  python bench/simulate.py --root /srv/debian-services
  python bench/simulate.py --days 30 --live-seconds 60
"""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="45 days, a small fleet for 8 s, under 50 s"
    )
    parser.add_argument("--meters", type=int, default=100, help="a multiple of 10")
    parser.add_argument("--days", type=int, default=_YEAR_DAYS, help="days of readings")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--live-meters", type=int, help=f"default {_METERS}")
    parser.add_argument("--live-seconds", type=float, help=f"default {_LIVE_S:g}")
    parser.add_argument("--live-speed", type=float, help="park seconds per second, default 1")
    parser.add_argument(
        "--root",
        default=os.environ.get("GREENPARK_TEST_ROOT", ""),
        help="Debian root with PostgreSQL 18, TimescaleDB, Mosquitto 2.1 (scripts/services-root)",
    )
    return parser.parse_args()


def history(args: argparse.Namespace, conn: Conn, dsn: str) -> dict[str, Any]:
    """Made; made and stored; the same rows copied."""
    days = _QUICK_DAYS if args.quick else args.days
    park, scenario = fleet_park(args.meters, _PERIOD_S, per_enterprise=10)
    start = datetime(2026, 1, 1, tzinfo=park.zone)
    stop = start + timedelta(days=days)
    began = time.perf_counter()
    simulator = ParkSimulator(park, scenario, args.seed)
    expected = sum(m.readings for m in simulator.messages(start, stop, batch=_BATCH))
    generate_s = time.perf_counter() - began
    with conn.transaction():
        apply_park(conn, park, start)
    began = time.perf_counter()
    fresh = ParkSimulator(park, scenario, args.seed)
    counters = store_simulated(
        fresh, lambda: connect(dsn, application="bench"), start, stop, batch=_BATCH
    )
    store_s = time.perf_counter() - began
    there, copy_s = _copied(dsn)
    return {
        "readings": expected,
        "readings_per_s": round(expected / store_s),
        "generate_per_s": round(expected / generate_s),
        "store_vs_copy": round(copy_s / store_s, 3),
        "store_s": round(store_s, 1),
        "year100_s": round(store_s * 100 / args.meters * _YEAR_DAYS / days, 1),
        "lost": expected - there,
        "refused": counters["quarantined"],
    }


def live(args: argparse.Namespace, conn: Conn, dsn: str, folder: Path) -> dict[str, Any]:
    """The fleet through broker and collector."""
    meters = args.live_meters or (_QUICK_METERS if args.quick else _METERS)
    seconds = args.live_seconds or (_QUICK_LIVE_S if args.quick else _LIVE_S)
    speed = args.live_speed or (_QUICK_SPEED if args.quick else 1.0)
    began = time.perf_counter()
    fleet.apply_fleet(conn, meters)
    applied_s = time.perf_counter() - began
    plan = fleet.Live.ending_now(meters, seconds, speed)
    with services.broker(args.root, folder) as broker:
        return {
            "live_apply_s": round(applied_s, 1),
            **fleet.measure(Stage(conn, dsn, broker, folder), plan),
            "versions": services.versions(conn, broker, args.root),
        }


def measure(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything that was asked for, each part in a database of its own."""
    result: dict[str, Any] = {"load_average": round(os.getloadavg()[0], 2)}
    for name in ("history", "live"):
        own = folder / name
        own.mkdir()
        with (
            services.database(args.root, own) as dsn,
            connect(dsn, application="bench") as conn,
        ):
            migrate(conn)
            if name == "history":
                result |= history(args, conn, dsn)
            else:
                result |= live(args, conn, dsn, own)
    return result


def _copied(dsn: str) -> tuple[int, float]:
    """Readings that are there, and how long plain COPY takes for the same rows (text)."""
    with psycopg.connect(dsn) as conn:
        conn.execute("CREATE TEMP TABLE rows AS SELECT * FROM reading")
        (there,) = conn.execute("SELECT count(*) FROM rows").fetchone() or (0,)
        parts: list[bytes] = []
        with conn.cursor().copy("COPY rows TO STDOUT") as out:
            parts.extend(bytes(block) for block in out)
        conn.execute("TRUNCATE reading")
        conn.commit()
        began = time.perf_counter()
        with conn.cursor().copy("COPY reading FROM STDIN") as into:
            for first in range(0, len(parts), 1000):
                into.write(b"".join(parts[first : first + 1000]))
        conn.commit()
        return there, time.perf_counter() - began


def main() -> int:
    """Exit code 1: something is missing, wrong or was refused; 2: there is no Mosquitto."""
    args = arguments()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} {args.meters} meters", flush=True)
    try:
        with tempfile.TemporaryDirectory(
            prefix="greenpark-bench-", ignore_cleanup_errors=True
        ) as folder:
            result = measure(args, Path(folder))
    except (BenchError, OSError, subprocess.SubprocessError) as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    except ConfigError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 2
    for key, value in result.items():
        shown = f"{value:,}" if isinstance(value, int | float) else str(value)
        print(f"{key:>24} {shown:>14}")
    print(json.dumps(result))
    wrong = result["lost"] or result["refused"] or result.get("live_lost", 0)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
