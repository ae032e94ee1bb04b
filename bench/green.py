"""How long do a year and a day of quarter-hourly green accounting take, beside plain SQL sums?

Enterprises with grid, export, PV and a direct line, every second one with a storage. Measured: from
stored quarter-hours to traced balances, stocks and indicators. Plain SQL, in the same run, only
sums the same quarter-hours by day and role: no tracing, no shares. The last line is JSON for
programs. Exit code 1: energy is not conserved, or what a late day made is not what a rebuild makes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.jobs.indicators import compute_indicators
from app.jobs.tracing import trace_balances
from bench import services
from bench.processes import BenchError
from models.claims import TradeRow
from models.errors import ConfigError, StorageError
from models.park import Park, parse_park
from models.periods import day_start, days
from storage.balances import mark_balances_stale, mark_indicators_stale
from storage.binary import Array, copy_stream, pg_times
from storage.db import Conn, connect
from storage.ledger import import_trades
from storage.migrate import migrate
from storage.parks import apply_park, channels, enterprise_ids

_YEAR = 2025
_ROLES = ("grid_import", "grid_export", "onsite_pv", "direct_supply")
_STORAGE = ("storage_charge", "storage_discharge")
_EXAMPLES = """examples:
  python bench/green.py --quick
  python bench/green.py --enterprises 50 --root /srv/debian-services
"""
_SUMS = """
SELECT m.enterprise_id, (i.bucket_start AT TIME ZONE 'Asia/Shanghai')::date AS day, c.role,
       sum(i.value), count(*)
FROM interval i JOIN channel c USING (channel_id) JOIN meter m USING (meter_id)
GROUP BY 1, 2, 3
"""
_CONSERVED = """
SELECT sum(b.consumption_kwh - b.import_kwh - b.onsite_kwh - b.direct_kwh + b.export_kwh),
       sum(b.onsite_kwh + b.direct_kwh - b.green_load_kwh - b.green_export_kwh - b.green_lost_kwh)
       - (SELECT coalesce(sum(l.green), 0) FROM (
              SELECT DISTINCT ON (enterprise_id) layers[2] + layers[3] AS green FROM storage_stock
              ORDER BY enterprise_id, day DESC) l),
       sum(b.consumption_kwh)
FROM balance_day b
"""
_DIGEST = """
SELECT md5(string_agg(row_text, '|' ORDER BY row_text)) FROM (
    SELECT (to_jsonb(b) - 'computed_at')::text AS row_text FROM balance_day b UNION ALL
    SELECT to_jsonb(h)::text FROM balance_hour h UNION ALL
    SELECT to_jsonb(s)::text FROM storage_stock s UNION ALL
    SELECT (to_jsonb(v) - 'computed_at')::text FROM indicator_value v) x
"""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="10 enterprises, under 50 s")
    parser.add_argument("--enterprises", type=int, help="default 50, quick 10")
    parser.add_argument(
        "--root",
        default=os.environ.get("GREENPARK_TEST_ROOT", ""),
        help="Debian root with PostgreSQL 18 and TimescaleDB (scripts/services-root)",
    )
    args = parser.parse_args()
    args.enterprises = args.enterprises or (10 if args.quick else 50)
    return args


def say(text: str) -> None:
    """Progress for people, on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def bench_park(enterprises: int) -> Park:
    """A park of enterprises; every second one has a storage."""
    return parse_park(
        {
            "key": "bench",
            "name": {"zh": "测试", "en": "Bench"},
            "data_from": f"{_YEAR}-01-01",
            "enterprises": [
                {
                    "key": f"e{n}",
                    "name": {"zh": f"企业{n}", "en": f"Enterprise {n}"},
                    "meters": [_meter(n, role) for role in _roles(n)],
                }
                for n in range(enterprises)
            ],
        },
        "bench",
    )


def _roles(n: int) -> tuple[str, ...]:
    return _ROLES + (_STORAGE if n % 2 else ())


def _meter(n: int, role: str) -> dict[str, Any]:
    channel = {"quantity": "active_energy", "unit": "kWh", "kind": "register", "role": role}
    name = {"zh": role, "en": role}
    return {"key": f"m{n}-{role}", "name": name, "channels": {"kwh": channel}}


def year_of(n: int, length: int) -> dict[str, Array]:
    """A made-up year of one enterprise [kWh per quarter-hour], by role; balances close."""
    rng = np.random.default_rng(n)
    hour = (np.arange(length) // 4) % 24
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None)
    pv = 300 * sun * rng.uniform(0.3, 1, length)
    direct = np.clip(150 + np.cumsum(rng.normal(0, 5, length)), 0, 400)
    load = 400 * rng.uniform(0.8, 1.2, length)
    charge = np.where((hour >= 11) & (hour < 15), 60.0, 0.0) * (n % 2)
    discharge = np.where((hour >= 18) & (hour < 22), 54.0, 0.0) * (n % 2)
    net = load + charge - discharge - pv - direct
    made = {
        "grid_import": np.maximum(net, 0.0),
        "grid_export": np.maximum(-net, 0.0),
        "onsite_pv": pv,
        "direct_supply": direct,
        "storage_charge": charge,
        "storage_discharge": discharge,
    }
    return {role: made[role] for role in _roles(n)}


