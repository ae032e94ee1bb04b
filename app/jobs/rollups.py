"""Stale days to hours, days and months of channels, and their sums per role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from analytics.metering.rollups import Rolled
from analytics.metering.rollups import roll_up as roll_up_periods
from models.periods import (
    BUCKET,
    BUCKET_S,
    day_period,
    days,
    month_start,
    next_month,
    to_us,
)
from storage.binary import PG_EPOCH_US, pg_days
from storage.db import Conn
from storage.rollups import (
    DAYS,
    HOURS,
    Made,
    Quarters,
    Staged,
    channel_kinds,
    read_quarters,
    stage_days,
    sum_up,
    write,
)

Array = npt.NDArray[Any]
_BUCKET_US = BUCKET_S * 1_000_000
_MOST_QUARTERS, _MOST_HOURS = 104, 27  # the longest local day that clocks make has 25 hours


@dataclass(frozen=True)
class _Cut:
    """One local day: times in microseconds since 2000, the hour of each quarter-hour."""

    start: int
    stop: int
    buckets: int
    even: bool
    hour_of: Array
    hour_start: Array
    hour_buckets: Array


def roll_up(conn: Conn, stale: Sequence[tuple[int, date]], zones: Mapping[int, ZoneInfo]) -> None:
    """Make hours, days, months and role sums of (channel, local day) pairs anew.

    Only rows that change are written; rows whose quarter-hours vanished are deleted. The pairs go
    on the work list of the validation job. Needs a transaction.

    Args:
        zones: zone of every park by its number.
    """
    kinds = channel_kinds(conn)
    work = sorted(pair for pair in stale if pair[0] in kinds)
    if not work:
        return
    cuts = [_cut(day, zones[kinds[channel][1]]) for channel, day in work]
    staged = Staged(
        np.array([channel for channel, _ in work], dtype=np.int32),
        pg_days(day for _, day in work),
        np.array([c.start for c in cuts]),
        np.array([c.stop for c in cuts]),
        np.array([kinds[channel][0] == "gauge" for channel, _ in work]),
    )
    stage_days(conn, staged, _calendar({day for _, day in work}, zones))
    is_batch = np.array([kinds[channel][0] == "batch" for channel, _ in work])
    parts = [_made(read_quarters(conn, gauges=g), staged, cuts, is_batch) for g in (False, True)]
    write(conn, HOURS, [hours for part in parts for hours, _ in part])
    write(conn, DAYS, [day for part in parts for _, day in part])
    sum_up(conn)


def _made(
    read: Quarters, staged: Staged, cuts: Sequence[_Cut], is_batch: Array
) -> list[tuple[Made, Made]]:
    """Hours and days of quarter-hours; nothing of nothing."""
    if not len(read.item):
        return []
    item, table = read.item, _table(cuts)
    number = table["number"]
    slot = table["hour_of"][number[item], (read.at - staged.start[item]) // _BUCKET_US]
    hour = roll_up_periods(item * _MOST_HOURS + slot, read.value, read.quality, read.extremes)
    day = roll_up_periods(item, read.value, read.quality, read.extremes)
    in_hour, in_day = item[hour.first], item[day.first]
    place = number[in_hour], slot[hour.first]
    of_hour = np.where(is_batch[in_hour], hour.buckets, table["hour_buckets"][place])
    of_day = np.where(is_batch[in_day], day.buckets, table["buckets"][number[in_day]])
    return [
        (
            _rows(hour, in_hour, staged, table["hour_start"][place], of_hour),
            _rows(day, in_day, staged, staged.day[in_day], of_day),
        )
    ]


def _rows(rolled: Rolled, item: Array, staged: Staged, start: Array, expected: Array) -> Made:
    return Made(
        item,
        staged.channel[item],
        start,
        (
            rolled.buckets.astype(np.int16),
            expected.astype(np.int16),
            rolled.value,
            rolled.estimated_buckets.astype(np.int16),
            rolled.estimated_value,
            rolled.edited_buckets.astype(np.int16),
            rolled.edited_value,
            *(rolled.extremes or ()),
        ),
        rolled.extremes is not None,
    )


def _table(cuts: Sequence[_Cut]) -> dict[str, Array]:
    """The cuts by number, and the number of each staged day."""
    numbers: dict[int, int] = {}
    number = [numbers.setdefault(id(cut), len(numbers)) for cut in cuts]
    unique = list({id(cut): cut for cut in cuts}.values())
    out = {
        name: np.stack([getattr(c, name) for c in unique])
        for name in ("hour_of", "hour_start", "hour_buckets")
    }
    out["buckets"] = np.array([c.buckets for c in unique])
    out["number"] = np.array(number)
    return out


def _calendar(wanted: set[date], zones: Mapping[int, ZoneInfo]) -> list[Array]:
    months = sorted({month_start(day) for day in wanted})
    rows = [
        (park_id, day, _cut(day, zone))
        for park_id, zone in zones.items()
        for month in months
        for day in days(month, next_month(month))
    ]
    cuts = [cut for _, _, cut in rows]
    return [
        np.array([park_id for park_id, _, _ in rows], dtype=np.int16),
        pg_days(day for _, day, _ in rows),
        np.array([c.start for c in cuts]),
        np.array([c.stop for c in cuts]),
        np.array([c.buckets for c in cuts], dtype=np.int16),
        np.array([c.even for c in cuts]),
    ]


@lru_cache(maxsize=4096)
def _cut(day: date, zone: ZoneInfo) -> _Cut:
    """The local day and its hours; an hour begins where the local clock shows a full one."""
    period = day_period(day, zone)
    count = round((period.stop - period.start) / BUCKET)
    start = to_us(period.start) - PG_EPOCH_US
    hours: dict[datetime, int] = {}
    slots = [0] * _MOST_QUARTERS
    tally = [0] * _MOST_HOURS
    for n in range(count):
        at = period.start + n * BUCKET
        hour = at - timedelta(minutes=at.astimezone(zone).minute)
        slots[n] = hours.setdefault(hour, len(hours))
        tally[slots[n]] += 1
    starts = [to_us(hour) - PG_EPOCH_US for hour in hours] + [0] * (_MOST_HOURS - len(hours))
    return _Cut(
        start,
        to_us(period.stop) - PG_EPOCH_US,
        count,
        all(n == 4 for n in tally[: len(hours)]) and count % 4 == 0,
        np.array(slots),
        np.array(starts),
        np.array(tally),
    )
