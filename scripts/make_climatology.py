"""Write analytics/green/climatology_baotou.csv: monthly yields of simulated weather years.

Example: python scripts/make_climatology.py --years 40
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.progress import track

from models.park import load_park
from simulators.climate import monthly_kwh
from simulators.scenario import load_scenario

REPO = Path(__file__).resolve().parent.parent
OUT = REPO / "analytics" / "green" / "climatology_baotou.csv"


def main() -> None:
    """Full-load hours relative to the mean power of all years: only ratios matter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=40, help="seeds 1 to this")
    args = parser.parse_args()
    park = load_park(REPO / "examples/donghe/park.yaml")
    scenario = load_scenario(REPO / "examples/donghe/simulation.yaml")
    seeds = range(1, args.years + 1)
    made = [monthly_kwh(park, scenario, seed) for seed in track(seeds, "weather years")]
    kwh = np.array([[year["pv"], year["wind"]] for year in made])  # year, technology, month
    hours = kwh / kwh.sum(axis=2).mean(axis=0)[None, :, None] * np.array([1650.0, 2500.0])[:, None]
    lines = ["year,month,pv,wind"]
    for seed, (pv, wind) in zip(seeds, hours, strict=True):
        lines += [f"{seed},{m},{pv[m - 1]:.2f},{wind[m - 1]:.2f}" for m in range(1, 13)]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