def fill(conn: Conn, park: Park) -> int:
    """Store the quarter-hours of the year; returns how many."""
    start = day_start(date(_YEAR, 1, 1), park.zone)
    length = round((day_start(date(_YEAR + 1, 1, 1), park.zone) - start).total_seconds() / 900)
    at = pg_times(start.timestamp() + 900.0 * np.arange(length))
    quality, computed = np.full(length, b"measured", dtype="S8"), np.full(length, at[-1])
    numbers = {c.meter_key: c.channel_id for c in channels(conn)}
    rows = 0
    for n in range(len(park.enterprises)):
        with conn.transaction(), conn.cursor() as cur:
            for role, value in year_of(n, length).items():
                channel = np.full(length, numbers[f"m{n}-{role}"], dtype=np.int32)
                with cur.copy(
                    "COPY interval (channel_id, bucket_start, value, quality, computed_at)"
                    " FROM STDIN (FORMAT BINARY)"
                ) as copy:
                    copy.write(copy_stream(channel, at, value, quality, computed))
                rows += length
    conn.execute("ANALYZE interval")
    return rows


def claims(conn: Conn, park: Park, now: datetime) -> None:
    """A settled trade of every month and enterprise."""
    trades = [
        TradeRow(2, e.key, f"T-{e.key}", date(_YEAR, month, 1), "green", 50_000_000)
        for e in park.enterprises
        for month in range(1, 13)
    ]
    import_trades(conn, enterprise_ids(conn, 1), trades, "bench", b"", now)


def accounted(conn: Conn, stale: list[date], now: datetime) -> float:
    """Seconds to trace and account these local days of every enterprise."""
    for number in enterprise_ids(conn, 1).values():
        mark_balances_stale(conn, number, stale)
        mark_indicators_stale(conn, number, stale[0])
    began = time.perf_counter()
    trace_balances(conn, now)
    compute_indicators(conn, now)
    return time.perf_counter() - began


def measure(conn: Conn, args: argparse.Namespace) -> dict[str, Any]:
    """Everything, in one database.

    Raises:
        BenchError: energy is not conserved, or a part computed anew differs from the whole.
    """
    park = bench_park(args.enterprises)
    whole = list(days(date(_YEAR, 1, 1), date(_YEAR + 1, 1, 1)))
    now = day_start(date(_YEAR + 1, 1, 1), park.zone)
    with conn.transaction():
        apply_park(conn, park, now)
        claims(conn, park, now)
    say(f"a year of {args.enterprises} enterprises")
    rows = fill(conn, park)
    say("accounting the year")
    year_s = accounted(conn, whole, now)
    before = conn.execute(_DIGEST).fetchone()
    say("the last day, a late day with a storage behind it, plain SQL")
    last_s = sorted(accounted(conn, whole[-1:], now) for _ in range(5))[2]
    late_s = accounted(conn, whole[100:101], now)
    began = time.perf_counter()
    conn.execute(_SUMS).fetchall()
    sql_s = time.perf_counter() - began
    if conn.execute(_DIGEST).fetchone() != before:
        raise BenchError("a day accounted anew is not what the whole year made")
    row = conn.execute(_CONSERVED).fetchone()
    border, green, consumed = row or (1.0, 1.0, 1.0)
    if max(abs(border), abs(green)) > 1e-9 * consumed:
        raise BenchError(f"energy is not conserved: {border} kWh of all, {green} kWh of green")
    count = conn.execute("SELECT count(*) FROM indicator_value").fetchone()
    return {
        "enterprises": args.enterprises,
        "quarter_hours": rows,
        "year_s": round(year_s, 2),
        "year_50_enterprises_s": round(year_s * 50 / args.enterprises, 1),
        "day_s": round(last_s, 3),
        "late_day_s": round(late_s, 2),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "sql_sums_s": round(sql_s, 2),
        "year_vs_sql_sums": round(year_s / sql_s, 2),
        "indicator_values": count[0] if count else 0,
        "unconserved_kwh": max(abs(border), abs(green)),
        "consumption_kwh": consumed,
        "cpus": os.cpu_count(),
    }


def run(
    args: argparse.Namespace, work: Callable[[Conn, argparse.Namespace], dict[str, Any]]
) -> int:
    """`work` in a fresh database, its figures printed, JSON last; 1: wrong, 2: missing."""
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} {args.enterprises} enterprises", flush=True)
    try:
        with (
            tempfile.TemporaryDirectory(
                prefix="greenpark-bench-", ignore_cleanup_errors=True
            ) as folder,
            services.database(args.root, Path(folder)) as dsn,
            connect(dsn, application="bench") as conn,
        ):
            migrate(conn)
            result = work(conn, args)
    except (BenchError, StorageError, OSError, subprocess.SubprocessError) as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    except ConfigError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 2
    for key, value in result.items():
        print(f"{key:>24} {value:>16,}" if not isinstance(value, str) else f"{key:>24} {value}")
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(run(arguments(), measure))
