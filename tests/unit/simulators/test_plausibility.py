"""A plausible year passes, one that is not is told figure by figure."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from simulators.flows import Flows
from simulators.plant import park_flows
from simulators.plausibility import Check, plausibility
from tests.unit.simulators.sample import SEED, grid, park, scenario


@cache
def flows() -> dict[str, Flows]:
    return park_flows(park(), scenario(), SEED, grid())


def failed(changed: dict[str, Flows]) -> dict[tuple[str, str], Check]:
    checks = plausibility(park(), scenario(), grid(), changed)
    return {(c.subject, c.figure): c for c in checks if c.is_plausible is False}


def test_the_sample_park_is_plausible() -> None:
    checks = {(c.subject, c.figure): c for c in plausibility(park(), scenario(), grid(), flows())}
    assert all(c.is_plausible is not False for c in checks.values())
    wind = checks["bl-direct-wind", "wind capacity factor"]
    assert wind.value == pytest.approx(
        flows()["baolu"].available_kw["bl-direct-wind"].mean() / 620_000
    )
    own = flows()["baolu"]
    tonnes = own.product_t_per_h.sum() / 4
    assert checks["baolu", "production"].value == tonnes
    assert checks["shengtai", "load factor"].is_plausible
    assert checks["parkco", "load factor"].is_plausible is None  # truck charging: no known range
    # a plant that came into service in June has no yield of a year
    assert ("yb-pv", "PV yield") not in checks
    assert sum(1 for subject, _ in checks if subject == "park") == 13


def test_what_is_out_of_range_is_named() -> None:
    own = flows()["baolu"]
    thirsty = replace(own, product_t_per_h=own.product_t_per_h * 0.9)  # 14,778 kWh/t, 378 kt
    assert set(failed(flows() | {"baolu": thirsty})) == {
        ("baolu", "AC consumption, lowest month"),
        ("baolu", "AC consumption, highest month"),
        ("baolu", "production"),
    }
    sunny = replace(own, available_kw={k: v * 1.3 for k, v in own.available_kw.items()})
    assert ("bl-direct-pv", "PV yield") in failed(flows() | {"baolu": sunny})
