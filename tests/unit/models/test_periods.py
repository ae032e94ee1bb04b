"""Days, months and buckets around changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.periods import (
    BUCKET,
    Period,
    buckets_in_day,
    day_period,
    day_start,
    days,
    local_day,
    month_start,
    next_month,
)

ROME, SHANGHAI, NEPAL = (ZoneInfo(n) for n in ("Europe/Rome", "Asia/Shanghai", "Asia/Kathmandu"))


@pytest.mark.parametrize(
    ("day", "zone", "buckets"),
    [
        # Italy 2026: clocks go 02:00 -> 03:00 on 29 March and 03:00 -> 02:00 on 25 October
        pytest.param(date(2026, 3, 28), ROME, 96, id="before-summer-time"),
        pytest.param(date(2026, 3, 29), ROME, 92, id="23-hours"),
        pytest.param(date(2026, 10, 25), ROME, 100, id="25-hours"),
        pytest.param(date(2026, 10, 26), ROME, 96, id="after-summer-time"),
        pytest.param(date(2026, 3, 29), SHANGHAI, 96, id="no-summer-time"),
        pytest.param(date(1990, 9, 16), SHANGHAI, 100, id="China-had-it-until-1991"),
        pytest.param(date(2026, 1, 1), NEPAL, 96, id="offset-of-5-h-45"),
    ],
)
def test_buckets_in_day(day: date, zone: ZoneInfo, buckets: int) -> None:
    assert buckets_in_day(day, zone) == buckets
    period = day_period(day, zone)
    assert (period.stop - period.start) / BUCKET == buckets


def test_local_midnight_in_utc() -> None:
    assert day_start(date(2026, 1, 1), SHANGHAI) == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert day_start(date(2026, 3, 29), ROME) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert day_start(date(2026, 3, 30), ROME) == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_the_day_of_an_instant_is_half_open() -> None:
    midnight = day_start(date(2026, 10, 26), ROME)
    assert local_day(midnight, ROME) == date(2026, 10, 26)
    assert local_day(midnight - timedelta(microseconds=1), ROME) == date(2026, 10, 25)


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2026, 1, 31), date(2026, 2, 1)),
        (date(2026, 12, 1), date(2027, 1, 1)),
        (date(2028, 2, 29), date(2028, 3, 1)),
    ],
)
def test_months(day: date, following: date) -> None:
    assert month_start(day) == day.replace(day=1)
    assert next_month(day) == following


def test_days_are_half_open() -> None:
    assert list(days(date(2026, 2, 27), date(2026, 3, 2))) == [
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]
    assert list(days(date(2026, 2, 27), date(2026, 2, 27))) == []


def test_period_refuses_nonsense() -> None:
    aware = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="need a time zone"):
        Period(aware, aware.replace(tzinfo=None))
    with pytest.raises(ValueError, match="starts after it stops"):
        Period(aware + BUCKET, aware)
    assert Period(aware, aware).start == aware
