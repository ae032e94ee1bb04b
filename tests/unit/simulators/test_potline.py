"""Pot lines: Faraday's law, drift, anode effects, stops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators.disturbance import Disturbance
from simulators.enterprise_model import EnterpriseModel, Load, PotLines
from simulators.flows import Supply
from simulators.physics import enterprise_flows
from simulators.potline import ALUMINIUM_KG_PER_KAH, pot_line_flows
from simulators.timegrid import Floats, generator
from tests.unit.simulators.sample import grid

CALM = {"drift_ratio": 0, "anode_effects_per_cell_day": 0, "stops_per_line_year": 0}


def made(seed: int = 1, **facts: Any) -> tuple[Floats, Floats]:
    model = PotLines(lines=4, cells=161, current_ka=240, **facts)
    return pot_line_flows(model, grid(), generator(seed, "p"))


def test_metal_by_faraday_and_power_by_voltage() -> None:
    """0.3356 kg/kAh is the figure of every textbook; DC consumption 2,980 x V / efficiency."""
    assert pytest.approx(0.3356, abs=1e-4) == ALUMINIUM_KG_PER_KAH
    power, tonnes = made(**CALM)
    assert power == pytest.approx(4 * 161 * 240 * 3.95 / 0.98)
    assert tonnes.sum() / 4 == pytest.approx(4 * 161 * 240 * 0.3356 * 0.925 / 1000 * 8760, rel=1e-3)
    dc_kwh_per_t = power.sum() / tonnes.sum() * 0.98
    assert dc_kwh_per_t == pytest.approx(2980 * 3.95 / 0.925, rel=1e-3)


def test_consumption_drifts_over_weeks_within_the_known_range() -> None:
    power, tonnes = made(stops_per_line_year=0)
    assert tonnes.std() == pytest.approx(0, abs=1e-9)
    of_day = np.bincount(grid().day, weights=power) / np.bincount(grid().day, weights=tonnes)
    assert of_day.std() / of_day.mean() == pytest.approx(0.004, rel=0.6)
    assert 12_700 < of_day.min() < of_day.max() < 13_500  # AC of the lines, without auxiliaries
    change = np.abs(np.diff(of_day)).mean()
    assert change < of_day.std()  # slow


def test_anode_effects_cost_energy_and_no_metal() -> None:
    calm, _ = made(**CALM)
    nervous, tonnes = made(**CALM | {"anode_effects_per_cell_day": 2})
    assert tonnes.std() == pytest.approx(0, abs=1e-9)
    extra_kwh = (nervous - calm).sum() / 4
    each = (30 - 3.95) * 240 * 120 / 3600 / 0.98
    assert extra_kwh == pytest.approx(644 * 2 * 365 * each, rel=0.01)


def test_lines_trip_one_by_one() -> None:
    facts = CALM | {"stops_per_line_year": 12, "stop_h": 2}
    power, tonnes = made(**facts)
    whole, _ = made(**CALM)
    running = power / whole
    assert set(np.round(np.unique(running), 2)) >= {0.75, 1.0}
    stopped_h = ((1 - running) * 4).sum() / 4
    assert stopped_h == pytest.approx(4 * 12 * 2, rel=0.5)
    assert tonnes / tonnes.max() == pytest.approx(running)
    assert (made(seed=2, **facts)[0] != power).any()


def test_an_outage_takes_lines_and_metal_and_leaves_the_auxiliaries() -> None:
    model = EnterpriseModel(
        load=Load(mean_kw=15_000, shape="flat", base_ratio=0.5, noise_ratio=0),
        pot_lines=PotLines(lines=4, cells=161, current_ka=240, **CALM),
    )
    half = np.where(grid().day == 10, 0.75, 1.0)
    flows = enterprise_flows(
        model, grid(), Supply({}, {}, may_export=False), (), generator(1, "x"),
        np.zeros(len(grid())), Disturbance(activity_ratio=half),
    )  # fmt: skip
    assert flows.product_t_per_h == pytest.approx(flows.product_t_per_h[0] * half)
    lines_kw = flows.parts["pot_lines"]
    assert lines_kw == pytest.approx(lines_kw[0] * half)
    assert flows.load_kw - lines_kw == pytest.approx(15_000 * (0.5 + 0.5 * half))
    assert flows.import_kw == pytest.approx(flows.load_kw)
