"""Weather years: what plants of one place give in each month of each of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from analytics.green.supply import Floats
from models.errors import ConfigError

TECHNOLOGIES = ("pv", "wind")
_COLUMNS = ("year", "month", *TECHNOLOGIES)


@dataclass(frozen=True)
class Climatology:
    """Yields of weather years.

    Attributes:
        hours: by technology, full-load hours, an array (weather years, 12 months). Only their
            ratios matter: the size of a plant is taken from its own meters.
        source: where the years come from, told beside a forecast.
    """

    hours: Mapping[str, Floats]
    source: str

    @property
    def years(self) -> int:
        """Number of weather years."""
        return len(self.hours["pv"])

    @classmethod
    def from_csv(cls, text: str, source: str) -> Climatology:
        """Read `year,month,pv,wind`: full-load hours of every month of every weather year.

        Raises:
            ConfigError: a column, a month or a number is missing.
        """
        rows = list(csv.DictReader(io.StringIO(text)))
        missing = [c for c in _COLUMNS if not rows or c not in rows[0]]
        if missing:
            fault = f"column(s) missing: {', '.join(missing)}; expected: {', '.join(_COLUMNS)}"
            raise ConfigError(source, [fault])
        try:
            told = {
                (row["year"], int(row["month"])): [float(row[t]) for t in TECHNOLOGIES]
                for row in rows
            }
        except (TypeError, ValueError) as exc:
            raise ConfigError(source, [f"not a number: {exc}"]) from exc
        years = list(dict.fromkeys(year for year, _ in told))
        faults = [
            f"weather year {year}: month {month} is missing"
            for year in years
            for month in range(1, 13)
            if (year, month) not in told
        ]
        if faults:
            raise ConfigError(source, faults)
        table = np.array([[told[year, m] for m in range(1, 13)] for year in years])
        return cls({t: table[:, :, n] for n, t in enumerate(TECHNOLOGIES)}, source)


@cache
def baotou() -> Climatology:
    """Forty synthetic weather years of Baotou, as the simulator makes them.

    Seeds 1 to 40 of the sample park, fitted to known yields (docs/simulator.md); made by
    scripts/make_climatology.py. Measured years in the same form are better.
    """
    text = files("analytics").joinpath("green/climatology_baotou.csv").read_text(encoding="utf-8")
    return Climatology.from_csv(text, "40 synthetic weather years of Baotou")
