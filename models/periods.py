"""Half-open time ranges, 15-minute buckets in UTC, days and months cut in the park's zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

BUCKET = timedelta(minutes=15)
BUCKET_S = 900

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


class Clock(Protocol):
    """Where the time comes from; only `app` makes one."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...


@dataclass(frozen=True, order=True)
class Period:
    """`[start, stop)` of two aware instants."""

    start: datetime
    stop: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.stop.tzinfo is None:
            msg = f"period {self.start}..{self.stop}: both ends need a time zone"
            raise ValueError(msg)
        if self.start > self.stop:
            msg = f"period {self.start}..{self.stop}: starts after it stops"
            raise ValueError(msg)


def to_us(at: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (at - _EPOCH) // _US


def from_us(at_us: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return _EPOCH + at_us * _US


def from_s(at_s: float) -> datetime:
    """The aware UTC time of seconds since 1970."""
    return datetime.fromtimestamp(at_s, UTC)


def sole_instant(at: datetime, zone: ZoneInfo) -> datetime | None:
    """The aware time of a local time; None where the zone skips it or has it twice."""
    first, second = (at.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return first if first.utcoffset() == second.utcoffset() else None


@lru_cache(maxsize=8192)
def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Local midnight at which `day` begins, as UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_period(day: date, zone: ZoneInfo) -> Period:
    """The local day; 23 or 25 hours long where the clocks change."""
    return Period(day_start(day, zone), day_start(day + timedelta(days=1), zone))


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Local calendar day of an instant."""
    return instant.astimezone(zone).date()


@lru_cache(maxsize=8192)
def buckets_in_day(day: date, zone: ZoneInfo) -> int:
    """Number of 15-minute buckets of the local day: 96, or 92 and 100 at clock changes."""
    period = day_period(day, zone)
    return round((period.stop - period.start) / BUCKET)


def days(first: date, stop: date) -> Iterator[date]:
    """Calendar days of `[first, stop)`."""
    for offset in range((stop - first).days):
        yield first + timedelta(days=offset)


def month_start(day: date) -> date:
    """First day of the month of `day`."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """First day of the month after that of `day`."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
