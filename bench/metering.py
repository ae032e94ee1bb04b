"""What do quarter-hours, roll-ups and views cost, beside the naive way? A year of a park of meters.

Prints a table for people; the last line is JSON for programs. Exit code 1: what late data made is
not what a full rebuild makes, or a sum is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import services
from bench.chain import METERING, SAME, Chain, Times, total
from bench.processes import BenchError, median
from bench.site import PER_DAY, Site
from bench.views import dashboard, year_view
from models.errors import ConfigError, StorageError
from storage.db import connect
from storage.migrate import migrate

_EXAMPLES = """examples:
  python bench/metering.py --quick
  python bench/metering.py --root /srv/debian-services
  python bench/metering.py --channels 200 --days 365
"""
_BYTES_PER_READING = 350  # readings, quarter-hours, roll-ups, indexes and the log of the database
_QUICK_CHANNELS = 12


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="12 channels, under 50 s")
    parser.add_argument("--channels", type=int, help="registers and gauges (1,000)")
    parser.add_argument("--days", type=int, default=365, help="days of readings, at least 180")
    parser.add_argument(
        "--root",
        default=os.environ.get("GREENPARK_TEST_ROOT", ""),
        help="Debian root with PostgreSQL 18 and TimescaleDB (scripts/services-root)",
    )
    return parser.parse_args()


def site_of(args: argparse.Namespace) -> Site:
    """What the command line asks for, scaled down to the disk.

    Raises:
        ConfigError: too small to be measured.
    """
    channels = args.channels or (_QUICK_CHANNELS if args.quick else 1000)
    if args.days < 180 or channels < _QUICK_CHANNELS:
        raise ConfigError(
            "bench/metering.py",
            [f"got {channels} channels, {args.days} days; expected at least 12 and 180"],
        )
    free = shutil.disk_usage(args.root or tempfile.gettempdir()).free
    most = int(free * 0.8 / (_BYTES_PER_READING * PER_DAY * args.days))
    if channels > most:
        say(f"scaled to {most} channels: {free / 1e9:.0f} GB of disk are free")
    return Site(channels=min(channels, most), days=args.days)


def say(text: str) -> None:
    """Progress for people, on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def measured(chain: Chain, *, quick: bool) -> dict[str, Any]:
    """All measurements, in the order in which a year comes."""
    site, repeats = chain.site, 5 if quick else 9
    found: dict[str, Any] = {}
    say(f"{site.early_days} days of {site.channels} channels")
    found["load_s"] = chain.load(site.early_days)
    chain.settle()
    found |= late_figures("3m", chain.late_days())
    say(f"the rest of {site.days} days")
    found["load_s"] += chain.load(site.days)
    chain.settle()
    say("late data, one reading of every channel")
    singles = chain.late_singles()
    found |= late_figures("12m", chain.late_days())
    found["late_reading_ms"] = median([total(t) for t in singles]) * 1000
    found["late_reading_all_jobs_ms"] = median([sum(t.values()) for t in singles]) * 1000
    live = chain.live_minute()
    found |= {"live_minute_s": sum(live.values()), "live_minute_metering_s": total(live)}
    say("year view, beside summing up raw readings")
    found |= year_view(chain.conn, site, repeats)
    say("dashboard")
    summary, slowest = dashboard(chain.conn, chain.now, 2 if quick else 5)
    found |= summary | {"dashboard_slowest": slowest}
    return found | rebuilt(chain, found)


def late_figures(label: str, times: list[Times]) -> dict[str, float]:
    """Medians over several late days, of what is stored at the time."""
    return {
        f"late_day_s_{label}": median([total(t) for t in times]),
        f"late_day_all_jobs_s_{label}": median([sum(t.values()) for t in times]),
    }


