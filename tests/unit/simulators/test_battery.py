"""A battery: its windows, its limits, and every kilowatt-hour accounted for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators.battery import battery_flows
from simulators.enterprise_model import Battery, EnterpriseModel, Load
from simulators.flows import Supply
from simulators.physics import enterprise_flows
from simulators.timegrid import Floats, generator
from tests.unit.simulators.sample import grid

PLENTY = np.full(len(grid()), 5000.0)


def run(load_kw: Floats = PLENTY, **facts: Any) -> tuple[Floats, Floats, Floats]:
    battery = Battery(**{"power_kw": 1000, "energy_kwh": 4000} | facts)
    return battery_flows(battery, grid(), generator(1, "b"), load_kw)


@pytest.mark.parametrize("self_discharge", [0.0, 0.02])
def test_no_energy_appears_or_vanishes(self_discharge: float) -> None:
    """stored' = stored x kept + in x e - out / e, in every step."""
    charge, discharge, level = run(self_discharge_per_day=self_discharge)
    stored, one_way = level * 4000, 0.88**0.5
    kept = (1 - self_discharge) ** (1 / 96)
    following = stored[:-1] * kept + charge[:-1] / 4 * one_way - discharge[:-1] / 4 / one_way
    assert stored[1:] == pytest.approx(following, abs=1e-6)


def test_it_gives_less_than_it_took() -> None:
    charge, discharge, _ = run(self_discharge_per_day=0)
    assert discharge.sum() / charge.sum() == pytest.approx(0.88, abs=1e-3)
    tired_charge, tired, _ = run(self_discharge_per_day=0.05)
    assert tired.sum() / tired_charge.sum() < 0.87


def test_it_keeps_its_limits_and_its_hours() -> None:
    charge, discharge, level = run()
    assert 0.099 < level.min() < level.max() <= 0.95
    assert charge.max() == 1000
    assert discharge.max() == 1000
    assert set(grid().hour[charge > 1].astype(int)) <= {11, 12, 13, 14}
    assert set(grid().hour[discharge > 1].astype(int)) <= {18, 19, 20, 21}
    assert not ((charge > 0) & (discharge > 0)).any()
    evening = level[(grid().hour > 17) & (grid().hour < 17.5)]
    assert evening.min() == pytest.approx(0.1 + 0.85 * 0.85, abs=0.02)
    assert evening.max() == pytest.approx(0.95, abs=0.01)


def test_it_never_gives_more_than_is_used() -> None:
    small = np.where(grid().hour < 20, 150.0, 30.0)
    _, discharge, level = run(small)
    assert (discharge <= small).all()
    assert 0 < discharge.max() == 150
    assert level.max() <= 0.95


@pytest.mark.parametrize("mean_kw", [5000, 150])
def test_balance_with_a_battery(mean_kw: float) -> None:
    """The battery is drawn from and given to the load; it never gives more than is used."""
    model = EnterpriseModel(
        load=Load(mean_kw=mean_kw, shape="two_shifts"),
        battery=Battery(power_kw=500, energy_kwh=2000),
    )
    supply = Supply({}, {}, may_export=False)
    got = enterprise_flows(model, grid(), supply, (), generator(1, "x"), np.zeros(len(grid())))
    assert got.import_kw == pytest.approx(got.load_kw + got.charge_kw - got.discharge_kw)
    assert got.export_kw.max() == 0
    assert (got.discharge_kw <= got.load_kw).all()
    assert got.discharge_kw.sum() > 0


def test_no_battery_no_flows() -> None:
    assert all(not x.any() for x in battery_flows(None, grid(), generator(1, "b"), PLENTY))
