"""What the plants of a park could give in each month of a simulated year."""

from __future__ import annotations

import numpy as np

from models.park import Park
from models.roles import Role
from simulators.scenario import Scenario
from simulators.timegrid import STEP_H, Floats, YearGrid
from simulators.years import Years

_TECHNOLOGY = {Role.ONSITE_PV: "pv", Role.ONSITE_WIND: "wind"}


def monthly_kwh(park: Park, scenario: Scenario, seed: int) -> dict[str, Floats]:
    """Available energy of all plants by technology (pv, wind) and month of the first year [kWh]."""
    grid = YearGrid(scenario.first_year, park.zone)
    months = np.array([np.datetime64(f"{scenario.first_year}-01-01") + n for n in grid.day])
    month = months.astype("M8[M]").astype(int) % 12
    kind = technologies(park)
    out = {name: np.zeros(12) for name in ("pv", "wind")}
    for flows in Years(park, scenario, seed).flows(grid.year).values():
        for meter, power in flows.available_kw.items():
            if kind.get(meter) in out:
                out[kind[meter]] += np.bincount(month, power * STEP_H, minlength=12)
    return out


def technologies(park: Park) -> dict[str, str]:
    """Meter of a plant or direct line -> what it is fed by; unknown ones are absent."""
    return {
        meter.key: known
        for enterprise in park.enterprises
        for meter in enterprise.meters
        for channel in meter.channels.values()
        if (known := channel.technology or _TECHNOLOGY.get(channel.role)) is not None
    }
