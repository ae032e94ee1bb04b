"""How long do the monthly indicators of a year and of one restated day take, beside plain SQL sums?

Smelter-like enterprises with every role that an indicator needs. Measured: from stored days and
quarter-hours to saved values of enterprises and park. Plain SQL, in the same run, only sums the
same rows by month. The last line is JSON for programs. Exit code 1: a restated day does not change
what it must, or changes more.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.jobs.indicators import compute_indicators
from bench.green import run, say
from bench.processes import BenchError
from models.activity import ITEM_OF_ROLE, ITEMS, Reported
from models.park import Park, parse_park
from models.periods import day_start
from models.quantities import QUANTITIES
from models.roles import ROLE_QUANTITY
from storage.activity import ActivityFile, import_activity
from storage.balances import mark_indicators_stale
from storage.binary import copy_stream, pg_days, pg_times
from storage.db import Conn
from storage.parks import apply_park, channels, enterprise_ids

_YEAR = 2025
_DAYS = 365
_SUMS = """
SELECT enterprise_id, role, date_trunc('month', day), sum(value), sum(buckets) FROM enterprise_day
GROUP BY 1, 2, 3
"""
_DEMANDS = """
SELECT channel_id, date_trunc('month', bucket_start, 'Asia/Shanghai'), max(value), count(*)
FROM interval GROUP BY 1, 2
"""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example:\n  python bench/indicators.py --quick",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="20 enterprises, under 50 s")
    parser.add_argument("--enterprises", type=int, help="default 100, quick 20")
    parser.add_argument(
        "--root",
        default=os.environ.get("GREENPARK_TEST_ROOT", ""),
        help="Debian root with PostgreSQL 18 and TimescaleDB (scripts/services-root)",
    )
    args = parser.parse_args()
    args.enterprises = args.enterprises or (20 if args.quick else 100)
    return args


def bench_park(enterprises: int) -> Park:
    """A park of enterprises with a channel of every role that feeds an item."""
    channel = {
        role: {
            "quantity": ROLE_QUANTITY[role],
            "unit": QUANTITIES[ROLE_QUANTITY[role]].unit,
            "kind": "interval",
            "role": str(role),
        }
        for role in ITEM_OF_ROLE
    }
    return parse_park(
        {
            "key": "bench",
            "name": {"zh": "测试", "en": "Bench"},
            "data_from": f"{_YEAR}-01-01",
            "enterprises": [
                {
                    "key": f"e{n}",
                    "name": {"zh": f"企业{n}", "en": f"Enterprise {n}"},
                    "power": {"contract_demand_kw": 30_000},
                    "meters": [
                        {
                            "key": f"m{n}",
                            "name": {"zh": "表", "en": "meter"},
                            "channels": {str(r).replace("_", "-"): c for r, c in channel.items()},
                        }
                    ],
                }
                for n in range(enterprises)
            ],
        },
        "bench",
    )


def fill(conn: Conn, park: Park) -> int:
    """Daily sums, balances and quarter-hours of a year, as the jobs before leave them."""
    rng = np.random.default_rng(1)
    day = pg_days(date(_YEAR, 1, 1) + timedelta(days=n) for n in range(_DAYS))
    ids, rows = enterprise_ids(conn, 1), 0
    numbers = {(c.enterprise_id, c.role): c.channel_id for c in channels(conn)}
    start = day_start(date(_YEAR, 1, 1), park.zone).timestamp()
    at = pg_times(start + 900.0 * np.arange(_DAYS * 96))
    quality, made = np.full(len(at), b"measured", dtype="S8"), np.full(len(at), at[-1])
    whole, one = np.full(_DAYS, 96, dtype=np.int32), np.ones(_DAYS, dtype=np.int16)
    for number in ids.values():
        with conn.transaction(), conn.cursor() as cur:
            for role in ITEM_OF_ROLE:
                value, who = rng.uniform(900, 1100, _DAYS), np.full(_DAYS, number, dtype=np.int32)
                with cur.copy(
                    "COPY enterprise_day (enterprise_id, day, value, channels, buckets,"
                    " expected_buckets, estimated_value, edited_value, role)"
                    " FROM STDIN (FORMAT BINARY)"
                ) as copy:
                    name = np.full(_DAYS, str(role).encode(), dtype=f"S{len(str(role))}")
                    zero = np.zeros(_DAYS)
                    copy.write(copy_stream(who, day, value, one, whole, whole, zero, zero, name))
                channel = numbers[number, str(role)]
                with cur.copy(
                    "COPY channel_day (channel_id, day, value, buckets, expected_buckets,"
                    " estimated_buckets, estimated_value) FROM STDIN (FORMAT BINARY)"
                ) as copy:
                    small = whole.astype(np.int16)
                    copy.write(copy_stream(np.full(_DAYS, channel, dtype=np.int32), day, value,
                                           small, small, small * 0, np.zeros(_DAYS)))  # fmt: skip
                rows += _DAYS
            cur.execute(_BALANCES, (number,))
            grid = numbers[number, "grid_import"]
            with cur.copy(
                "COPY interval (channel_id, bucket_start, value, quality, computed_at)"
                " FROM STDIN (FORMAT BINARY)"
            ) as copy:
                who = np.full(len(at), grid, dtype=np.int32)
                copy.write(copy_stream(who, at, rng.uniform(2000, 7000, len(at)), quality, made))
            rows += len(at)
    conn.execute("ANALYZE")
    return rows


_BALANCES = """
INSERT INTO balance_day
SELECT (jsonb_populate_record(NULL::balance_day, z.zeros || jsonb_build_object(
    'enterprise_id', d.enterprise_id, 'day', d.day, 'consumption_kwh', d.value + 100,
    'grid_draw_kwh', d.value, 'physical_green_kwh', 100, 'import_kwh', d.value, 'onsite_kwh', 100,
    'load_kwh', d.value + 100, 'buckets', 96, 'expected_buckets', 96, 'computed_at', now()))).*
