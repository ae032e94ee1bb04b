"""One enterprise for one year: what it uses, makes and draws, balanced in every step.

load + charge + export = import + direct + own PV + own wind + discharge
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators.battery import battery_flows
from simulators.disturbance import NONE, Disturbance
from simulators.enterprise_model import EnterpriseModel
from simulators.flows import Flows, Part, Supply, parts_of
from simulators.loads import activity, furnace_rhythm, truck_charging_kw
from simulators.potline import pot_line_flows
from simulators.scenario import Holiday
from simulators.timegrid import Floats, YearGrid, wander
from simulators.utilities import demand_per_h, waste_t_per_h, water_parts

_SUPPLY_MARGIN_RATIO = 0.97  # a direct line never covers the last few percent of a load


def enterprise_flows(
    model: EnterpriseModel,
    grid: YearGrid,
    supply: Supply,
    holidays: Sequence[Holiday],
    rng: np.random.Generator,
    air_degc: Floats,
    disturbance: Disturbance = NONE,
) -> Flows:
    """Balance one enterprise over a year, with what the events of a scenario do to it.

    Args:
        air_degc: air temperature of every step.
    """
    active = _times(activity(model.load, grid, holidays), disturbance.activity_ratio)
    load, metal, parts = _loads(model, grid, active, rng, disturbance)
    charge, discharge, level = battery_flows(model.battery, grid, rng, load)
    delivered, net = _delivered(supply, load + charge - discharge)
    drawn = np.maximum(net, 0.0)
    tan_phi = np.tan(np.arccos(model.power_factor)) * np.exp(0.03 * wander(rng, grid, 0.9))
    product = metal
    if model.kwh_per_t is not None:
        of_day = np.exp(0.006 * rng.standard_normal(int(grid.day.max()) + 1))[grid.day]
        product = product + model.load.mean_kw * active * of_day / model.kwh_per_t
    thirst = np.exp(0.03 * wander(rng, grid, 0.9))
    wanted = water_parts(model.water, grid, load, product, air_degc)
    parts |= {p: _times(series * thirst, disturbance.water_ratio) for p, series in wanted.items()}
    always = _times(model.water.base_m3_per_h * thirst, disturbance.water_ratio)
    if disturbance.leak_m3_per_h is not None:
        always = always + disturbance.leak_m3_per_h
    used = always + parts["process_water"] + parts["cooling_water"] + parts["sanitary_water"]
    parts["gas"] = demand_per_h(model.gas, product, air_degc)
    parts["steam"] = demand_per_h(model.steam, product, air_degc)
    parts["waste"] = waste_t_per_h(model.waste_t_per_t, grid, product)
    present = parts_of(model)
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
        used - parts["reclaimed_water"],
        product,
        {part: series for part, series in parts.items() if part in present},
    )


def _loads(
    model: EnterpriseModel,
    grid: YearGrid,
    active: Floats,
    rng: np.random.Generator,
    disturbance: Disturbance,
) -> tuple[Floats, Floats, dict[Part, Floats]]:
    """Whole load [kW], metal of the pot lines [t/h], and the parts of the load."""
    furnaces, lines, trucks = rng.spawn(3)  # their draws leave those of the rest alone
    base = model.load.base_ratio
    noise = np.exp(model.load.noise_ratio * wander(rng, grid, 0.8))
    work = active
    if model.furnaces is not None:
        work = work * furnace_rhythm(model.furnaces, grid, furnaces)
    load = np.asarray(model.load.mean_kw * (base + (1 - base) * work) * noise)
    metal = np.zeros(len(grid))
    parts: dict[Part, Floats] = {}
    if model.pot_lines is not None:
        power, metal = pot_line_flows(model.pot_lines, grid, lines)
        metal = _times(metal, disturbance.activity_ratio)
        parts["pot_lines"] = _times(power, disturbance.activity_ratio)
    if model.truck_charging is not None:
        parts["truck_charging"] = truck_charging_kw(model.truck_charging, grid, trucks, active)
    for series in parts.values():
        load = load + series
    parts["load"] = load
    parts = {part: _times(series, disturbance.load_ratio) for part, series in parts.items()}
    return parts["load"], metal, parts


def _times(series: Floats, ratio: Floats | None) -> Floats:
    return series if ratio is None else series * ratio


def _delivered(supply: Supply, need: Floats) -> tuple[dict[str, Floats], Floats]:
    """Power of each generator, and what is still needed (below zero: exported) [kW]."""
    room = need * _SUPPLY_MARGIN_RATIO
    delivered: dict[str, Floats] = {}
    for meter, available in supply.own_kw.items():
        offered = supply.offered_kw(meter, available)
        delivered[meter] = offered if supply.may_export else np.minimum(offered, room)
        room = np.maximum(room - delivered[meter], 0.0)
    for meter, available in supply.direct_kw.items():
        delivered[meter] = np.minimum(supply.offered_kw(meter, available), room)
        room = room - delivered[meter]
    return delivered, need - sum(delivered.values(), np.zeros(len(need)))
