"""The shape of a long gap: what the channel did on the latest days of the same kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import holidays
import numpy as np

from analytics.metering.buckets import Floats, Starts
from models.periods import BUCKET_S, day_start


def day_kinds(days: Sequence[date], country: str) -> list[str]:
    """`working`, `weekend` or `holiday` for each day.

    A weekend day that the country declared a working day (调休) is working.

    Args:
        country: ISO 3166 code.

    Source: working days, holidays and make-up days of the library `holidays`; a year that the
        government has not announced yet has its statutory holidays without make-up days.
    """
    return [_kind(day, country) for day in days]


@lru_cache(maxsize=8192)
def _kind(day: date, country: str) -> str:
    known = _calendar(country)
    if known.is_working_day(day):
        return "working"
    return "holiday" if day in known else "weekend"


@cache
def _calendar(country: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country)


def look_back_start(start_s: float, zone: ZoneInfo, within: int) -> float:
    """First instant [epoch s] whose values can shape a gap that begins at `start_s`."""
    day = datetime.fromtimestamp(start_s, zone).date()
    return day_start(day - timedelta(days=within), zone).timestamp()


def gap_weights(
    start_s: float,
    stop_s: float,
    measured: tuple[Starts, Floats],
    zone: ZoneInfo,
    country: str,
    most: int = 3,
    within: int = 42,
) -> Floats | None:
    """Relative amounts of the quarter-hours from that of `start_s` to that of `stop_s`.

    Each local day of the gap takes the mean of the `most` latest days of its kind that lie before
    the gap, at most `within` days back, and were measured at all the local times that the gap
    takes from this day; without any, of the latest days of other kinds.

    Args:
        measured: starts [epoch s] and amounts of measured quarter-hours, ascending.

    Returns:
        One weight per quarter-hour, or None if some day has no example or all examples are zero.

    Source: domain facts 7.2, "estimate > 2 h": mean of the 3 latest like days.
    """
    first = int(start_s // BUCKET_S) * BUCKET_S
    gap = np.arange(first, int(-(stop_s // -BUCKET_S)) * BUCKET_S, BUCKET_S)
    gap_days, gap_times = _local(gap, zone)
    first_day = gap_days[0]
    table = _days_before(measured, zone, first_day, within)
    examples = sorted(table, reverse=True)
    kinds = dict(zip(examples, day_kinds(examples, country), strict=True))
    weights = np.zeros(len(gap))
    for day in sorted(set(gap_days)):
        mine = [n for n, d in enumerate(gap_days) if d == day]
        times = [gap_times[n] for n in mine]
        full = [d for d in examples if all(t in table[d] for t in times)]
        kind = day_kinds([day], country)[0]
        chosen = ([d for d in full if kinds[d] == kind] or full)[:most]
        if not chosen:
            return None
        weights[mine] = [sum(table[d][t] for d in chosen) / len(chosen) for t in times]
    return weights if weights.sum() > 0 else None


def _days_before(
    measured: tuple[Starts, Floats], zone: ZoneInfo, first_day: date, within: int
) -> dict[date, dict[tuple[int, int], float]]:
    """Amounts by local time of the days of `[first_day - within, first_day)`."""
    earliest = first_day - timedelta(days=within)
    low, high = (day_start(d, zone).timestamp() for d in (earliest, first_day))
    starts, values = measured
    inside = slice(*np.searchsorted(starts, [low, high]))
    table: dict[date, dict[tuple[int, int], float]] = {}
    days, times = _local(starts[inside], zone)
    for day, time, value in zip(days, times, values[inside].tolist(), strict=True):
        table.setdefault(day, {})[time] = value
    return table


def _local(starts: Starts, zone: ZoneInfo) -> tuple[list[date], list[tuple[int, int]]]:
    """Local day and time of day; the hour that a clock change repeats has its time twice."""
    found = [_slot(s, zone) for s in starts.tolist()]
    return [day for day, _ in found], [time for _, time in found]


@lru_cache(maxsize=500_000)
def _slot(start_s: int, zone: ZoneInfo) -> tuple[date, tuple[int, int]]:
    moment = datetime.fromtimestamp(start_s, UTC).astimezone(zone)
    return moment.date(), (moment.hour, moment.minute)
