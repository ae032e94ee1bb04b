"""One channel as days x quarter-hours, for checks that compare days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from analytics.metering.buckets import Bools, Codes, Floats, Starts, noticed
from analytics.metering.likedays import day_kinds
from models.findings import Finding, Severity
from models.periods import BUCKET_S, day_start

Ints = npt.NDArray[np.int64]

MOST_BUCKETS = 100
SLOTS = 96
MISSING, MEASURED, ESTIMATED, EDITED = range(4)
LIKE_WITHIN_DAYS = 14
"""Like days are looked for this far back; for the check alone, estimates look further."""


@dataclass(frozen=True)
class Grid:
    """Consecutive local days.

    Attributes:
        edge_s: epoch seconds of the midnights, one more than days.
        kinds: working, weekend or holiday, per day.
        odd: local quarter-hour of the day per bucket, for days that do not have 96.
    """

    first: date
    edge_s: Starts
    kinds: npt.NDArray[np.str_]
    odd: Mapping[int, Ints]

    def __len__(self) -> int:
        return len(self.edge_s) - 1

    @cached_property
    def expected(self) -> Ints:
        """Quarter-hours of each day."""
        return np.diff(self.edge_s) // BUCKET_S

    def row(self, day: date) -> int:
        """Number of a day; may lie outside."""
        return (day - self.first).days

    def day(self, row: int) -> date:
        """The day of a number."""
        return self.first + timedelta(days=row)

    def place(self, at_s: Floats | Starts) -> tuple[Ints, Ints]:
        """Row and column of instants; rows -1 and len(self) lie outside."""
        row = np.searchsorted(self.edge_s, at_s, side="right") - 1
        start_s = self.edge_s[np.clip(row, 0, len(self) - 1)]
        return row.astype(np.int64), ((at_s - start_s) // BUCKET_S).astype(np.int64)


@lru_cache(maxsize=256)
def grid(first: date, stop: date, zone: ZoneInfo, country: str) -> Grid:
    """The days of `[first, stop)`."""
    days = [first + timedelta(days=n) for n in range((stop - first).days)]
    edges = [int(day_start(d, zone).timestamp()) for d in [*days, stop]]
    edge_s = np.array(edges, dtype=np.int64)
    odd = {
        int(n): _wall_slots(edges[n], edges[n + 1], zone)
        for n in np.flatnonzero(np.diff(edge_s) != SLOTS * BUCKET_S)
    }
    return Grid(first, edge_s, np.array(day_kinds(days, country), dtype=np.str_), odd)


def _wall_slots(start_s: int, stop_s: int, zone: ZoneInfo) -> Ints:
    local = [datetime.fromtimestamp(s, UTC).astimezone(zone) for s in range(start_s, stop_s, 900)]
    return np.array([at.hour * 4 + at.minute // 15 for at in local], dtype=np.int64)


@dataclass(frozen=True)
class Days:
    """Values of one channel on a grid.

    Attributes:
        value: (days, 100) amounts or means, canonical unit; NaN where missing.
        quality: MISSING, MEASURED, ESTIMATED or EDITED.
        checked: rows to check; half-open.
        suffix: of names that carry the unit, e.g. `_kwh`.
        step: amount of one step of the register per day, canonical unit; 0: not known.
        varies: the weather or the market rule the channel: days are not alike.
        idle: a day without anything is nothing special.
        still: the value did not move: no amount, or the same state as in the bucket before.
    """

    grid: Grid
    value: Floats
    quality: Codes
    checked: tuple[int, int]
    suffix: str
    step: Floats
    varies: bool = False
    idle: bool = False
    still: Bools | None = None

    @cached_property
    def present(self) -> Bools:
        """Where there is a value."""
        return np.not_equal(self.quality, MISSING)

    @cached_property
    def count(self) -> Ints:
        """Quarter-hours with a value, per day."""
        return np.asarray(self.present.sum(axis=1), dtype=np.int64)

    @cached_property
    def total(self) -> Floats:
        """Sum of the values, per day."""
        return np.asarray(np.where(self.present, self.value, 0.0).sum(axis=1))

    @cached_property
    def complete(self) -> Bools:
        """Days without a missing quarter-hour."""
        return np.equal(self.count, self.grid.expected)

    @cached_property
    def rows(self) -> range:
        """The checked rows."""
        return range(*self.checked)

    @cached_property
    def wall(self) -> Floats:
        """(days, 96) values by local time; an hour that comes twice is taken once."""
        return np.asarray(by_local_time(self.grid, self.value, np.nan))

    def start_s(self, row: int, column: int = 0) -> int:
        """Start of a quarter-hour."""
        return int(self.grid.edge_s[row]) + column * BUCKET_S

    def named(self, **values: float) -> dict[str, float]:
        """Amounts with their unit in the name."""
        return {f"{name}{self.suffix}": float(value) for name, value in values.items()}

    def of_day(
        self, row: int, code: str, severity: Severity, evidence: Mapping[str, Any]
    ) -> Finding:
        """A finding about a whole day."""
        return noticed(code, severity, self.start_s(row), self.start_s(row + 1), evidence)


def by_local_time(days: Grid, values: Any, empty: Any) -> Any:
    """(days, 100) to (days, 96) by local time: the first of two, `empty` where it is skipped."""
    out = values[:, :SLOTS].copy()
    for row, slots in days.odd.items():
        out[row] = empty
        out[row, slots[::-1]] = values[row, : len(slots)][::-1]
    return out


def table(days: Grid, start_s: Starts, values: Any, empty: float | bool) -> Any:
    """Values by bucket as (days, 100); those outside the grid are left out."""
    row, column = days.place(start_s)
    inside = (row >= 0) & (row < len(days))
    out = np.full((len(days), MOST_BUCKETS), empty, dtype=values.dtype)
    out[row[inside], column[inside]] = values[inside]
    return out


def like_rows(days: Days, most: int, skip: int = 0) -> Ints:
    """The latest complete days of the same kind before each day; -1 where there are too few.

    Args:
        skip: this many days right before are left out.

    Returns:
        (days, most) row numbers, latest first.
    """
    n, kinds, complete = len(days.grid), days.grid.kinds, days.complete
    found = np.full((n, most), -1, dtype=np.int64)
    have = np.zeros(n, dtype=np.int64)
    for lag in range(1 + skip, LIKE_WITHIN_DAYS + 1):
        if lag >= n:
            break
        rows = lag + np.flatnonzero((kinds[lag:] == kinds[:-lag]) & complete[:-lag])
        rows = rows[have[rows] < most]
        found[rows, have[rows]] = rows - lag
        have[rows] += 1
    return found


def like_range(days: Days, value: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest value of the complete days of the same kind in the two weeks before."""
    n, kinds = len(days.grid), days.grid.kinds
    lowest, highest = np.full(n, np.inf), np.full(n, -np.inf)
    known = np.where(days.complete, value, np.nan)
    for lag in range(1, min(n, LIKE_WITHIN_DAYS + 1)):
        before = np.where(kinds[lag:] == kinds[:-lag], known[:-lag], np.nan)
        lowest[lag:] = np.fmin(lowest[lag:], before)
        highest[lag:] = np.fmax(highest[lag:], before)
    return lowest, highest
