"""The sample park and its simulator, read once for all tests of this folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from models.park import Park, load_park
from models.roles import Role
from simulators.plant import park_year, points
from simulators.scenario import Scenario, load_scenario
from simulators.source import ParkSimulator
from simulators.timegrid import Floats, YearGrid

SEED = 2026  # the default of the commands; trades.csv and certificates.csv fit it
DONGHE = Path(__file__).parents[3] / "examples" / "donghe"


@cache
def park() -> Park:
    return load_park(DONGHE / "park.yaml")


@cache
def scenario() -> Scenario:
    return load_scenario(DONGHE / "simulation.yaml")


@cache
def simulator() -> ParkSimulator:
    """Shared: a simulator keeps the years that it has made and nothing else."""
    return ParkSimulator(park(), scenario(), SEED)


@cache
def grid() -> YearGrid:
    return YearGrid(2026, park().zone)


@cache
def year() -> dict[str, Floats]:
    """Amount of each quarter-hour of 2026 (gauges: state), by meter/channel."""
    return park_year(park(), scenario(), SEED, grid())


def amount(enterprise: str, *roles: Role) -> Floats:
    """Sum of the channels of an enterprise with these roles, per quarter-hour."""
    mine = [
        year()[p.path]
        for p in points(park())
        if p.enterprise.key == enterprise and p.channel.role in roles
    ]
    return sum(mine, grid().hour * 0.0)
