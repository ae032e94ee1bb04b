"""Water, gas, steam and waste."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.disturbance import Disturbance
from simulators.enterprise_model import Demand, EnterpriseModel, Load, Water
from simulators.flows import Flows, Supply, parts_of
from simulators.physics import enterprise_flows
from simulators.timegrid import generator
from simulators.utilities import demand_per_h, waste_t_per_h, water_parts
from tests.unit.simulators.sample import grid, scenario, year

STEPS = len(grid())
WATER = Water(m3_per_t=2, base_m3_per_h=1, cooling_m3_per_mwh=0.5, sanitary_m3_per_h=3,
              reclaimed_ratio=0.25)  # fmt: skip


def flows(disturbance: Disturbance | None = None) -> Flows:
    model = EnterpriseModel(
        load=Load(mean_kw=4000, sunday_ratio=0.5), kwh_per_t=400, water=WATER, waste_t_per_t=0.1
    )
    supply = Supply({}, {}, may_export=False)
    return enterprise_flows(
        model, grid(), supply, (), generator(1, "x"), np.zeros(STEPS), disturbance or Disturbance()
    )


def test_parts_by_hand() -> None:
    made = water_parts(WATER, grid(), np.full(STEPS, 4000.0), np.full(STEPS, 10.0),
                       np.where(grid().day < 100, 20.0, 30.0))  # fmt: skip
    assert made["process_water"] == pytest.approx(20)
    assert made["cooling_water"][0] == pytest.approx(2)  # 0.5 m3/MWh x 4 MW
    assert made["cooling_water"][-1] == pytest.approx(2 * 1.15)  # 10 K warmer
    assert made["reclaimed_water"] == pytest.approx((20 + made["cooling_water"]) / 4)
    assert made["sanitary_water"].mean() == pytest.approx(3)


def test_people_wash_when_shifts_end_and_sleep_at_night() -> None:
    made = water_parts(WATER, grid(), np.zeros(STEPS), np.zeros(STEPS), np.zeros(STEPS))
    by_hour = np.bincount(grid().hour.astype(int), weights=made["sanitary_water"]) / 365 / 4
    assert by_hour[2] < 0.2 * by_hour[10] < by_hour[15]
    assert by_hour[15] == by_hour.max()


def test_fresh_water_is_what_is_used_less_what_is_reclaimed() -> None:
    got = flows()
    parts = got.parts
    used = parts["process_water"] + parts["cooling_water"] + parts["sanitary_water"]
    rest = got.water_m3_per_h - (used - parts["reclaimed_water"])
    assert rest.min() > 0.8  # what always runs, 1 m3/h and its noise
    assert rest.mean() == pytest.approx(1, rel=0.05)
    night = (grid().hour >= 2) & (grid().hour < 4)
    assert got.water_m3_per_h[night].mean() < got.water_m3_per_h.mean()


def test_a_leak_is_in_the_intake_alone_a_retrofit_in_every_part() -> None:
    plain = flows()
    leaking = flows(Disturbance(leak_m3_per_h=np.full(STEPS, 5.0)))
    assert leaking.water_m3_per_h - plain.water_m3_per_h == pytest.approx(5)
    assert (leaking.parts["process_water"] == plain.parts["process_water"]).all()
    saving = flows(Disturbance(water_ratio=np.full(STEPS, 0.8)))
    assert saving.water_m3_per_h == pytest.approx(0.8 * plain.water_m3_per_h)
    assert saving.parts["cooling_water"] == pytest.approx(0.8 * plain.parts["cooling_water"])


def test_gas_and_steam_follow_product_and_cold() -> None:
    demand = Demand(per_t=30, base_per_h=5, heating_per_k_h=2, heating_below_degc=10)
    air = np.array([10.0, 15.0, -5.0])
    assert demand_per_h(demand, np.array([1.0, 2.0, 0.0]), air) == pytest.approx([35, 65, 35])


def test_waste_is_carried_away_by_day() -> None:
    product = flows().product_t_per_h
    waste = waste_t_per_h(0.1, grid(), product)
    hour = grid().hour
    assert waste[(hour < 8) | (hour >= 18)].max() == 0
    assert waste[(hour >= 8) & (hour < 18)].min() > 0
    of_day = np.bincount(grid().day, weights=waste)
    assert of_day == pytest.approx(0.1 * np.bincount(grid().day, weights=product))


def test_an_enterprise_has_only_the_parts_of_its_model() -> None:
    assert set(flows().parts) == {
        "load", "process_water", "cooling_water", "sanitary_water", "reclaimed_water", "waste",
    }  # fmt: skip
    assert parts_of(EnterpriseModel(load=Load(mean_kw=1), gas=Demand(per_t=1))) == {"load", "gas"}


def test_the_sample_park_shows_them() -> None:
    for path in scenario().shows:
        assert year()[path].sum() > 0, path
    assert year()["yz-gas/gas_m3"].sum() == pytest.approx(40 * year()["yz-prod/output_t"].sum())
    winter, summer = grid().day < 59, (grid().day > 150) & (grid().day < 240)
    assert (
        year()["kt-steam/steam_t"][winter].mean() > 1.2 * year()["kt-steam/steam_t"][summer].mean()
    )
    cooling = year()["bl-cooling/makeup_m3"]
    assert cooling[summer].mean() > 1.3 * cooling[winter].mean()
