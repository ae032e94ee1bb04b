"""Electric loads: shifts, batches of furnaces, truck chargers."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import date

import numpy as np

from simulators.enterprise_model import Furnaces, Load, TruckCharging
from simulators.scenario import Holiday
from simulators.timegrid import STEP_H, STEP_S, Floats, YearGrid

_UNEVEN = 0.15  # batches differ in length by up to this part
# When trucks come, by hour: few at night, most at the cheap noon and at the change of drivers.
_TRUCKS = (3, 2, 2, 2, 2, 3, 4, 5, 4, 4, 5, 7, 8, 7, 6, 4, 4, 4, 4, 4, 4, 5, 6, 5)
_SPREAD, _SMALLEST, _LARGEST = 0.25, 0.3, 1.8  # of a charge, part of the mean


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


def furnace_rhythm(furnaces: Furnaces, grid: YearGrid, rng: np.random.Generator) -> Floats:
    """Power of all furnaces in each step, part of their yearly mean."""
    batch_s = furnaces.batch_h * 3600
    batches = int((grid.stop_s - grid.start_s) / (batch_s * (1 - _UNEVEN))) + 2
    length_s = batch_s * rng.uniform(1 - _UNEVEN, 1 + _UNEVEN, (furnaces.count, batches))
    before_s = batch_s * rng.uniform(0, 1, (furnaces.count, 1))
    start_s = grid.start_s - before_s + np.cumsum(length_s, axis=1) - length_s
    melted_s = start_s + furnaces.melt_ratio * length_s
    more = np.full(start_s.size, 1 - furnaces.hold_ratio)
    melting = mean_of_changes(
        grid, np.concatenate([start_s.ravel(), melted_s.ravel()]), np.concatenate([more, -more])
    )
    power = furnaces.hold_ratio * furnaces.count + melting
    return np.asarray(power / power.mean(), dtype=np.float64)


def truck_charging_kw(
    model: TruckCharging, grid: YearGrid, rng: np.random.Generator, active: Floats
) -> Floats:
    """Mean power of all chargers in each step [kW]; who finds none free waits for the first.

    Args:
        active: how much the plant works, 1 is its mean.
    """
    weight = np.asarray(_TRUCKS, dtype=np.float64)
    share = weight / weight.sum()
    expected = model.sessions_per_day * STEP_H * share[grid.hour.astype(int)] * active
    comes = np.repeat(grid.edges_s, rng.poisson(expected))
    comes_s = np.sort(comes + rng.uniform(0, STEP_S, len(comes)))
    size = np.clip(1 + _SPREAD * rng.standard_normal(len(comes)), _SMALLEST, _LARGEST)
    takes_s = (model.session_kwh * size / model.power_kw * 3600).tolist()
    free_s = [float(grid.start_s)] * model.chargers
    start_s = []
    for at_s, for_s in zip(comes_s.tolist(), takes_s, strict=True):
        begin = max(at_s, free_s[0])
        heapq.heapreplace(free_s, begin + for_s)
        start_s.append(begin)
    stop_s = np.asarray(start_s) + takes_s
    power = np.full(len(start_s), model.power_kw)
    return mean_of_changes(grid, np.concatenate([start_s, stop_s]), np.concatenate([power, -power]))


def mean_of_changes(grid: YearGrid, at_s: Floats, change: Floats) -> Floats:
    """Mean in each step of something that changes by `change` at `at_s` and is zero at first."""
    order = np.argsort(at_s, kind="stable")
    at_s, level = at_s[order], np.cumsum(change[order])
    if not len(at_s):
        return np.zeros(len(grid))
    area = np.concatenate([[0.0], np.cumsum(level[:-1] * np.diff(at_s))])
    edges_s = np.append(grid.edges_s, grid.stop_s)
    return np.asarray(np.diff(np.interp(edges_s, at_s, area)) / STEP_S, dtype=np.float64)
