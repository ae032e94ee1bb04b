"""Windows of local days to indicator values of green power."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np

from analytics.green.balance import METERED_COLUMNS
from analytics.green.catalogue import GREEN_INDICATORS, Factors, GreenIndicator
from analytics.green.shares import Amounts, Windows
from analytics.green.supply import Floats
from models.co2_factors import factor_of
from models.indicators import IndicatorValue, PeriodKind
from models.park import Park
from models.periods import BUCKET, buckets_in_day, day_start, days, month_start, next_month

Window = tuple[PeriodKind, date, date]
_ROLLING: tuple[tuple[PeriodKind, int], ...] = (("rolling_30d", 30), ("rolling_12m", 365))


def windows_of(year: int, from_day: date, last: date) -> list[Window]:
    """Windows that a change on or after `from_day` touches and that end in `year`.

    Args:
        last: last day that is looked at; ytd and rolling windows end with each day by then.
    """
    begin, end = date(year, 1, 1), date(year + 1, 1, 1)
    low, stop = max(from_day, begin), min(last + timedelta(days=1), end)
    out: list[Window] = []
    for day in days(low, stop):
        until = day + timedelta(days=1)
        out.append(("ytd", begin, until))
        out += [(kind, until - timedelta(days=width), until) for kind, width in _ROLLING]
    month = month_start(low)
    while month < stop:
        out.append(("month", month, next_month(month)))
        month = next_month(month)
    return [*out, ("year", begin, end)] if low < stop else out


class Calendar:
    """Quarter-hours that are due by the end of each local day, seen from one instant."""

    def __init__(self, park: Park, first: date, now: datetime) -> None:
        self._park, self.now = park, now
        self._first = max(first, park.data_from) if park.data_from else first

    @cached_property
    def _running(self) -> tuple[int, Floats]:
        """Ordinal of the first day, and the quarter-hours due before each day."""
        zone, due = self._park.zone, [0.0]
        day = self._first
        while (start := day_start(day, zone)) <= self.now:
            whole = buckets_in_day(day, zone)
            due.append(due[-1] + min(whole, (self.now - start) // BUCKET))
            day += timedelta(days=1)
        return self._first.toordinal(), np.array(due)

    def due(self, windows: Windows) -> Floats:
        """Quarter-hours of one subject that are due in each window."""
        origin, running = self._running
        last = len(running) - 1
        low, high = (np.clip(w - origin, 0, last) for w in (windows.start, windows.stop))
        return running[high] - running[low]

    def is_over(self, stop: date) -> bool:
        """True when the day before `stop` has ended."""
        return day_start(stop, self._park.zone) <= self.now


def factors_of(park: Park, year: int) -> Factors:
    """Published figures that hold for a year, and what they rest on."""
    green = park.green
    location, market = (factor_of(s, year) for s in (green.location_factor, green.market_factor))
    allocation, cfe = green.in_year("allocation", year), green.in_year("grid_cfe", year)
    told = {
        "allocation_ratio": allocation and f"k {allocation.ratio}: {allocation.source}",
        "grid_cfe_ratio": cfe and f"grid {cfe.ratio} carbon-free: {cfe.source}",
        "location_kg_per_kwh": location and location.note,
        "market_kg_per_kwh": market and market.note,
    }
    return Factors(
        allocation.ratio if allocation else None,
        cfe.ratio if cfe else None,
        location.kg_per_kwh if location else None,
        market.kg_per_kwh if market else None,
        {name: note or f"{name} of {year} is not set" for name, note in told.items()},
    )


@dataclass(frozen=True)
class Subject:
    """An enterprise, the park, or any set of them; sums over its windows.

    Attributes:
        members: how many enterprises' balances are due.
        settled_until: first day after the last month whose claims are known; None: has no claims.
        only_plants: nobody of it uses energy; only what its plants tell applies.
    """

    enterprise_id: int | None
    amounts: Amounts
    members: int
    settled_until: date | None
    only_plants: bool = False


def green_values(
    subject: Subject,
    windows: Sequence[Window],
    calendar: Calendar,
    factors: Factors,
    indicators: Sequence[GreenIndicator] = GREEN_INDICATORS,
) -> Iterator[IndicatorValue]:
    """Every indicator that applies to the subject, for each window of its kinds."""
    ranges = Windows.of([(start, stop) for _, start, stop in windows])
    a = subject.amounts
    with np.errstate(divide="ignore", invalid="ignore"):
        complete = a["buckets"] / np.maximum(calendar.due(ranges) * subject.members, 1)
        metered = np.sum([a[n] for n in METERED_COLUMNS], axis=0)
        estimated = np.nan_to_num(a["estimated_kwh"] / metered)
    shared = _Shared(
        np.minimum(complete, 1.0).tolist(),
        np.clip(estimated, 0.0, 1.0).tolist(),
        (a["buckets"] > 0).tolist(),
    )
    for indicator in indicators:
        if indicator.only_with is None and subject.only_plants:
            continue
        if indicator.only_with is not None and not np.any(a.get(indicator.only_with, 0.0)):
            continue
        yield from _values(indicator, subject, windows, shared, calendar, factors)


@dataclass(frozen=True)
class _Shared:
    complete: list[float]
    estimated: list[float]
    has_data: list[bool]


def _values(
    indicator: GreenIndicator,
    subject: Subject,
    windows: Sequence[Window],
    shared: _Shared,
    calendar: Calendar,
    factors: Factors,
) -> Iterator[IndicatorValue]:
    upper, lower = indicator.formula(subject.amounts, factors)
    numerators = upper.tolist()
    denominators = lower.tolist() if lower is not None else [None] * len(windows)
    needs = indicator.needs
    unknown = needs is not None and getattr(factors, needs) is None
    note = factors.notes.get(needs) if needs is not None else None
    for n, (kind, start, stop) in enumerate(windows):
        if kind not in indicator.kinds or not shared.has_data[n]:
            continue
        numerator, denominator = numerators[n], denominators[n]
        value = numerator
        if unknown or (denominator is not None and denominator <= 0):
            value = None
        elif denominator is not None:
            value = numerator / denominator
        settled = subject.settled_until is None or stop <= subject.settled_until
        final = calendar.is_over(stop) and (settled or not indicator.uses_claims)
        yield IndicatorValue(
            indicator.key,
            subject.enterprise_id,
            kind,
            start,
            stop,
            value,
            None if unknown else numerator,
            denominator,
            indicator.unit,
            shared.complete[n],
            shared.estimated[n],
            "final" if final else "provisional",
            note,
        )
