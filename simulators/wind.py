"""Wind power with windpowerlib: from the wind at hub height to the power of a wind farm."""

from __future__ import annotations

import warnings
from difflib import get_close_matches
from functools import lru_cache

import numpy as np
import pandas as pd
import pvlib
import windpowerlib

from models.errors import ConfigError
from simulators.scenario import Site
from simulators.sky import rank_of_normal, season_day
from simulators.timegrid import STEP_H, Floats, YearGrid, ar1, generator, wander

_WEIBULL_SHAPE = 2.0
# Wind speed of the months against the year's mean: windy spring, calm summer.
_MONTHS = (1.00, 1.02, 1.10, 1.17, 1.14, 0.96, 0.84, 0.82, 0.91, 0.99, 1.04, 1.01)
_NIGHT_SWING = 0.08  # at hub height the nights are windier
_WINDIEST_HOUR = 22
_YEAR_SPREAD = 0.035  # of the speed from one year to the next
# Shares of the variance: weather shared by the region, the farm's own hours, gusts.
_SHARES = (0.76, 0.233, 0.007)

_WAKES = "dena_mean"
_TURBINES = 25
_FAILURES_PER_YEAR = 5.0  # of one turbine
_REPAIR_H = 30.0  # mean
_LINE_LOSS_RATIO = 0.03  # cables and transformers up to the meter, ice

_SPEEDS = np.arange(0.0, 40.01, 0.1)
_DENSITIES = np.arange(0.60, 1.61, 0.05)


def wind_ratio(
    grid: YearGrid, site: Site, seed: int, plant: str, speed: Floats, temperature: Floats
) -> Floats:
    """Power of a wind farm per rated power, mean of each step.

    Args:
        plant: names the farm, for its own failures.
        speed: wind at hub height before wakes [m/s].
        temperature: of the air [degC].
    """
    pressure = pvlib.atmosphere.alt2pres(site.altitude_m)
    density = windpowerlib.density.ideal_gas(
        pressure, 0, site.hub_height_m, np.asarray(temperature + 273.15)
    )
    power = _power(site.turbine, speed, density)
    running = available_ratio(grid, generator(seed, "wind failures", plant, grid.year))
    return np.asarray(power * running * (1 - _LINE_LOSS_RATIO), dtype=np.float64)


def wind_speed(grid: YearGrid, site: Site, seed: int, plant: str) -> Floats:
    """Wind at hub height [m/s]: Weibull over the year, with its seasons, nights and memory.

    Plants of one region share most of their wind; `plant` names the rest.
    """
    shared = generator(seed, "wind", grid.year)
    year = float(np.exp(shared.normal(0, _YEAR_SPREAD)))
    own = generator(seed, "wind", plant, grid.year)
    parts = (
        wander(shared, grid, 0.955),
        wander(own, grid, 0.92),
        ar1(own, len(grid), 0.5),
    )
    normal = sum((np.sqrt(s) * p for s, p in zip(_SHARES, parts, strict=True)), np.zeros(len(grid)))
    middles = (np.arange(-1, 13) + 0.5) * 365.25 / 12
    around = (_MONTHS[-1], *_MONTHS, _MONTHS[0])
    season = np.interp(season_day(grid, site) % 365.25, middles, around)
    daily = 1 + _NIGHT_SWING * np.cos(2 * np.pi * (grid.hour - _WINDIEST_HOUR) / 24)
    weibull = (-np.log1p(-rank_of_normal(normal))) ** (1 / _WEIBULL_SHAPE)
    return np.asarray(site.wind_scale_m_s * year * season * daily * weibull, dtype=np.float64)


def available_ratio(grid: YearGrid, rng: np.random.Generator) -> Floats:
    """Part of the turbines that can run: each fails now and then and waits for its repair."""
    steps = len(grid)
    failures = int(rng.poisson(_FAILURES_PER_YEAR * _TURBINES))
    start = rng.integers(0, steps, failures)
    stop = np.minimum(start + np.ceil(rng.exponential(_REPAIR_H / STEP_H, failures)), steps)
    change = np.bincount(start, minlength=steps + 1) - np.bincount(
        stop.astype(np.int64), minlength=steps + 1
    )
    return np.asarray(np.clip(1 - np.cumsum(change)[:steps] / _TURBINES, 0.0, 1.0))


def _power(turbine: str, speed: Floats, density: Floats) -> Floats:
    """Power per rated power, read from the table between four of its points."""
    table = power_table(turbine)
    v = np.clip(speed / 0.1, 0, len(_SPEEDS) - 1.001)
    d = np.clip((density - _DENSITIES[0]) / 0.05, 0, len(_DENSITIES) - 1.001)
    i, j = v.astype(np.int64), d.astype(np.int64)
    a, b = v - i, d - j
    lower = table[j, i] * (1 - a) + table[j, i + 1] * a
    upper = table[j + 1, i] * (1 - a) + table[j + 1, i + 1] * a
    return np.asarray(lower * (1 - b) + upper * b, dtype=np.float64)


@lru_cache(maxsize=8)
def power_table(turbine: str) -> Floats:
    """Power per rated power of a turbine in a farm, by air density and free wind speed.

    Wakes slow the wind (windpowerlib's mean efficiency curve), gusts round the power curve.

    Raises:
        ConfigError: the turbine is not in windpowerlib's library.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        machine = windpowerlib.WindTurbine(hub_height=100, turbine_type=turbine)
    if machine.power_curve is None:
        raise ConfigError("site.turbine", [_unknown(turbine)])
    curve = windpowerlib.power_curves.smooth_power_curve(
        machine.power_curve["wind_speed"],
        machine.power_curve["value"],
        standard_deviation_method="turbulence_intensity",
        turbulence_intensity=0.10,
    )
    slowed = windpowerlib.wake_losses.reduce_wind_speed(_SPEEDS, _WAKES)
    rows = [
        windpowerlib.power_output.power_curve_density_correction(
            slowed, curve["wind_speed"], curve["value"], np.full(len(_SPEEDS), density)
        )
        for density in _DENSITIES
    ]
    power_w = np.asarray(rows, dtype=np.float64)
    return np.asarray(np.clip(power_w / machine.nominal_power, 0.0, 1.0), dtype=np.float64)


def _unknown(turbine: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        known = windpowerlib.data.get_turbine_types(print_out=False)
    names = known[known["has_power_curve"]]["turbine_type"].tolist()
    near = get_close_matches(turbine, names, n=5, cutoff=0.2)
    return f"turbine {turbine!r} is not in windpowerlib's library; near: {', '.join(near)}"


def at_hub(speed: Floats, site: Site) -> Floats:
    """Measured wind carried up to hub height by the power law (exponent 1/7)."""
    series = pd.Series(speed)
    return np.asarray(
        windpowerlib.wind_speed.hellman(series, site.weather_wind_height_m, site.hub_height_m),
        dtype=np.float64,
    )
