"""How fast does the simulator make history, and how fast is it stored through the codec path?

100 meters, a register each, a reading every 15 minutes: made, made and stored (codec, checks,
writer), and the same rows by plain COPY into the same table. The last line is JSON for programs.
Exit code 1: a reading is missing or there twice.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.clock import FixedClock
from bench import services
from collectors.backfill import store_history
from collectors.formats.base import Incoming
from models.park import Park, parse_park
from simulators.scenario import Scenario
from simulators.source import ParkSimulator
from storage.db import connect
from storage.migrate import migrate
from storage.parks import apply_park

_BATCH = 1000
_YEAR_DAYS = 365
_EXAMPLES = """examples:
  python bench/simulate.py --quick
  python bench/simulate.py --root /srv/debian-services
"""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="90 days, under 50 s")
    parser.add_argument("--meters", type=int, default=100, help="a multiple of 10")
    parser.add_argument("--days", type=int, default=_YEAR_DAYS, help="days of readings")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument(
        "--root",
        default=os.environ.get("GREENPARK_TEST_ROOT", ""),
        help="Debian root with PostgreSQL 18 and TimescaleDB (scripts/services-root)",
    )
    return parser.parse_args()


def made_up(meters: int) -> tuple[Park, Scenario]:
    """A park of ten meters per enterprise, and how it behaves."""
    name = {"zh": "仿真", "en": "simulated"}
    channel = {"quantity": "active_energy", "unit": "kWh", "kind": "register",
               "role": "grid_import", "multiplier": 100, "modulus": 1_000_000}  # fmt: skip
    keys = [f"e{n:03d}" for n in range(meters // 10)]
    enterprises = [
        {
            "key": key,
            "name": name,
            "kind": "other",
            "meters": [
                {"key": f"{key}-m{n}", "name": name, "channels": {"import_kwh": channel}}
                for n in range(10)
            ],
        }
        for key in keys
    ]
    goal = {"year": 2026, "year_end_ratio": 0.5, "source": "bench"}
    park = parse_park({"key": "bench", "name": name, "timezone": "Asia/Shanghai", "simulated": True,
                       "goal": goal, "enterprises": enterprises}, "bench")  # fmt: skip
    scenario = Scenario.model_validate(
        {"park": "bench", "first_year": 2026, "site": {"latitude": 40.6, "longitude": 109.9},
         "enterprises": {key: {"load": {"mean_kw": 3000}} for key in keys}}
    )  # fmt: skip
    return park, scenario


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Everything that was asked for."""
    days = 90 if args.quick else args.days
    park, scenario = made_up(args.meters)
    start = datetime(2026, 1, 1, tzinfo=park.zone)
    stop = start + timedelta(days=days)
    began = time.perf_counter()
    simulator = ParkSimulator(park, scenario, args.seed)
    expected = sum(m.readings for m in simulator.messages(start, stop, batch=_BATCH))
    generate_s = time.perf_counter() - began
    with (
        tempfile.TemporaryDirectory(prefix="greenpark-bench-") as folder,
        services.database(args.root, Path(folder)) as dsn,
    ):
        with connect(dsn, application="bench") as conn:
            migrate(conn)
            with conn.transaction():
                apply_park(conn, park, start)

        def incoming() -> Iterator[Incoming]:
            fresh = ParkSimulator(park, scenario, args.seed)
            for message in fresh.messages(start, stop, batch=_BATCH):
                yield Incoming(message.topic, message.payload, message.due_at)

        began = time.perf_counter()
        counters = store_history(
            incoming(), lambda: connect(dsn, application="bench"), FixedClock(stop)
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
    """Exit code 1: something is missing or was refused."""
    args = arguments()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} {args.meters} meters", flush=True)
    result = measure(args)
    for key, value in result.items():
        print(f"{key:>16} {value:>14,}")
    print(json.dumps(result))
    return 1 if result["lost"] or result["refused"] else 0


if __name__ == "__main__":
    sys.exit(main())
