"""Shifts, furnaces and truck chargers."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from simulators.enterprise_model import EnterpriseModel, Furnaces, Load, TruckCharging
from simulators.flows import Supply
from simulators.loads import activity, furnace_rhythm, mean_of_changes, truck_charging_kw
from simulators.physics import enterprise_flows
from simulators.scenario import Holiday
from simulators.timegrid import Floats, generator
from tests.unit.simulators.sample import grid

ALWAYS = np.ones(len(grid()))


def trucks(chargers: int, sessions_per_day: float, active: Floats = ALWAYS) -> Floats:
    model = TruckCharging(chargers=chargers, power_kw=360, sessions_per_day=sessions_per_day)
    return truck_charging_kw(model, grid(), generator(1, "t"), active)


def test_shifts_sundays_and_holidays() -> None:
    holiday = Holiday(first=date(2026, 2, 15), last=date(2026, 2, 23), activity_ratio=0.5)
    load = Load(mean_kw=1, shape="day_shift", sunday_ratio=0.5)
    with_holiday, plain = activity(load, grid(), [holiday]), activity(load, grid(), [])
    assert plain.mean() == pytest.approx(1)
    off = with_holiday != plain
    assert sorted(set(grid().day[off].tolist())) == list(range(45, 54))  # 15-23 February
    assert with_holiday[off] / plain[off] == pytest.approx(0.5)
    sunday = 96 * 3  # 4 January 2026
    assert plain[sunday + 40] / plain[sunday - 56] == pytest.approx(0.5)
    assert plain[96 + 40] / plain[96 + 80] == pytest.approx(1 / 0.08)  # 10:00 against 20:00


def test_a_furnace_melts_and_holds() -> None:
    one = furnace_rhythm(Furnaces(count=1, batch_h=4), grid(), generator(1, "f"))
    assert one.mean() == pytest.approx(1)
    assert one.min() / one.max() == pytest.approx(0.25)
    full = one > 0.999 * one.max()
    # a quarter-hour in which something changes is neither: half of one at each end of a melt
    assert full.mean() == pytest.approx(0.6 - 0.25 / 4, abs=0.01)
    batches = np.count_nonzero(full[1:] & ~full[:-1])
    assert batches == pytest.approx(365 * 6, rel=0.02)


def test_many_furnaces_even_each_other_out() -> None:
    few = furnace_rhythm(Furnaces(count=2), grid(), generator(1, "f"))
    many = furnace_rhythm(Furnaces(count=50), grid(), generator(1, "f"))
    assert many.mean() == pytest.approx(1)
    assert many.std() < few.std() / 3
    assert many[0] < 0.9 * many.max()  # they do not begin together


def test_furnaces_shape_the_load_and_leave_its_mean() -> None:
    def load(furnaces: Furnaces | None) -> Floats:
        model = EnterpriseModel(load=Load(mean_kw=1000, shape="flat"), furnaces=furnaces)
        supply = Supply({}, {}, may_export=False)
        return enterprise_flows(model, grid(), supply, (), generator(1, "x"), ALWAYS).load_kw

    plain, batches = load(None), load(Furnaces(count=3))
    assert batches.mean() == pytest.approx(plain.mean(), rel=0.002)
    assert batches.std() > 5 * plain.std()
    assert batches.min() > 1000 * 0.15  # what always runs


def test_trucks_take_what_they_need() -> None:
    power = trucks(chargers=100, sessions_per_day=40)
    assert power.mean() * 24 == pytest.approx(40 * 280, rel=0.03)
    by_hour = np.bincount(grid().hour.astype(int), weights=power)
    assert by_hour.argmax() in (12, 13)
    assert by_hour[3] < by_hour[12] / 2


def test_trucks_wait_for_a_free_charger() -> None:
    power = trucks(chargers=2, sessions_per_day=40)
    assert power.max() == pytest.approx(720)
    free = trucks(chargers=100, sessions_per_day=40)
    assert free.max() > 2000
    assert power.sum() == pytest.approx(free.sum(), rel=1e-3)  # later, but all of them


def test_no_trucks_when_nobody_works() -> None:
    half = np.where(grid().day < 100, 1.0, 0.0)
    power = trucks(chargers=5, sessions_per_day=40, active=half)
    assert power[grid().day < 100].sum() > 0
    assert power[grid().day > 100].sum() == 0
    assert trucks(chargers=1, sessions_per_day=1e-6).sum() == 0


def test_mean_of_changes_by_hand() -> None:
    """2 kW from minute 5 to minute 20: ten of the first quarter-hour, five of the second."""
    at = np.array([300.0, 1200.0]) + grid().start_s
    got = mean_of_changes(grid(), at[::-1].copy(), np.array([-2.0, 2.0]))
    assert got[:4] == pytest.approx([2 * 10 / 15, 2 * 5 / 15, 0, 0])
    assert mean_of_changes(grid(), np.empty(0), np.empty(0)).sum() == 0
