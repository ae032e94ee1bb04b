"""Quarter-hours, hours, days and months for output: gaps made visible, sums of what was known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from models.periods import (
    BUCKET,
    buckets_in_day,
    day_start,
    days,
    local_day,
    next_month,
)

Row = dict[str, Any]
_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)


class By(StrEnum):
    """Length of the periods that are shown."""

    quarter = "quarter"
    hour = "hour"
    day = "day"
    month = "month"


@dataclass(frozen=True)
class Asked:
    """What of which time is asked for."""

    start: datetime
    stop: datetime
    as_of: datetime | None
    by: By
    missing: bool

    @property
    def table(self) -> Literal["hour", "day", "month"]:
        """Roll-up that has the periods."""
        return cast("Literal['hour', 'day', 'month']", self.by.value)


def bounds(asked: Asked, zone: ZoneInfo) -> tuple[date, date]:
    """The range for periods that begin in it: instants for hours, else local days."""
    if asked.by is By.hour:
        return asked.start, asked.stop
    return _day_after(asked.start, zone), _day_after(asked.stop, zone)


def _day_after(at: datetime, zone: ZoneInfo) -> date:
    """First local day that begins at or after an instant."""
    day = local_day(at, zone)
    return day if day_start(day, zone) == at else day + timedelta(days=1)


def with_missing(
    rows: Iterable[Row], span: tuple[datetime, datetime] | None, start: datetime, stop: datetime
) -> Iterator[Row]:
    """The rows, and one of quality `missing` for each absent quarter-hour of the span."""
    first, last = (max(span[0], start), min(span[1], stop)) if span else (stop, stop)
    at = first + (_ORIGIN - first) % BUCKET
    for row in rows:
        while at < min(row["bucket_start"], last):
            yield {"bucket_start": at, "quality": "missing"}
            at += BUCKET
        yield row
        at = max(at, row["bucket_start"] + BUCKET)
    while at < last:
        yield {"bucket_start": at, "quality": "missing"}
        at += BUCKET


def period_of(by: By, zone: ZoneInfo) -> Callable[[datetime], datetime | date]:
    """Function from a quarter-hour to its period: start of the hour, local day, first of month."""
    if by is By.hour:
        return lambda at: at - timedelta(minutes=at.astimezone(zone).minute)
    if by is By.day:
        return lambda at: local_day(at, zone)
    return lambda at: local_day(at, zone).replace(day=1)


def expected_buckets(period: datetime | date, by: By, zone: ZoneInfo, since: date | None) -> int:
    """Quarter-hours of a period for a channel in service from `since` on; None: always."""
    if isinstance(period, datetime):
        inside = period_of(By.hour, zone)
        count = sum(inside(period + n * BUCKET) == period for n in range(8))
        return 0 if since and local_day(period, zone) < since else count
    stop = next_month(period) if by is By.month else period + timedelta(days=1)
    return sum(buckets_in_day(d, zone) for d in days(max(period, since or period), stop))


def rolled_up(rows: Iterable[Row], by: By, kind: str, zone: ZoneInfo) -> Iterator[Row]:
    """Quarter-hours in time order to periods, as the roll-up tables have them."""
    if by is By.month:
        for month, group in groupby(rolled_up(rows, By.day, kind, zone), _month):
            yield _period(list(group), month, by, kind, zone)
        return
    cut = period_of(by, zone)
    for period, group in groupby(rows, lambda row: cut(row["bucket_start"])):
        yield _period([_single(row) for row in group], period, by, kind, zone)


def _month(part: Row) -> date:
    day: date = part["period"]
    return day.replace(day=1)


def _single(row: Row) -> Row:
    out: Row = {n: row[n] for n in ("value", "low", "high", "last")} | {"buckets": 1}
    for quality in ("estimated", "edited"):
        is_it = row["quality"] == quality
        out |= {f"{quality}_buckets": int(is_it), f"{quality}_value": row["value"] * is_it}
    return out


def _period(
    parts: Sequence[Row], period: datetime | date, by: By, kind: str, zone: ZoneInfo
) -> Row:
    """Parts in time order to one period: sums, of a state means weighted by quarter-hours."""
    count = sum(part["buckets"] for part in parts)
    whole = expected_buckets(period, by, zone, None)
    out: Row = {
        "period": period,
        "buckets": count,
        "expected_buckets": count if kind == "batch" else whole,
        "low": min((p["low"] for p in parts if p["low"] is not None), default=None),
        "high": max((p["high"] for p in parts if p["high"] is not None), default=None),
        "last": parts[-1]["last"],
    }
    for name in ("value", "estimated_value", "edited_value"):
        if kind == "gauge":
            out[name] = total(p[name] * p["buckets"] for p in parts) / count
        else:
            out[name] = total(p[name] for p in parts)
    for name in ("estimated_buckets", "edited_buckets"):
        out[name] = sum(part[name] for part in parts)
    return out


def total(values: Iterable[float]) -> float:
    """Plain sum in order, to the bit what PostgreSQL's `sum(... ORDER BY ...)` is."""
    out = 0.0
    for value in values:
        out += value
    return out


def finished(row: Row, zone: ZoneInfo) -> Row:
    """A period with its start as an instant and its ratios."""
    period = row["period"]
    at = period if isinstance(period, datetime) else day_start(period, zone)
    expected = row["expected_buckets"]
    label = at.astimezone(zone).isoformat() if isinstance(period, datetime) else str(period)
    return row | {
        "bucket_start": at,
        "period": label,
        "completeness_ratio": min(row["buckets"] / expected, 1.0) if expected else None,
        "estimated_ratio": _share(row, "estimated"),
        "edited_ratio": _share(row, "edited"),
    }


def _share(row: Row, quality: str) -> float:
    """Part of the amount; where there is none, or of a state, part of the quarter-hours."""
    if row["value"] and row.get("last") is None:
        return float(row[f"{quality}_value"] / row["value"])
    return float(row.get(f"{quality}_buckets", 0) / row["buckets"])
