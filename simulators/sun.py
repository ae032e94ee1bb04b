"""Photovoltaics with pvlib: from the radiation on level ground to the power of a plant."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import pvlib

from simulators.scenario import Site
from simulators.sky import day_count, rain_mm
from simulators.timegrid import Floats, YearGrid

_TURBIDITY = 3.0  # Linke; dry continental air with some dust
_TEMPERATURE_COEFFICIENT = -0.0037  # per K, crystalline silicon
# Percent; soiling is computed, nothing shades, the rest as in PVWatts.
_LOSSES = {
    "soiling": 0,
    "shading": 0.5,
    "mismatch": 1,
    "wiring": 1.5,
    "nameplate_rating": 0,
    "age": 1,
    "availability": 1,
}
_INVERTER_EFFICIENCY = 0.98
_SOILING_PER_DAY = 0.0010  # of the power, on dry days
_SOILING_MOST = 0.12
_SOILING_ON_1_JANUARY = 0.02
_WASHED_ON = ("04-20", "06-10", "09-25", "11-05")  # dust of spring, then before winter


@dataclass(frozen=True)
class ClearSky:
    """Where the sun stands, and the radiation without clouds [W/m2]."""

    position: pd.DataFrame
    ghi: Floats
    angle: pd.Series
    beam_passed: Floats
    extra: pd.Series


@lru_cache(maxsize=4)
def clear_sky(grid: YearGrid, site: Site) -> ClearSky:
    """Sun and clear sky over a site; the costly part, and the same for every seed."""
    place = pvlib.location.Location(
        site.latitude, site.longitude, tz=str(grid.zone), altitude=site.altitude_m
    )
    position = place.get_solarposition(grid.middles)
    clear = place.get_clearsky(
        grid.middles, model="ineichen", solar_position=position, linke_turbidity=_TURBIDITY
    )
    angle = pvlib.irradiance.aoi(
        site.roof_tilt_deg, _facing(site), position["apparent_zenith"], position["azimuth"]
    )
    passed = pvlib.iam.physical(angle).to_numpy(dtype=np.float64)
    ghi = clear["ghi"].to_numpy(dtype=np.float64)
    return ClearSky(
        position, ghi, angle, passed, pvlib.irradiance.get_extra_radiation(grid.middles)
    )


def pv_ratio(grid: YearGrid, site: Site, seed: int, ghi: Floats, temperature: Floats) -> Floats:
    """AC power of a PV plant per kWp [kW/kWp], mean of each step; zero at night.

    Args:
        ghi: radiation on level ground [W/m2].
        temperature: of the air [degC].
    """
    sky = clear_sky(grid, site)
    sun = sky.position
    level = pd.Series(np.where(sun["apparent_elevation"] > 0, ghi, 0.0), grid.middles)
    parts = pvlib.irradiance.erbs(level, sun["zenith"], grid.middles)
    plane = pvlib.irradiance.get_total_irradiance(
        site.roof_tilt_deg,
        _facing(site),
        sun["apparent_zenith"],
        sun["azimuth"],
        parts["dni"],
        level,
        parts["dhi"],
        dni_extra=sky.extra,
        model="haydavies",
    )
    lit = (plane["poa_direct"] * sky.beam_passed + plane["poa_diffuse"]).fillna(0.0)
    lit = lit.clip(lower=0.0) * (1 - soiling_ratio(grid, site, seed, ghi)[grid.day])
    cell = pvlib.temperature.faiman(plane["poa_global"].fillna(0.0), temperature)
    direct = pvlib.pvsystem.pvwatts_dc(lit, cell, 1.0, _TEMPERATURE_COEFFICIENT)
    direct *= 1 - pvlib.pvsystem.pvwatts_losses(**_LOSSES) / 100
    rated = 1 / site.dc_ac_ratio / _INVERTER_EFFICIENCY
    power = pvlib.inverter.pvwatts(direct, rated, _INVERTER_EFFICIENCY)
    night = (sun["apparent_elevation"] <= 0).to_numpy()
    return np.where(night, 0.0, np.nan_to_num(power.to_numpy(dtype=np.float64)).clip(min=0.0))


def soiling_ratio(grid: YearGrid, site: Site, seed: int, ghi: Floats) -> Floats:
    """Power lost to dust on each day: grows on dry days, ends with rain or the yearly washings.

    Kimber's model as in pvlib.
    """
    count = day_count(grid)
    clear = np.bincount(grid.day, clear_sky(grid, site).ghi, count)
    of_day = np.bincount(grid.day, ghi, count) / np.maximum(clear, 1.0)
    days = pd.date_range(f"{grid.year}-01-01", periods=count, freq="D")
    dust = pvlib.soiling.kimber(
        pd.Series(rain_mm(grid, site, seed, of_day), days),
        soiling_loss_rate=_SOILING_PER_DAY,
        grace_period=5,
        max_soiling=_SOILING_MOST,
        manual_wash_dates=[f"{grid.year}-{day}" for day in _WASHED_ON],
        initial_soiling=_SOILING_ON_1_JANUARY,
    )
    return np.asarray(dust, dtype=np.float64)


def _facing(site: Site) -> float:
    return 180.0 if site.latitude >= 0 else 0.0
