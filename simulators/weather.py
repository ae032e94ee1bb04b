"""Weather at the site and what sun and wind plants make of it, for a whole year."""

from __future__ import annotations

from simulators import sky, sun, wind
from simulators.scenario import Site
from simulators.timegrid import Floats, YearGrid
from simulators.weather_file import Measured, measured_year


def _measured(grid: YearGrid, site: Site) -> Measured | None:
    return None if site.weather_file is None else measured_year(site.weather_file, grid)


def temperature_degc(grid: YearGrid, site: Site, seed: int) -> Floats:
    """Air temperature [degC]."""
    measured = _measured(grid, site)
    return sky.temperature_degc(grid, site, seed) if measured is None else measured.temp_air


def pv_ratio(grid: YearGrid, site: Site, seed: int) -> Floats:
    """AC power of a PV plant per kWp [kW/kWp], mean of each step; zero at night."""
    measured = _measured(grid, site)
    if measured is None:
        ghi = sun.clear_sky(grid, site).ghi * sky.clearness(grid, site, seed)
    else:
        ghi = measured.ghi
    return sun.pv_ratio(grid, site, seed, ghi, temperature_degc(grid, site, seed))


def wind_ratio(
    grid: YearGrid, site: Site, seed: int, plant: str, speed_ratio: Floats | None = None
) -> Floats:
    """Power of wind turbines per rated power, mean of each step.

    Plants of one region share most of their wind; `plant` names the rest.

    Args:
        speed_ratio: factor to the wind speed, such as a drought of wind.
    """
    measured = _measured(grid, site)
    if measured is None:
        speed = wind.wind_speed(grid, site, seed, plant)
    else:
        speed = wind.at_hub(measured.wind_speed, site)
    if speed_ratio is not None:
        speed = speed * speed_ratio
    return wind.wind_ratio(grid, site, seed, plant, speed, temperature_degc(grid, site, seed))