FROM enterprise_day d
CROSS JOIN (SELECT jsonb_object_agg(column_name, 0) AS zeros FROM information_schema.columns
            WHERE table_name = 'balance_day' AND data_type = 'double precision') z
WHERE d.role = 'grid_import' AND d.enterprise_id = %s
"""


def report(conn: Conn, park: Park) -> None:
    """What no meter gives, for every month."""
    rows = [
        Reported(0, e.key, item.key, date(_YEAR, month, 1), "", 0.02 if item.most < 1 else 10.0)
        for e in park.enterprises
        for item in ITEMS.values()
        if item.role is None
        for month in range(1, 13)
    ]
    file = ActivityFile("bench", b"", "bench", "bench")
    with conn.transaction():
        import_activity(conn, 1, enterprise_ids(conn, 1), rows, file, datetime.now(UTC))


def computed(conn: Conn, numbers: list[int], from_day: date, now: datetime) -> float:
    """Seconds to work off the indicators of these enterprises from a day on."""
    with conn.transaction():
        conn.execute("DELETE FROM stale_indicator")
        for number in numbers:
            mark_indicators_stale(conn, number, from_day)
    began = time.perf_counter()
    compute_indicators(conn, now)
    return time.perf_counter() - began


def measure(conn: Conn, args: argparse.Namespace) -> dict[str, Any]:
    """Everything, in one database.

    Raises:
        BenchError: a restated day does not change its month, or changes another one.
    """
    park = bench_park(args.enterprises)
    now = day_start(date(_YEAR + 1, 1, 1), park.zone)
    with conn.transaction():
        apply_park(conn, park, now)
    say(f"a year of {args.enterprises} enterprises")
    rows = fill(conn, park)
    report(conn, park)
    numbers = list(enterprise_ids(conn, 1).values())
    say("indicators of the year")
    first_s = computed(conn, numbers, date(_YEAR, 1, 1), now)
    conn.execute("UPDATE enterprise_day SET value = value * 1.01")  # everything changes
    year_s = computed(conn, numbers, date(_YEAR, 1, 1), now)
    before = _stored(conn)
    say("one restated day, plain SQL")
    conn.execute(
        "UPDATE enterprise_day SET value = value * 2 WHERE enterprise_id = %s AND day = %s",
        (numbers[0], date(_YEAR, 11, 5)),
    )
    day_s = sorted(computed(conn, numbers[:1], date(_YEAR, 11, 5), now) for _ in range(3))[1]
    changed = {key for key, value in _stored(conn).items() if before.get(key) != value}
    touched = {(who, start) for _, who, _, start in changed}
    wanted = {(w, date(_YEAR, m, 1)) for w in (numbers[0], None) for m in (1, 11)}
    if not changed or not touched <= wanted:
        raise BenchError(f"a restated day changed {sorted(map(str, touched - wanted))[:5]}")
    began = time.perf_counter()
    conn.execute(_SUMS).fetchall()
    conn.execute(_DEMANDS).fetchall()
    sql_s = time.perf_counter() - began
    kinds = len({key for key, who, _, _ in before if who is not None})
    return {
        "enterprises": args.enterprises,
        "indicators": kinds,
        "values": len(before),
        "rows": rows,
        "first_s": round(first_s, 2),
        "year_s": round(year_s, 2),
        "year_100_enterprises_s": round(year_s * 100 / args.enterprises, 1),
        "day_s": round(day_s, 3),
        "changed_values": len(changed),
        "sql_sums_s": round(sql_s, 2),
        "year_vs_sql_sums": round(year_s / sql_s, 2),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "cpus": os.cpu_count(),
    }


def _stored(conn: Conn) -> dict[tuple[str, int | None, str, date], Any]:
    rows = conn.execute(
        "SELECT indicator, enterprise_id, period_kind, period_start, value, numerator, denominator"
        " FROM indicator_value WHERE period_kind IN ('month', 'year')"
        " AND indicator IN (SELECT indicator FROM indicator_definition WHERE domain_row >= 16)"
    ).fetchall()
    return {row[:4]: row[4:] for row in rows}


if __name__ == "__main__":
    sys.exit(run(arguments(), measure))
