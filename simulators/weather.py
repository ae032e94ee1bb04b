"""Sun and wind at the site: output of a plant per unit of its size, for a whole year."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib

from simulators.scenario import Site
from simulators.timegrid import Floats, YearGrid, generator, wander

_SYSTEM_RATIO = 0.86  # wiring, inverter, soiling, mismatch (PVWatts default losses: 14 %)
_INVERTER_LIMIT = 0.92  # AC rating over DC rating
_TEMPERATURE_COEFFICIENT = -0.0038  # per K, crystalline silicon

# Power curve of a low-wind turbine of the 3-6 MW class: wind speed [m/s] -> part of rated power.
_SPEED_M_S = (0.0, 2.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 22.0, 24.0, 60.0)
_POWER = (0.0, 0.0, 0.05, 0.13, 0.24, 0.39, 0.57, 0.76, 0.91, 0.98, 1.0, 1.0, 0.0, 0.0)
_AVAILABLE_RATIO = 0.93  # outages and wake losses
_WEIBULL_SHAPE = 2.0


def temperature_degc(grid: YearGrid) -> Floats:
    """Air temperature [degC] of a cold continental climate: season and time of day."""
    season = -np.cos(2 * np.pi * (grid.day - 15) / 365)
    daily = -np.cos(2 * np.pi * (grid.hour - 3) / 24)
    return 7.0 + 17.5 * season + 6.0 * daily


def clearness(grid: YearGrid, seed: int) -> Floats:
    """Part of the clear-sky radiation that arrives: weather of the day and passing clouds."""
    rng = generator(seed, "sky", grid.year)
    days = int(grid.day.max()) + 1
    of_day = np.clip(1.02 - rng.gamma(1.15, 0.15, days), 0.12, 1.0)[grid.day]
    clouds = wander(rng, grid, 0.6) * (1 - of_day) * 0.5
    return np.asarray(np.clip(of_day + clouds, 0.05, 1.0), dtype=np.float64)


def pv_ratio(grid: YearGrid, site: Site, seed: int) -> Floats:
    """AC power of a PV plant per kWp [kW/kWp], mean of each step; zero at night."""
    place = pvlib.location.Location(
        site.latitude, site.longitude, tz=str(grid.zone), altitude=site.altitude_m
    )
    sun = place.get_solarposition(grid.middles)
    clear = place.get_clearsky(
        grid.middles, model="ineichen", solar_position=sun, linke_turbidity=3.0
    )
    ghi = clear["ghi"] * clearness(grid, seed)
    parts = pvlib.irradiance.erbs(ghi, sun["zenith"], grid.middles)
    azimuth = 180 if site.latitude >= 0 else 0
    plane = pvlib.irradiance.get_total_irradiance(
        site.roof_tilt_deg,
        azimuth,
        sun["apparent_zenith"],
        sun["azimuth"],
        parts["dni"],
        ghi,
        parts["dhi"],
    )["poa_global"].fillna(0.0)
    cell = pvlib.temperature.faiman(plane, pd.Series(temperature_degc(grid), grid.middles))
    direct = plane / 1000 * (1 + _TEMPERATURE_COEFFICIENT * (cell - 25)) * _SYSTEM_RATIO
    night = (sun["apparent_elevation"] <= 0).to_numpy()
    power = np.clip(direct.to_numpy(dtype=np.float64), 0.0, _INVERTER_LIMIT)
    return np.where(night, 0.0, power)


def wind_ratio(grid: YearGrid, site: Site, seed: int, plant: str) -> Floats:
    """Power of wind turbines per rated power, mean of each step.

    Plants of one region share most of their wind; `plant` names the rest.
    """
    region = wander(generator(seed, "wind", grid.year), grid, 0.965)
    own = wander(generator(seed, "wind", plant, grid.year), grid, 0.93)
    normal = np.sqrt(0.8) * region + np.sqrt(0.2) * own
    uniform = 1 / (1 + np.exp(-1.702 * normal))  # normal distribution within 0.01
    season = 1 + 0.12 * np.cos(2 * np.pi * (grid.day - 95) / 365)  # windy spring, calm summer
    daily = 1 + 0.08 * np.cos(2 * np.pi * (grid.hour - 22) / 24)
    speed = site.wind_scale_m_s * season * daily * (-np.log1p(-uniform)) ** (1 / _WEIBULL_SHAPE)
    return np.asarray(np.interp(speed, _SPEED_M_S, _POWER) * _AVAILABLE_RATIO, dtype=np.float64)
