"""How good is the year-end forecast? Back-test on simulated years that it has not seen.

For each year and each of 1 April, 1 July and 1 October: forecast from the days before, against what
the simulated year became. Truth is the physics of the simulator, not its meters. The last line is
JSON for programs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.progress import track

from analytics.green.climatology import baotou
from analytics.green.forecast import Forecast, YearSoFar, forecast_year
from analytics.green.shares import Claims
from analytics.metering.likedays import day_kinds
from models.park import Park, load_park
from models.periods import days
from simulators.climate import technologies
from simulators.flows import Flows
from simulators.scenario import Scenario, load_scenario
from simulators.timegrid import STEP_H, YearGrid
from simulators.years import Years

REPO = Path(__file__).resolve().parent.parent
_DATES = {"1 April": (4, 1), "1 July": (7, 1), "1 October": (10, 1)}
_EXAMPLES = """examples:
  python bench/forecast.py --quick
  python bench/forecast.py --years 60
"""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="30 years, under 50 s")
    parser.add_argument("--years", type=int, help="default 60, quick 30")
    parser.add_argument("--first-seed", type=int, default=101, help="the climatology has 1 to 40")
    args = parser.parse_args()
    args.years = args.years or (30 if args.quick else 60)
    return args


def simulated(
    park: Park, scenario: Scenario, seed: int, step_ratio: float = 1.0
) -> dict[str, YearSoFar]:
    """A whole year of every enterprise, with a trade that an off-site wind farm serves.

    Args:
        step_ratio: load from 1 July on, relative to before: a stress.
    """
    grid = YearGrid(scenario.first_year, park.zone)
    flows = Years(park, scenario, seed).flows(grid.year)
    fed_by = technologies(park)
    wind = sum(
        power for f in flows.values() for m, power in f.available_kw.items() if fed_by[m] == "wind"
    )
    every = list(days(date(grid.year, 1, 1), date(grid.year + 1, 1, 1)))
    kinds = day_kinds(every, "CN")
    ordinals = np.array([d.toordinal() for d in every])
    months = np.array([d.month for d in every])
    wind_share = np.bincount(months, np.bincount(grid.day, wind))[1:] / np.sum(wind)

    def year_of(key: str, f: Flows) -> YearSoFar:
        made: dict[str, Any] = {"pv": 0.0, "wind": 0.0}
        for meter, power in f.generation_kw.items():
            made[fed_by[meter]] = made[fed_by[meter]] + np.bincount(grid.day, power * STEP_H)
        made = {t: g + np.zeros(len(every)) for t, g in made.items()}
        made_total = sum(made.values())
        export = np.bincount(grid.day, f.export_kw * STEP_H)
        drawn = np.bincount(grid.day, f.import_kw * STEP_H)
        drawn = drawn * np.where(months >= 7, step_ratio, 1.0)
        physical = made_total - np.minimum(export, made_total)
        used = physical + drawn
        contract = 0.22 * used.sum() / 12  # fixed; a calm month delivers less
        offered = 0.26 * used.sum() * wind_share
        settled = np.minimum(np.minimum(contract, offered), np.bincount(months, drawn)[1:])
        claims = Claims({date(grid.year, m, 1): float(settled[m - 1]) for m in range(1, 13)})
        return YearSoFar(grid.year, ordinals, kinds, used, physical, made, claims)

    return {key: year_of(key, f) for key, f in flows.items() if f.load_kw.any()}


def until(year: YearSoFar, day: date) -> YearSoFar:
    """What is known of a year on a morning: the days before it, settlements a month late."""
    known = year.days < day.toordinal()
    last = date(day.year, day.month - 1, 1)
    return replace(
        year,
        days=year.days[known],
        consumption_kwh=year.consumption_kwh[known],
        physical_kwh=year.physical_kwh[known],
        generation_kwh={t: g[known] for t, g in year.generation_kwh.items()},
        claims=Claims({m: kwh for m, kwh in year.claims.green.items() if m < last}),
    )


def outcome(years: Sequence[YearSoFar]) -> dict[str, float]:
    """What the year became."""
    used = sum(y.consumption_kwh.sum() for y in years)
    physical = sum(y.physical_kwh.sum() for y in years)
    traded = sum(sum(y.claims.green.values()) for y in years)
    return {"s1": float(physical / used), "s3": float((physical + traded) / used)}


def judged(cases: Sequence[tuple[Forecast, Mapping[str, float]]], share: str) -> dict[str, float]:
    """Errors in percentage points, coverage of P10-P90."""
    ranges = [getattr(f, share) for f, _ in cases]
    truth = np.array([t[share] for _, t in cases])
    p10, p50, p90 = (np.array([getattr(r, q) for r in ranges]) for q in ("p10", "p50", "p90"))
    return {
        "bias_pt": round(float((p50 - truth).mean() * 100), 2),
        "mae_pt": round(float(np.abs(p50 - truth).mean() * 100), 2),
        "coverage": round(float(((truth >= p10) & (truth <= p90)).mean()), 3),
        "width_pt": round(float((p90 - p10).mean() * 100), 2),
    }


def back_test(
    years: int, first_seed: int = 101, step_ratio: float = 1.0
) -> dict[str, dict[str, dict[str, float]]]:
    """Errors by date and share, of the park and of the enterprises with sources, all years."""
    park = load_park(REPO / "examples/donghe/park.yaml")
    scenario = load_scenario(REPO / "examples/donghe/simulation.yaml")
    climatology = baotou()
    cases: dict[tuple[str, str], list[tuple[Forecast, dict[str, float]]]] = {}
    for seed in track(range(first_seed, first_seed + years), "years"):
        whole = simulated(park, scenario, seed, step_ratio)
        subjects = {"park": list(whole.values())}
        subjects |= {k: [y] for k, y in whole.items() if k in ("baolu", "fengchuan", "huize")}
        for name, (month, day) in _DATES.items():
            at = date(scenario.first_year, month, day)
            for subject, mine in subjects.items():
                made = forecast_year([until(y, at) for y in mine], climatology, 0.5)
                assert made is not None  # noqa: S101 - three months are known
                group = "park" if subject == "park" else "enterprises"
                cases.setdefault((name, group), []).append((made, outcome(mine)))
    return {
        f"{name}, {group}": {share: judged(found, share) for share in ("s1", "s3")}
        for (name, group), found in cases.items()
    }


def told(title: str, table: dict[str, dict[str, dict[str, float]]]) -> None:
    """The table for people."""
    print(f"\n{title}")
    print(f"{'':28}{'share':>6}{'bias':>8}{'error':>8}{'P10-P90 holds':>15}{'width':>8}")
    for name, shares in table.items():
        for share, found in shares.items():
            print(
                f"{name:28}{share.upper():>6}{found['bias_pt']:>8}{found['mae_pt']:>8}"
                f"{found['coverage']:>14.0%} {found['width_pt']:>8}"
            )


def main() -> int:
    """Exit code 0; what is good enough says tests/acceptance/test_forecast.py."""
    args = arguments()
    began = time.perf_counter()
    result = back_test(args.years, args.first_seed)
    told(f"{args.years} simulated years; errors in percentage points of the share", result)
    found: dict[str, Any] = {"years": args.years, "back_test": result}
    if not args.quick:
        found["step_of_15_percent"] = back_test(args.years, args.first_seed, 1.15)
        told("the same with 15 % more load from 1 July on", found["step_of_15_percent"])
    found["seconds"] = round(time.perf_counter() - began, 1)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
