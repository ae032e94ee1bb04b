"""Pot lines of an aluminium smelter: power from cell voltage, metal from Faraday's law."""

from __future__ import annotations

import numpy as np

from simulators.enterprise_model import PotLines
from simulators.loads import mean_of_changes
from simulators.timegrid import STEP_H, STEP_S, Floats, YearGrid, wander

# Molar mass 26.9815 g/mol over 3 x 96,485.33 C/mol (CODATA 2018) x 3,600 s/h.
ALUMINIUM_KG_PER_KAH = 26.9815385 / (3 * 96_485.33212) * 3600
_DRIFT_MEMORY = 0.998  # of an hour to the next: weeks
_LONGEST_STOP = 3.0  # times the mean


def pot_line_flows(
    model: PotLines, grid: YearGrid, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """AC power of all lines [kW] and aluminium [t/h] in each step.

    kW = lines x cells x V x kA / rectifier; t/h = lines x cells x kA x 0.3356 kg/kAh x current
    efficiency. An anode effect adds its voltage for its time, and no metal is counted off for it.
    """
    running = model.lines - _stopped(model, grid, rng)
    volts = model.cell_v * (1 + model.drift_ratio * wander(rng, grid, _DRIFT_MEMORY))
    direct_kw = running * model.cells * volts * model.current_ka
    expected = running * model.cells * model.anode_effects_per_cell_day * STEP_S / 86_400
    each_kwh = (
        max(model.anode_effect_v - model.cell_v, 0.0)
        * model.current_ka
        * model.anode_effect_s
        / 3600
    )
    effects_kw = rng.poisson(expected) * each_kwh / STEP_H
    power = (direct_kw + effects_kw) / model.rectifier_ratio
    kg_per_kah = ALUMINIUM_KG_PER_KAH * model.current_efficiency_ratio
    return power, running * model.cells * model.current_ka * kg_per_kah / 1000


def _stopped(model: PotLines, grid: YearGrid, rng: np.random.Generator) -> Floats:
    """Lines that stand still in each step."""
    year_s = grid.stop_s - grid.start_s
    count = rng.poisson(model.lines * model.stops_per_line_year)
    start_s = grid.start_s + rng.uniform(0, year_s, count)
    long_s = 3600 * model.stop_h * np.minimum(rng.exponential(1.0, count), _LONGEST_STOP)
    one = np.ones(count)
    stopped = mean_of_changes(
        grid, np.concatenate([start_s, start_s + long_s]), np.concatenate([one, -one])
    )
    return np.minimum(stopped, model.lines)
