"""Explaining variables per period: degree days, calendar, amounts of the caller."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.savings.project import Granularity, Project, Span

Array = npt.NDArray[np.float64]
OFF = "off"
HOURS = 20  # of a day's temperatures, so that its mean is not that of one night


def local_days(hourly: pd.Series[float], timezone: str) -> pd.Series[float]:
    """Sums of complete local days from values of hours or parts of them.

    Args:
        hourly: aware, sorted starts of equal intervals.
        timezone: IANA name; a day of 23 or 25 hours is complete with as many.

    Returns:
        Naive local midnights; a day with a missing interval is NaN.
    """
    index = hourly.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        raise ValueError("hourly: an aware index is needed")
    local = index.tz_convert(timezone)
    known = hourly.set_axis(local).dropna()
    midnights = pd.date_range(
        local[0].normalize(), local[-1].normalize() + pd.DateOffset(days=1), freq="D"
    )
    step_s = float(np.median(np.diff(index.as_unit("s").astype("int64"))))
    needed = np.diff(midnights.as_unit("s").astype("int64")) / step_s
    days = midnights[:-1]
    grouped = known.groupby(known.index.normalize())  # type: ignore[attr-defined]
    total = grouped.sum().reindex(days)
    count = grouped.count().reindex(days, fill_value=0)
    complete = total.where(count.to_numpy() >= needed - 1e-9)
    return complete.set_axis(days.tz_localize(None))


def period_days(index: pd.DatetimeIndex, granularity: Granularity) -> Array:
    """Length of each period [d]."""
    if granularity == "day":
        return np.ones(len(index))
    return np.asarray(index.days_in_month, dtype=float)


class Weather:
    """Mean degree days per day of the periods of an index; NaN where temperatures are missing.

    A day needs 20 of 24 hourly values (or its mean), a month 90 % of its days.

    Source: degree hours / 24: CalTRACK issue 120; means of days: CalTRACK 2.0, 3.3.4 and 3.3.5;
        90 % of a month: 3.5.5.2.
    """

    def __init__(
        self, temperature_degc: pd.Series[float], index: pd.DatetimeIndex, granularity: Granularity
    ) -> None:
        known = temperature_degc.dropna().sort_index()
        stamps = pd.DatetimeIndex(known.index)
        self._values: Array = np.asarray(known, dtype=float)
        self._day = stamps.normalize()
        self._index, self._granularity = index, granularity
        per_day = pd.Series(self._values).groupby(self._day).size().astype(float)
        usual = float(per_day.median()) if len(per_day) else 1.0
        self._enough = per_day.ge(usual * HOURS / 24 if usual > 1 else 1.0)

    def mean_degc(self) -> Array:
        """Mean temperature of each period [degC]."""
        return self._per_period(self._values)

    def heating(self, base_degc: float) -> Array:
        """Heating degree days per day [K]."""
        above: Array = np.maximum(base_degc - self._values, 0.0)
        return self._per_period(above)

    def cooling(self, base_degc: float) -> Array:
        """Cooling degree days per day [K]."""
        above: Array = np.maximum(self._values - base_degc, 0.0)
        return self._per_period(above)

    def _per_period(self, values: Array) -> Array:
        daily = pd.Series(values).groupby(self._day).mean().where(self._enough)
        if self._granularity == "day":
            return np.asarray(daily.reindex(self._index), dtype=float)
        months = daily.index.to_period("M").to_timestamp()  # type: ignore[attr-defined]
        grouped = daily.groupby(months)
        mean = np.asarray(grouped.mean().reindex(self._index), dtype=float)
        share = grouped.count().reindex(self._index).to_numpy(dtype=float)
        enough = share / self._index.days_in_month >= 0.9
        return np.asarray(np.where(enough, mean, np.nan), dtype=float)


def is_off(index: pd.DatetimeIndex, days_off: Collection[date]) -> Array:
    """1 on Saturdays, Sundays and the given days, else 0."""
    given = index.isin(pd.DatetimeIndex(sorted(days_off))) if days_off else np.zeros(len(index))
    return np.asarray((index.dayofweek >= 5) | np.asarray(given, dtype=bool), dtype=float)


def amounts(project: Project, span: Span) -> pd.DataFrame:
    """Use and drivers per day of each period of a span: `use`, then the caller's columns.

    Months are divided by their days, so that a long month is no large one. NaN stays NaN.
    """
    index = span.index(project.granularity)
    days = period_days(index, project.granularity)
    table = pd.DataFrame({"use": project.measured.reindex(index).to_numpy(float)}, index=index)
    if project.drivers is not None:
        for name in project.drivers.columns:
            table[str(name)] = project.drivers[name].reindex(index).to_numpy(dtype=float)
    return table.div(days, axis=0)
