"""The data of one span, and the columns of a model on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.savings.drivers import OFF, Array, Weather, amounts, is_off, period_days
from analytics.savings.project import Project, Span

ONE, HEATING, COOLING = "1", "hdd", "cdd"
BY_OFF = {f"{OFF}:{HEATING}": HEATING, f"{OFF}:{COOLING}": COOLING}

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Terms:
    """Columns of a model; balance points [degC] where it has degree days."""

    columns: tuple[str, ...]
    heating_degc: float | None = None
    cooling_degc: float | None = None

    def without(self, column: str) -> Terms:
        """The same, one column less."""
        left = tuple(c for c in self.columns if c != column)
        return Terms(left, self.heating_degc, self.cooling_degc)


class Frame:
    """Use per day, drivers per day, calendar and weather of the periods of a span."""

    def __init__(self, project: Project, span: Span) -> None:
        self.table = amounts(project, span)
        self.index = pd.DatetimeIndex(self.table.index)
        self.days = period_days(self.index, project.granularity)
        self.drivers = tuple(str(c) for c in self.table.columns[1:])
        self.calendar = project.calendar == "days_off" and project.granularity == "day"
        self.off = is_off(self.index, project.days_off)
        self.weather: Weather | None = None
        known = np.isfinite(self.table.to_numpy(dtype=float)).all(axis=1)
        if project.temperature_degc is not None:
            self.weather = Weather(project.temperature_degc, self.index, project.granularity)
            known &= np.isfinite(self.weather.mean_degc())
        self.known: Mask = np.asarray(known, dtype=bool)

    @property
    def use(self) -> Array:
        """Use per day of the complete periods."""
        return np.asarray(self.table["use"], dtype=float)[self.known]

    @property
    def known_index(self) -> pd.DatetimeIndex:
        """Starts of the complete periods."""
        return pd.DatetimeIndex(self.index[self.known])

    @property
    def known_days(self) -> Array:
        """Lengths of the complete periods [d]."""
        known: Array = self.days[self.known]
        return known

    def coverage(self) -> float:
        """Share of the periods that are complete: use, drivers and weather."""
        return float(self.known.mean()) if len(self.known) else 0.0

    def degree_days(self, kind: str, base_degc: float) -> Array:
        """Degree days per day of the complete periods [K]."""
        if self.weather is None:
            raise ValueError("degree days: no temperature")
        found = self.weather.heating if kind == HEATING else self.weather.cooling
        known: Array = found(base_degc)[self.known]
        return known

    def design(self, terms: Terms) -> Array:
        """Columns of a model, (complete periods, columns)."""
        bases = {HEATING: terms.heating_degc, COOLING: terms.cooling_degc}
        degree_days = {k: self.degree_days(k, b) for k, b in bases.items() if b is not None}
        off = self.off[self.known]
        made = []
        for name in terms.columns:
            if name == ONE:
                made.append(np.ones(int(self.known.sum())))
            elif name == OFF:
                made.append(off)
            elif name in BY_OFF:
                made.append(off * degree_days[BY_OFF[name]])
            elif name in degree_days:
                made.append(degree_days[name])
            else:
                made.append(self.table[name].to_numpy(dtype=float)[self.known])
        return np.column_stack(made)
