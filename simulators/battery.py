"""A battery behind the meter, quarter-hour by quarter-hour; no energy appears or vanishes."""

from __future__ import annotations

import math

import numpy as np

from simulators.enterprise_model import Battery
from simulators.timegrid import STEP_H, Floats, YearGrid

_LEAST_DEPTH = 0.85  # some days it is not filled to the top


def battery_flows(
    battery: Battery | None, grid: YearGrid, rng: np.random.Generator, load_kw: Floats
) -> tuple[Floats, Floats, Floats]:
    """Charging and discharging power [kW] at its terminals, and its level [ratio].

    stored' = stored * kept + charge * h * e - discharge * h / e, where e is the square root of
    the round trip and h a quarter of an hour. A year begins at the lowest level.

    Args:
        load_kw: it never gives more than this.

    Returns:
        power of every step; level at the start of every step.
    """
    steps = len(grid)
    if battery is None:
        return np.zeros(steps), np.zeros(steps), np.zeros(steps)
    one_way = math.sqrt(battery.round_trip_ratio)
    kept = (1 - battery.self_discharge_per_day) ** (STEP_H / 24)
    low = battery.lowest_ratio * battery.energy_kwh
    usable = battery.highest_ratio * battery.energy_kwh - low
    tops = low + usable * rng.uniform(_LEAST_DEPTH, 1.0, int(grid.day[-1]) + 1)
    window_h = battery.energy_kwh / battery.power_kw
    filling = ((grid.hour - battery.charge_from_h) % 24 < window_h).tolist()
    giving = ((grid.hour - battery.discharge_from_h) % 24 < window_h).tolist()
    charge, discharge, level = [0.0] * steps, [0.0] * steps, [0.0] * steps
    stored = low
    for n, (top, need) in enumerate(zip(tops[grid.day].tolist(), load_kw.tolist(), strict=True)):
        level[n] = stored / battery.energy_kwh
        stored *= kept
        if filling[n]:
            power = min(battery.power_kw, max(top - stored, 0.0) / (one_way * STEP_H))
            stored += power * STEP_H * one_way
            charge[n] = power
        elif giving[n]:
            room = max(stored - low, 0.0) * one_way / STEP_H
            power = min(battery.power_kw, room, need)
            stored -= power * STEP_H / one_way
            discharge[n] = power
    return np.array(charge), np.array(discharge), np.array(level)
