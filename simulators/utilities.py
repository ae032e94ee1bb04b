"""Water, gas, steam and waste of one enterprise."""

from __future__ import annotations

import numpy as np

from simulators.enterprise_model import Demand, Water
from simulators.flows import Part
from simulators.timegrid import STEP_H, Floats, YearGrid

_COOLING_AT_DEGC, _LEAST_COOLING = 20.0, 0.3
_SHIFT_ENDS_H = (7.0, 15.0, 23.0)  # showers for an hour
_HAUL_FROM_H, _HAUL_TO_H = 8.0, 18.0


def water_parts(
    water: Water, grid: YearGrid, load_kw: Floats, product_t_per_h: Floats, air_degc: Floats
) -> dict[Part, Floats]:
    """Process, cooling, sanitary and reclaimed water in each step [m3/h]."""
    warmer = 1 + water.cooling_per_k * (air_degc - _COOLING_AT_DEGC)
    process = water.m3_per_t * product_t_per_h
    cooling = water.cooling_m3_per_mwh * load_kw / 1000 * np.maximum(warmer, _LEAST_COOLING)
    return {
        "process_water": process,
        "cooling_water": cooling,
        "sanitary_water": water.sanitary_m3_per_h * _people(grid),
        "reclaimed_water": water.reclaimed_ratio * (process + cooling),
    }


def demand_per_h(demand: Demand, product_t_per_h: Floats, air_degc: Floats) -> Floats:
    """Gas [m3/h] or steam [t/h] in each step."""
    colder_k = np.maximum(demand.heating_below_degc - air_degc, 0.0)
    return np.asarray(
        demand.per_t * product_t_per_h + demand.base_per_h + demand.heating_per_k_h * colder_k
    )


def waste_t_per_h(waste_t_per_t: float, grid: YearGrid, product_t_per_h: Floats) -> Floats:
    """Waste that is carried away in each step [t/h]: that of the day, between 8:00 and 18:00."""
    of_day_t = waste_t_per_t * STEP_H * np.bincount(grid.day, weights=product_t_per_h)
    hauling = (grid.hour >= _HAUL_FROM_H) & (grid.hour < _HAUL_TO_H)
    return np.where(hauling, of_day_t[grid.day] / (_HAUL_TO_H - _HAUL_FROM_H), 0.0)


def _people(grid: YearGrid) -> Floats:
    """Use of washrooms, showers and canteens; 1 is the mean."""
    weight = np.where((grid.hour >= 6) & (grid.hour < 22), 1.0, 0.1)
    for at_h in _SHIFT_ENDS_H:
        weight = np.where((grid.hour >= at_h) & (grid.hour < at_h + 1), 2.5, weight)
    return np.asarray(weight / weight.mean(), dtype=np.float64)
