"""Synthetic weather of a year: air temperature, how clear the sky is, rain."""

from __future__ import annotations

import numpy as np

from simulators.scenario import Site
from simulators.timegrid import Floats, YearGrid, ar1, generator

# Clearness of a day by its rank among all days. The shape is measured (50 MW plant in inland
# China, 2019-2020, daily energy over the best of its month); Baotou is a little clearer.
_RANK = (0.0, 0.02, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 1.0)
_CLEARNESS = (0.10, 0.26, 0.35, 0.47, 0.70, 0.87, 0.95, 1.0, 1.0)
_DAY_MEMORY = 0.35  # correlation of one day's sky with the next
_YEAR_SPREAD = 0.19  # sunny and dull years, in standard deviations of a day
_CLOUDIEST_DAY = 205  # the rains of July and August
_CLOUDY_SEASON = 0.22

_DAILY_SWING_K = 6.0
_WARM_SPELL_K = 3.3  # standard deviation of a day's temperature, remembered for days
_WARM_SPELL_MEMORY = 0.72
_WARM_YEAR_K = 0.6

_RAIN_BELOW = 0.55  # it rains on duller days only
_RAIN_MM = 14.0  # mean of such a day in the rainy season


def rank_of_normal(normal: Floats) -> Floats:
    """Standard normal values as ranks in (0, 1), within 0.01."""
    return np.asarray(1 / (1 + np.exp(-1.702 * normal)), dtype=np.float64)


def season_day(grid: YearGrid, site: Site) -> Floats:
    """Day of the year as the north counts its seasons [d]."""
    return np.asarray(grid.day + (0.0 if site.latitude >= 0 else 182.5), dtype=np.float64)


def day_count(grid: YearGrid) -> int:
    """Days of the year."""
    return int(grid.day[-1]) + 1


def temperature_degc(grid: YearGrid, site: Site, seed: int) -> Floats:
    """Air temperature [degC]: season, time of day, warm and cold spells, warm and cold years."""
    rng = generator(seed, "temperature", grid.year)
    days = day_count(grid)
    year = rng.normal(0, _WARM_YEAR_K)
    spells = _WARM_SPELL_K * ar1(rng, days, _WARM_SPELL_MEMORY)
    spell = np.interp(grid.day + grid.hour / 24, np.arange(days) + 0.5, spells)
    season = -np.cos(2 * np.pi * (season_day(grid, site) - 17) / 365.25)
    daily = -np.cos(2 * np.pi * (grid.hour - 3) / 24)
    usual = site.temperature_mean_degc + site.temperature_season_k * season
    return np.asarray(usual + _DAILY_SWING_K * daily + spell + year, dtype=np.float64)


def clearness(grid: YearGrid, site: Site, seed: int) -> Floats:
    """Part of the clear-sky radiation that arrives: weather of the day and passing clouds."""
    rng = generator(seed, "sky", grid.year)
    normal = ar1(rng, day_count(grid), _DAY_MEMORY) + rng.normal(0, _YEAR_SPREAD)
    dull = np.cos(2 * np.pi * (season_day(grid, site) - _CLOUDIEST_DAY) / 365.25)
    rank = rank_of_normal(normal[grid.day] - _CLOUDY_SEASON * dull)
    of_day = np.interp(rank, _RANK, _CLEARNESS)
    hours = ar1(rng, len(grid), 0.97)
    clouds = ar1(rng, len(grid), 0.70) * np.exp(0.6 * ar1(rng, len(grid), 0.95))
    broken = 4 * of_day * (1 - of_day)  # neither clear nor overcast
    sky = of_day + broken * (0.18 * hours + 0.13 * clouds)
    return np.asarray(np.clip(sky, 0.04, 1.04), dtype=np.float64)


def rain_mm(grid: YearGrid, site: Site, seed: int, of_day: Floats) -> Floats:
    """Rain of each day [mm], from the clearness of the days: dull days of the rainy season."""
    rng = generator(seed, "rain", grid.year)
    noon = season_day(grid, site)[np.searchsorted(grid.day, np.arange(len(of_day)))]
    season = (1 + np.cos(2 * np.pi * (noon - _CLOUDIEST_DAY) / 365.25)) / 2
    amount = rng.exponential(_RAIN_MM, len(of_day)) * season**2
    return np.where(of_day < _RAIN_BELOW, amount, 0.0)
