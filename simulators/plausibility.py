"""A simulated year against figures that are known from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from models.park import Park
from simulators.enterprise_model import Pv, Wind
from simulators.flows import Flows
from simulators.scenario import Scenario
from simulators.timegrid import STEP_H, Floats, YearGrid


@dataclass(frozen=True)
class Check:
    """One figure of a simulated year.

    Attributes:
        low, high: known range; None: shown for information, nobody published a range.
        source: where the range is from.
    """

    subject: str
    figure: str
    unit: str
    value: float
    low: float | None = None
    high: float | None = None
    source: str = ""

    @property
    def is_plausible(self) -> bool | None:
        """None when there is no range."""
        if self.low is None or self.high is None:
            return None
        return self.low <= self.value <= self.high


def plausibility(
    park: Park, scenario: Scenario, grid: YearGrid, flows: Mapping[str, Flows]
) -> Iterator[Check]:
    """Yields, capacity factors, loads and shares of a whole simulated year.

    Args:
        flows: of every enterprise of the scenario, mean power of each quarter-hour.
    """
    for key, model in scenario.enterprises.items():
        for meter, plant in model.generators.items():
            if meter not in flows[key].generation_kw:
                continue
            power = flows[key].available_kw[meter]
            if float(power[: len(power) // 4].sum()) == 0.0:
                continue  # not in service for the whole year
            if isinstance(plant, Pv):
                yield from _pv(meter, plant, power)
            elif isinstance(plant, Wind):
                yield from _wind(meter, plant, power, grid)
    for enterprise in park.enterprises:
        if enterprise.key not in flows:
            continue
        own = flows[enterprise.key]
        smelter = enterprise.kind == "smelter"
        factor = float(own.load_kw.mean() / own.load_kw.max())
        if scenario.enterprises[enterprise.key].truck_charging is not None:
            yield Check(enterprise.key, "load factor", "ratio", factor)  # nobody published a range
        else:
            low, high = (0.9, 1.0) if smelter else (0.3, 1.0)
            source = "pot lines run at constant current" if smelter else "industry, 1 to 3 shifts"
            yield Check(enterprise.key, "load factor", "ratio", factor, low, high, source)
        product = float(own.product_t_per_h.sum())
        if smelter and product:
            yield from _smelter(enterprise.key, own, grid)
        charged, discharged = float(own.charge_kw.sum()), float(own.discharge_kw.sum())
        if charged:
            ratio = discharged / charged
            source = "lithium iron phosphate with converters and auxiliaries"
            yield Check(enterprise.key, "round trip", "ratio", ratio, 0.8, 0.95, source)
    yield from _green(flows, grid)


def _pv(meter: str, plant: Pv, power: Floats) -> Iterator[Check]:
    hours = float(power.sum()) * STEP_H / plant.kwp
    yield Check(
        meter,
        "PV yield",
        "h/a",
        hours,
        1_450,
        1_850,
        "50 MW plant, State Grid data set, 2019 and 2020: 1,704 and 1,689 h; +-10 % for year and "
        "orientation",
    )


def _wind(meter: str, plant: Wind, power: Floats, grid: YearGrid) -> Iterator[Check]:
    ratio = power / plant.rated_kw
    yield Check(
        meter,
        "wind capacity factor",
        "ratio",
        float(ratio.mean()),
        0.25,
        0.40,
        "Damao 1,000 MW wind + 200 MW PV announced at 3.2 TWh/a: 0.30 over both",
    )
    hourly = ratio[: len(ratio) // 4 * 4].reshape(-1, 4).mean(axis=1)
    yield Check(
        meter,
        "autocorrelation 1 h",
        "ratio",
        _autocorrelation(hourly, 1),
        0.9,
        0.99,
        "hourly wind power of a farm, usual in the literature",
    )
    yield Check(meter, "autocorrelation 24 h", "ratio", _autocorrelation(hourly, 24), 0.05, 0.6,
                "weather systems last a few days")  # fmt: skip
    month = np.asarray(grid.middles.month)
    summer = float(ratio[(month >= 6) & (month <= 8)].mean())
    spring = float(ratio[(month >= 3) & (month <= 5)].mean())
    yield Check(
        meter,
        "summer over spring",
        "ratio",
        summer / spring,
        0.4,
        1.0,
        "small-wind season June to August of the Inner Mongolian tariff",
    )


def _autocorrelation(series: Floats, lag: int) -> float:
    if float(series.std()) == 0.0:
        return 1.0
    return float(np.corrcoef(series[:-lag], series[lag:])[0, 1])


def _smelter(key: str, own: Flows, grid: YearGrid) -> Iterator[Check]:
    month = np.asarray(grid.middles.month)
    ratios = [
        float(own.load_kw[month == m].sum() / own.product_t_per_h[month == m].sum())
        for m in range(1, 13)
        if float(own.product_t_per_h[month == m].sum()) > 0
    ]
    source = "GB 21346-2022: 13,000 (level 2) to 13,700 kWh/t (level 3, comprehensive)"
    for figure, value in (("lowest month", min(ratios)), ("highest month", max(ratios))):
        yield Check(key, f"AC consumption, {figure}", "kWh/t", value, 13_000, 13_700, source)
    tonnes = float(own.product_t_per_h.sum()) * STEP_H
    yield Check(
        key, "production", "t/a", tonnes, 400_000, 440_000, "district report: 420 kt of aluminium"
    )


def _green(flows: Mapping[str, Flows], grid: YearGrid) -> Iterator[Check]:
    """Physical share of the park: (generation - export) / (import + generation - export)."""
    month = np.asarray(grid.middles.month)
    made = np.zeros(len(grid))
    drawn = np.zeros(len(grid))
    for own in flows.values():
        made = made + sum(own.generation_kw.values(), np.zeros(len(grid))) - own.export_kw
        drawn = drawn + own.import_kw
    for number in range(1, 13):
        inside = month == number
        used = float(made[inside].sum() + drawn[inside].sum())
        if used:
            share = float(made[inside].sum()) / used
            yield Check("park", f"green share, month {number:02d}", "ratio", share)
    share = float(made.sum() / (made.sum() + drawn.sum()))
    yield Check("park", "green share, year", "ratio", share, 0.2, 0.7,
                "physical part; the promise of 50 % counts trades and certificates")  # fmt: skip
