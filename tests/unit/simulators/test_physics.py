"""Is the simulated park believable, and does its energy balance?"""

from __future__ import annotations

import numpy as np
import pytest

from models.roles import Role
from simulators.enterprise_model import EnterpriseModel, Load, Pv, SubstationModel, Wind
from simulators.flows import Supply
from simulators.physics import enterprise_flows
from simulators.plant import points, with_losses
from simulators.scenario import Site
from simulators.timegrid import YearGrid, generator
from simulators.weather import pv_ratio
from tests.unit.simulators.sample import SEED, amount, grid, park, scenario, year


def plants(kind: type[Pv] | type[Wind]) -> list[tuple[str, float]]:
    out = []
    for model in scenario().enterprises.values():
        for meter, plant in model.generators.items():
            if isinstance(plant, kind):
                out.append((meter, getattr(plant, "kwp" if kind is Pv else "rated_kw")))
    return out


def channel_of(meter: str) -> str:
    return next(p.path for p in points(park()) if p.meter.key == meter)


def in_service(meter: str) -> bool:
    return all(p.channel.in_service_from is None for p in points(park()) if p.meter.key == meter)


@pytest.mark.parametrize(("meter", "kwp"), [p for p in plants(Pv) if in_service(p[0])])
def test_pv_yield_of_a_year(meter: str, kwp: float) -> None:
    # Baotou: fixed tilt, 1,500-1,700 full-load hours by the usual solar atlases
    assert 1400 <= year()[channel_of(meter)].sum() / kwp <= 1800


@pytest.mark.parametrize(("meter", "rated_kw"), plants(Wind))
def test_wind_capacity_factor(meter: str, rated_kw: float) -> None:
    energy = year()[channel_of(meter)]
    assert 0.25 <= energy.sum() / rated_kw / 8760 <= 0.45
    assert energy.max() * 4 <= rated_kw


def test_no_pv_at_night_in_local_time() -> None:
    night = (grid().hour < 4) | (grid().hour >= 21)
    noon = (grid().hour >= 12) & (grid().hour < 13)
    for meter, _ in plants(Pv):
        assert year()[channel_of(meter)][night].max() == 0
    assert year()["st-pv/pv_kwh"][noon].min() > 0


def test_pv_follows_the_sun_of_the_place_not_the_clock() -> None:
    # 109.9 E at UTC+8: solar noon is about 12:40 local; in Seoul (UTC+9, 127 E) about 12:32
    site = Site(latitude=40.6, longitude=109.9)
    profile = pv_ratio(grid(), site, SEED)
    centre = (profile * grid().hour).sum() / profile.sum()
    assert 12.3 < centre < 13.0
    west = pv_ratio(grid(), site.model_copy(update={"longitude": 94.9}), SEED)
    assert (west * grid().hour).sum() / west.sum() - centre == pytest.approx(1.0, abs=0.1)


def test_smelter_is_nearly_constant_and_efficient() -> None:
    roles = (Role.GRID_IMPORT, Role.DIRECT_SUPPLY)
    used, product = amount("baolu", *roles), amount("baolu", Role.PRODUCTION)
    assert 13_000 <= used.sum() / product.sum() <= 13_700
    assert used.std() / used.mean() < 0.02
    assert product.sum() == pytest.approx(420_000, rel=0.02)  # t a year, the report's figure


@pytest.mark.parametrize("key", [e.key for e in park().enterprises])
def test_energy_balances_in_every_quarter_hour(key: str) -> None:
    """What comes in less what goes out is the load, and the load is never below its base."""
    net = (
        amount(key, Role.GRID_IMPORT, Role.DIRECT_SUPPLY, Role.ONSITE_PV, Role.ONSITE_WIND)
        + amount(key, Role.STORAGE_DISCHARGE)
        - amount(key, Role.STORAGE_CHARGE, Role.GRID_EXPORT)
    )
    model = scenario().enterprises[key]
    load = model.load
    assert net.min() > 0.8 * load.mean_kw / 4 * load.base_ratio
    expected = load.mean_kw
    if model.pot_lines is not None:
        expected += 623_000  # 4 x 161 cells x 240 kA x 3.95 V / 0.98
    if model.truck_charging is not None:
        expected += 34 * 280 / 24
    assert net.mean() * 4 == pytest.approx(expected, rel=0.04)  # holidays take 1-3 %
    both = (amount(key, Role.GRID_IMPORT) > 0) & (amount(key, Role.GRID_EXPORT) > 0)
    assert not both.any()


def test_balance_of_made_up_flows() -> None:
    """Two steps by hand: surplus is exported with an export meter, curtailed without."""
    small = YearGrid(2026, park().zone)
    steps = len(small)
    model = EnterpriseModel(load=Load(mean_kw=100, shape="flat", noise_ratio=0))
    pv, line = np.full(steps, 150.0), np.full(steps, 80.0)

    def flows(*, own: bool, export: bool) -> list[float]:
        supply = Supply({"pv": pv} if own else {}, {} if own else {"line": line}, export)
        got = enterprise_flows(model, small, supply, (), generator(1, "x"), np.zeros(steps))
        used = sum(v[0] for v in got.generation_kw.values())
        return [float(got.load_kw[0]), used, float(got.import_kw[0]), float(got.export_kw[0])]

    assert flows(own=True, export=True) == pytest.approx([100, 150, 0, 50])
    assert flows(own=True, export=False) == pytest.approx([100, 97, 3, 0])
    assert flows(own=False, export=False) == pytest.approx([100, 80, 20, 0])


@pytest.mark.parametrize("export", [True, False])
def test_what_an_order_takes_away_was_available(export: bool) -> None:
    """40 % of 150 kW are allowed: below the load of 100 kW, the rest is curtailed."""
    steps = len(grid())
    model = EnterpriseModel(load=Load(mean_kw=100, shape="flat", noise_ratio=0))
    order = {"pv": np.full(steps, 0.4), "line": np.full(steps, 0.1)}
    supply = Supply(
        {"pv": np.full(steps, 150.0)}, {"line": np.full(steps, 80.0)}, export, order
    )  # fmt: skip
    got = enterprise_flows(model, grid(), supply, (), generator(1, "x"), np.zeros(steps))
    assert got.generation_kw["pv"] == pytest.approx(60.0)
    assert got.generation_kw["line"] == pytest.approx(8.0)
    assert got.available_kw["pv"] == pytest.approx(150)
    assert got.import_kw == pytest.approx(100 - 60 - 8)


def test_a_plant_that_is_not_built_yet_gives_nothing() -> None:
    pv = year()["yb-pv/pv_kwh"]
    june = 31 + 28 + 31 + 30 + 31
    assert pv[grid().day < june].max() == 0
    assert pv[grid().day == june].max() > 0


def test_substation_sees_those_it_feeds_and_the_losses() -> None:
    drawn_kw = amount("fengchuan", Role.GRID_IMPORT) * 4
    loss_kw = 60 + 0.004 * drawn_kw**2 / 80_000  # iron, and the square of the load
    assert year()["ss-fengchuan/feed_kwh"] * 4 == pytest.approx(drawn_kw + loss_kw)
    linear = SubstationModel(feeds=("a",), loss_ratio=0.01)
    assert with_losses(linear, np.array([0.0, 50.0])) == pytest.approx([0, 50.5])


def test_water_and_product_follow_the_work() -> None:
    holiday = (grid().day >= 45) & (grid().day <= 53)
    for role in (Role.WATER_INTAKE, Role.PRODUCTION):
        series = amount("yongzhen", role)
        assert series[holiday].mean() < 0.65 * series[~holiday].mean()
