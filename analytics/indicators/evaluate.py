"""Months and the year of one enterprise: from items to the values of an indicator.

Days are the atoms of what is metered: a quotient of metered items counts the days on which all of
them are complete, so that a silent meter on one side cannot lift or lower it. What is reported is
known by the month. Missing is never zero: a month that lacks an item an enterprise has is not told.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np

from analytics.indicators.base import MADE_OF, Factors, Floats, Indicator

MONTHS = 12


@dataclass(frozen=True)
class Series:
    """One item of one enterprise in a calendar year.

    Attributes:
        month: known amount of each month; NaN: nothing known.
        complete: known part of what is due in each month, 0 to 1.
        estimated: estimated part of the amounts, 0 to 1.
        day: amounts of complete local days, NaN for others; None: known by the month only.
        year: amount of all months together where it is not their sum (claims under a yearly cap).
        note: what it rests on.
        is_reported: told by people, not by meters.
    """

    month: Floats
    complete: Floats
    estimated: Floats
    day: Floats | None = None
    year: float | None = None
    note: str = ""
    is_reported: bool = False


@dataclass(frozen=True)
class YearCalendar:
    """The days of a calendar year that are due, seen from one local day.

    Attributes:
        first: first day with data, `[first, today)` is due.
        today: is not over, so not due.
    """

    year: int
    first: date
    today: date

    @cached_property
    def month_of_day(self) -> np.ndarray:
        """Number of the month, 0 to 11, of every day of the year."""
        lengths = [calendar.monthrange(self.year, m)[1] for m in range(1, MONTHS + 1)]
        return np.repeat(np.arange(MONTHS), lengths)

    @cached_property
    def due_days(self) -> Floats:
        """Days of each month that are over and of which data is expected."""
        origin = date(self.year, 1, 1).toordinal()
        number = origin + np.arange(len(self.month_of_day))
        due = (number >= self.first.toordinal()) & (number < self.today.toordinal())
        return np.bincount(self.month_of_day[due], minlength=MONTHS).astype(np.float64)

    def sums(self, day: Floats) -> Floats:
        """Sums of days by month."""
        return np.asarray(
            np.bincount(self.month_of_day, weights=day, minlength=MONTHS), dtype=np.float64
        )


class Value(NamedTuple):
    """Value of a month (0 to 11) or of the year (12); `upper / lower` as the formula makes them."""

    month: int
    value: float | None
    upper: float | None
    lower: float | None
    complete: float
    estimated: float
    note: str


def evaluate(
    indicator: Indicator,
    items: Mapping[str, Series],
    cal: YearCalendar,
    factors: Factors,
    least_complete: float,
) -> Iterator[Value]:
    """Values of the months that are due and of the year; nothing if an item it needs is absent.

    Args:
        items: what the enterprise has; one that it has not is zero if the formula only adds it.
        least_complete: below it a quotient of metered and reported amounts is not told.
    """
    about = indicator.about
    if any(key not in items for key in about.needs) or not cal.due_days.any():
        return
    used = [key for key in (*about.needs, *about.uses) if key in items]
    zero = np.zeros(MONTHS + 1)
    is_quotient = indicator.is_quotient
    amounts, complete, told = _amounts([items[key] for key in used], cal, is_quotient)
    mixed = is_quotient and len({items[key].day is None for key in used}) > 1
    enough = told & ((complete >= least_complete) | ~np.array(mixed))
    chosen = enough & (cal.due_days > 0)
    table = dict.fromkeys(about.uses, zero) | {
        key: _with_year(row, items[key], indicator, chosen)
        for key, row in zip(used, amounts, strict=True)
    }
    upper, lower = indicator.formula(table, factors)
    value = _finished(indicator, upper, lower, factors)
    estimated = np.nanmax([items[key].estimated for key in used], axis=0)
    lacking = indicator.factor is not None and getattr(factors, indicator.factor) is None
    notes = _notes(indicator, items, used, factors)
    for month in np.flatnonzero(cal.due_days > 0).tolist():
        why = "" if chosen[month] else _why_not(month, used, items, complete, told)
        yield _value(
            month,
            chosen[month] and not lacking,
            value,
            upper,
            lower,
            float(complete[month]),
            float(np.nan_to_num(estimated[month])),
            [why, *notes],
        )
    if indicator.year != "none" and "year" in about.kinds:
        due = cal.due_days
        covered = float(np.sum(np.where(chosen, complete, 0.0) * due) / due.sum())
        n, of = int(chosen.sum()), int((due > 0).sum())
        part = "" if n == of else f"{n} of {of} months told"
        share = float(
            np.nan_to_num(
                np.sum(np.where(chosen, np.nan_to_num(estimated), 0.0) * due)
                / max(np.sum(np.where(chosen, due, 0.0)), 1.0)
            )
        )
        yield _value(
            MONTHS, bool(n) and not lacking, value, upper, lower, covered, share, [part, *notes]
        )


def _amounts(
    series: Sequence[Series], cal: YearCalendar, is_quotient: bool
) -> tuple[list[Floats], Floats, np.ndarray]:
    """Amount of every item by month, known part, and whether all are known."""
    with_days = [s.day for s in series if s.day is not None]
    complete = np.min([s.complete for s in series], axis=0)
    told = np.all([~np.isnan(s.month) for s in series], axis=0)
    if not (is_quotient and with_days):
        return [np.nan_to_num(s.month) for s in series], complete, told
    common = np.all([~np.isnan(day) for day in with_days], axis=0)
    counted = cal.sums(common.astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.nan_to_num(np.minimum(counted / cal.due_days, 1.0))
    reported = [s.complete for s in series if s.day is None]
    complete = np.min([share, *reported], axis=0)
    rows = [
        np.nan_to_num(s.month) if s.day is None else cal.sums(np.where(common, s.day, 0.0))
        for s in series
    ]
    return rows, complete, told & (counted > 0)


def _with_year(row: Floats, item: Series, indicator: Indicator, chosen: np.ndarray) -> Floats:
    """The months and the year of those that are told."""
    mine = row[chosen]
    if indicator.year == "max":
        year = float(mine.max()) if len(mine) else 0.0
    elif item.year is not None and np.array_equal(chosen, ~np.isnan(item.month)):
        year = item.year
    else:
        year = float(mine.sum())
    return np.append(row, year)


def _finished(
    indicator: Indicator, upper: Floats, lower: Floats | None, factors: Factors
) -> Floats:
    if lower is None:
        return upper
    with np.errstate(divide="ignore", invalid="ignore"):
        if indicator.finish is not None:
            return indicator.finish(upper, lower, factors)
        return np.where(lower > 0, upper / lower, np.nan)


def _notes(
    indicator: Indicator, items: Mapping[str, Series], used: Sequence[str], factors: Factors
) -> list[str]:
    rests = [items[key].note for key in used if items[key].note]
    reported = [key for key in used if items[key].is_reported]
    if reported:
        rests.append(f"reported: {', '.join(reported)}")
    named = [indicator.factor, *indicator.notes] if indicator.factor else indicator.notes
    return [indicator.told, *(factors.notes.get(n or "", "") for n in named), *rests]


def _why_not(
    month: int,
    used: Sequence[str],
    items: Mapping[str, Series],
    complete: Floats,
    told: np.ndarray,
) -> str:
    missing = [key for key in used if np.isnan(items[key].month[month])]
    if missing:
        named = dict.fromkeys(MADE_OF.get(key, key) for key in missing)
        return f"not told: {', '.join(named)}"
    if not told[month]:
        return "no day on which all of it is complete"
    return f"only {complete[month]:.0%} of the metered days are complete"


def _value(
    month: int,
    is_told: bool,
    value: Floats,
    upper: Floats,
    lower: Floats | None,
    complete: float,
    estimated: float,
    notes: Sequence[str],
) -> Value:
    said = "; ".join(dict.fromkeys(n for n in notes if n))
    if not is_told:
        return Value(month, None, None, None, complete, estimated, said)
    return Value(
        month,
        float(value[month]) if np.isfinite(value[month]) else None,
        float(upper[month]),
        None if lower is None else float(lower[month]),
        complete,
        estimated,
        said,
    )
