"""One enterprise for one year: what it uses, makes and draws, balanced in every step.

load + charge + export = import + direct + own PV + own wind + discharge
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from simulators.disturbance import NONE, Disturbance
from simulators.scenario import Battery, EnterpriseModel, Holiday, Load
from simulators.timegrid import Floats, YearGrid, wander

_SUPPLY_MARGIN_RATIO = 0.97  # a direct line never covers the last few percent of a load


@dataclass(frozen=True)
class Supply:
    """What an enterprise could get besides the grid.

    Attributes:
        own_kw: available power of generators behind the meter; without an export meter the
            surplus is curtailed.
        direct_kw: available power of direct lines; they never deliver more than is used.
    """

    own_kw: Mapping[str, Floats]
    direct_kw: Mapping[str, Floats]
    may_export: bool


@dataclass(frozen=True)
class Flows:
    """Mean power of every step [kW], water [m3/h], product [t/h] of one enterprise.

    Attributes:
        generation_kw: delivered power of each generator, by meter.
        available_kw: what each could have delivered; the rest is curtailed.
        charge_level_ratio: state of charge at the start of each step.
    """

    load_kw: Floats
    generation_kw: Mapping[str, Floats]
    available_kw: Mapping[str, Floats]
    charge_kw: Floats
    discharge_kw: Floats
    charge_level_ratio: Floats
    import_kw: Floats
    export_kw: Floats
    reactive_kvar: Floats
    water_m3_per_h: Floats
    product_t_per_h: Floats


def activity(load: Load, grid: YearGrid, holidays: Sequence[Holiday]) -> Floats:
    """How much is produced in each step; 1 is the mean of a year without holidays.

    `flat` is a process that nobody stops: pot lines know neither Sundays nor holidays.
    """
    hour = grid.hour
    if load.shape == "three_shifts":
        change = np.minimum(hour % 8, 8 - hour % 8) < 0.25
        pattern = np.where(change, 0.85, 1.0)
    elif load.shape == "two_shifts":
        pattern = np.where((hour >= 6) & (hour < 22), 1.0, 0.12)
    elif load.shape == "day_shift":
        pattern = np.where((hour >= 8) & (hour < 18), 1.0, 0.08)
    else:
        return np.ones(len(grid))
    pattern = np.where(grid.is_sunday, pattern * load.sunday_ratio, pattern)
    pattern = pattern / pattern.mean()
    for holiday in holidays:
        first, last = ((d - date(grid.year, 1, 1)).days for d in (holiday.first, holiday.last))
        off = (grid.day >= first) & (grid.day <= last)
        pattern = np.where(off, pattern * holiday.activity_ratio, pattern)
    return np.asarray(pattern, dtype=np.float64)


def battery_flows(
    battery: Battery | None, grid: YearGrid, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Charging and discharging power [kW] and level [ratio]; each day returns to its start."""
    none = np.zeros(len(grid))
    if battery is None:
        return none, none, none
    usable_kwh = 0.8 * battery.energy_kwh * rng.uniform(0.85, 1.0, int(grid.day.max()) + 1)
    span_h = battery.energy_kwh / battery.power_kw
    power = np.minimum(usable_kwh / span_h, battery.power_kw)[grid.day]

    def window(from_h: float) -> Floats:
        return np.where((grid.hour - from_h) % 24 < span_h, power, 0.0)

    charge = window(battery.charge_from_h)
    discharge = window(battery.discharge_from_h) * battery.round_trip_ratio
    stored_kwh = np.cumsum(charge - discharge / battery.round_trip_ratio) / 4
    level = 0.1 + np.concatenate([[0.0], stored_kwh[:-1]]) / battery.energy_kwh
    return charge, discharge, np.clip(level, 0.0, 1.0)


def enterprise_flows(
    model: EnterpriseModel,
    grid: YearGrid,
    supply: Supply,
    holidays: Sequence[Holiday],
    rng: np.random.Generator,
    disturbance: Disturbance = NONE,
) -> Flows:
    """Balance one enterprise over a year, with what the events of a scenario do to it."""
    active = activity(model.load, grid, holidays)
    if disturbance.activity_ratio is not None:
        active = active * disturbance.activity_ratio
    base = model.load.base_ratio
    noise = np.exp(model.load.noise_ratio * wander(rng, grid, 0.8))
    load = model.load.mean_kw * (base + (1 - base) * active) * noise
    if disturbance.load_ratio is not None:
        load = load * disturbance.load_ratio
    charge, discharge, level = battery_flows(model.battery, grid, rng)
    discharge = np.minimum(discharge, load)
    need = load + charge - discharge
    room = need * _SUPPLY_MARGIN_RATIO
    delivered: dict[str, Floats] = {}
    for meter, available in supply.own_kw.items():
        delivered[meter] = available if supply.may_export else np.minimum(available, room)
        room = np.maximum(room - delivered[meter], 0.0)
    for meter, available in supply.direct_kw.items():
        delivered[meter] = np.minimum(available, room)
        room = room - delivered[meter]
    net = need - sum(delivered.values(), np.zeros(len(grid)))
    drawn = np.maximum(net, 0.0)
    tan_phi = np.tan(np.arccos(model.power_factor)) * np.exp(0.03 * wander(rng, grid, 0.9))
    product = np.zeros(len(grid))
    if model.kwh_per_t is not None:
        of_day = np.exp(0.006 * rng.standard_normal(int(grid.day.max()) + 1))[grid.day]
        product = model.load.mean_kw * active * of_day / model.kwh_per_t
    thirst = np.exp(0.03 * wander(rng, grid, 0.9))
    water = (model.water.m3_per_t * product + model.water.base_m3_per_h) * thirst
    if disturbance.water_ratio is not None:
        water = water * disturbance.water_ratio
    if disturbance.leak_m3_per_h is not None:
        water = water + disturbance.leak_m3_per_h
    return Flows(
        load,
        delivered,
        {**supply.own_kw, **supply.direct_kw},
        charge,
        discharge,
        level,
        drawn,
        np.maximum(-net, 0.0),
        drawn * tan_phi,
        water,
        product,
    )