def rebuilt(chain: Chain, found: dict[str, Any]) -> dict[str, Any]:
    """The naive way with late data: everything again, and whether it comes to the same bits.

    Raises:
        BenchError: it does not.
    """
    say("full rebuild")
    before = chain.checksums()
    times = chain.rebuild()
    after = chain.checksums()
    if differing := [table for table in SAME if before[table] != after[table]]:
        raise BenchError(
            "late data made other values than a rebuild: "
            + ", ".join(f"{t}: {before[t]} and {after[t]}" for t in differing)
        )
    metering_s, all_s = total(times), sum(times.values())
    return {
        "rebuild_s": metering_s,
        "rebuild_all_jobs_s": all_s,
        "rebuild_jobs_s": {name: round(s, 2) for name, s in times.items()},
        "rebuild_same_bits": True,
        "intervals": before["interval"][0],
        "backfill_readings_per_s": chain.readings / metering_s,
        "backfill_all_jobs_readings_per_s": chain.readings / all_s,
        "late_day_vs_rebuild": metering_s / found["late_day_s_12m"],
        "late_reading_vs_rebuild": metering_s / found["late_reading_ms"] * 1000,
        "late_reading_all_jobs_vs_rebuild": all_s / found["late_reading_all_jobs_ms"] * 1000,
        "late_day_12m_vs_3m": found["late_day_s_12m"] / found["late_day_s_3m"],
    }


def table(found: dict[str, Any]) -> str:
    """For people: what it costs, the naive way, how many times cheaper."""
    f = found
    rebuild = f"{f['rebuild_s']:,.1f} s: everything"
    rows = [
        (
            "year by day per enterprise",
            f"{f['year_view_ms']:.1f} ms",
            f"{f['year_view_naive_ms']:,.0f} ms: raw readings",
            f["year_view_speedup"],
        ),
        (
            "one late reading",
            f"{f['late_reading_ms']:.1f} ms",
            rebuild,
            f["late_reading_vs_rebuild"],
        ),
        (
            "a late day of 10 meters, 12 months stored",
            f"{f['late_day_s_12m'] * 1000:.0f} ms",
            rebuild,
            f["late_day_vs_rebuild"],
        ),
        ("the same, 3 months stored", f"{f['late_day_s_3m'] * 1000:.0f} ms", "", 0),
        ("one reading of every channel", f"{f['live_minute_metering_s']:.2f} s", "", 0),
        ("queries of the dashboard, 95 %", f"{f['dashboard_p95_ms']:.1f} ms", "", 0),
    ]
    lines = [f"{'':<44}{'here':>12}{'naive':>28}{'times':>12}"]
    for name, here, naive, times in rows:
        lines.append(f"{name:<44}{here:>12}{naive:>28}" + (f"{times:>12,.0f}" if times else ""))
    slowest = sorted(f["dashboard_slowest"].items(), key=lambda item: -item[1])[:5]
    lines.append("slowest: " + "; ".join(f"{name} {ms:.0f} ms" for name, ms in slowest))
    lines.append(
        f"backfill: {f['readings']:,} readings, {f['backfill_readings_per_s']:,.0f} readings/s to "
        f"quarter-hours, roll-ups and balances ({' + '.join(METERING)}); "
        f"{f['backfill_all_jobs_readings_per_s']:,.0f}/s with all jobs"
    )
    lines.append("  " + ", ".join(f"{k} {v:.1f} s" for k, v in f["rebuild_jobs_s"].items()))
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """What it ran on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9, 1),
        "load_average": round(os.getloadavg()[0], 2),
    }


def run(args: argparse.Namespace, folder: Path) -> None:
    """Start the database, measure, print."""
    began, host = time.monotonic(), machine()
    site = site_of(args)
    with (
        services.database(args.root, folder) as dsn,
        connect(dsn, application="bench") as conn,
    ):
        migrate(conn)
        versions = services.database_versions(conn)
        shown = ", ".join(f"{k} {v}" for k, v in (versions | host).items())
        print(f"{shown}; {site.channels} channels, {site.days} days", flush=True)
        if host["load_average"] > 1:
            print("bench: the machine is busy, rates are too low")
        chain = Chain(conn, site, say)
        chain.apply()
        found = measured(chain, quick=args.quick)
    found |= {"readings": chain.readings, "channels": site.channels, "days": site.days}
    print(table(found))
    del found["dashboard_slowest"]
    ended = {"seconds": round(time.monotonic() - began, 1), "machine": host, "versions": versions}
    print(json.dumps({k: rounded(v) for k, v in found.items()} | ended))


def rounded(value: Any) -> Any:
    """Four significant digits are more than a machine repeats."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main() -> int:
    """Measure; the exit code says whether the values are right."""
    args = arguments()
    try:
        with tempfile.TemporaryDirectory(
            prefix="greenpark-bench-", ignore_cleanup_errors=True
        ) as folder:
            run(args, Path(folder))
    except (BenchError, StorageError, OSError, subprocess.SubprocessError) as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 1
    except ConfigError as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
