"""The shape of long gaps, by hand: which days are alike, and what a gap takes from them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.metering.likedays import day_kinds, gap_weights, look_back_start

SHANGHAI = ZoneInfo("Asia/Shanghai")
ROME = ZoneInfo("Europe/Rome")


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        pytest.param(date(2026, 3, 4), "working", id="wednesday"),
        pytest.param(date(2026, 3, 7), "weekend", id="saturday"),
        pytest.param(date(2026, 2, 17), "holiday", id="spring-festival"),
        pytest.param(date(2026, 2, 28), "working", id="saturday-made-up-for"),
        pytest.param(date(2026, 10, 3), "holiday", id="national-day-on-a-saturday"),
        pytest.param(date(2026, 10, 10), "working", id="saturday-after-national-day"),
    ],
)
def test_kinds_of_days_in_china(day: date, kind: str) -> None:
    # announcement of the State Council for 2026 (国办发明电): make-up days among others
    # 14 and 28 February, 10 October
    assert day_kinds([day], "CN") == [kind]


def test_another_country_has_other_holidays() -> None:
    assert day_kinds([date(2024, 12, 25)], "NL") == ["holiday"]
    assert day_kinds([date(2024, 12, 25)], "CN") == ["working"]


def _series(days: dict[date, float], zone: ZoneInfo = SHANGHAI) -> tuple[np.ndarray, np.ndarray]:
    """Every quarter-hour of the days, amount = level + hour."""
    start, value = [], []
    for day in sorted(days):
        moment = datetime.combine(day, datetime.min.time(), zone).timestamp()
        stop = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone).timestamp()
        while moment < stop:
            start.append(int(moment))
            value.append(days[day] + datetime.fromtimestamp(moment, zone).hour)
            moment += 900
    return np.array(start, dtype=np.int64), np.array(value)


def _at(day: date, hour: int, minute: int = 0, zone: ZoneInfo = SHANGHAI) -> float:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).timestamp()


def test_mean_of_the_three_latest_working_days() -> None:
    # gap on Tuesday 10 March 2026, 10:00 to 13:00; before it: Mon 9, (Sat 7, Sun 8), Fri 6, Thu 5,
    # Wed 4. Mean of 9, 6 and 5 March: level (100 + 200 + 300) / 3 = 200; Wednesday is a fourth.
    levels = {
        date(2026, 3, 4): 9000.0,
        date(2026, 3, 5): 300.0,
        date(2026, 3, 6): 200.0,
        date(2026, 3, 7): 5000.0,
        date(2026, 3, 8): 5000.0,
        date(2026, 3, 9): 100.0,
    }
    day = date(2026, 3, 10)
    got = gap_weights(_at(day, 10), _at(day, 13), _series(levels), SHANGHAI, "CN")
    assert got is not None
    assert got.tolist() == [210.0] * 4 + [211.0] * 4 + [212.0] * 4


def test_a_make_up_saturday_takes_working_days() -> None:
    # Saturday 28 February 2026 works; the Sunday before it does not count
    levels = {date(2026, 2, 26): 50.0, date(2026, 2, 27): 70.0, date(2026, 2, 22): 9000.0}
    day = date(2026, 2, 28)
    got = gap_weights(_at(day, 0), _at(day, 2, 30), _series(levels), SHANGHAI, "CN")
    assert got is not None
    assert got.tolist() == [60.0] * 4 + [61.0] * 4 + [62.0] * 2


def test_partial_buckets_at_both_ends_have_a_weight() -> None:
    day = date(2026, 3, 10)
    levels = {date(2026, 3, 9): 0.0}
    got = gap_weights(_at(day, 9, 50), _at(day, 12, 5), _series(levels), SHANGHAI, "CN")
    assert got is not None
    assert got.tolist() == [9.0] + [10.0] * 4 + [11.0] * 4 + [12.0]


def test_days_without_the_needed_quarter_hours_do_not_count() -> None:
    day = date(2026, 3, 10)
    start, value = _series({date(2026, 3, 6): 10.0, date(2026, 3, 9): 90.0})
    hole = start != _at(date(2026, 3, 9), 11, 30)
    got = gap_weights(_at(day, 11), _at(day, 14), (start[hole], value[hole]), SHANGHAI, "CN")
    assert got is not None
    assert got[0] == 21.0
    assert gap_weights(_at(day, 14), _at(day, 17), (start[hole], value[hole]), SHANGHAI, "CN")[
        0
    ] == pytest.approx((24 + 104) / 2)


def test_without_a_day_of_the_kind_other_days_serve() -> None:
    day = date(2026, 3, 8)  # a Sunday, only working days before it
    got = gap_weights(_at(day, 0), _at(day, 3), _series({date(2026, 3, 6): 7.0}), SHANGHAI, "CN")
    assert got is not None
    assert got[0] == 7.0


@pytest.mark.parametrize(
    "days",
    [
        pytest.param({}, id="nothing-before"),
        pytest.param({date(2026, 1, 26): 5.0}, id="longer-ago-than-42-days"),
        pytest.param({date(2026, 3, 10): 5.0}, id="the-day-of-the-gap-itself"),
        pytest.param({date(2026, 3, 11): 5.0}, id="a-day-after-it"),
    ],
)
def test_no_example(days: dict[date, float]) -> None:
    day = date(2026, 3, 10)
    assert gap_weights(_at(day, 1), _at(day, 4), _series(days), SHANGHAI, "CN") is None


def test_examples_of_zero_have_no_shape() -> None:
    start, value = _series({date(2026, 3, 9): 0.0})
    day = date(2026, 3, 10)
    assert gap_weights(_at(day, 1), _at(day, 4), (start, value * 0), SHANGHAI, "CN") is None


def test_a_gap_over_the_day_with_25_hours() -> None:
    # Rome, Sunday 25 October 2026 has 100 quarter-hours; 02:00 comes twice, both take 02:00
    day = date(2026, 10, 25)
    low, high = _at(day, 0, zone=ROME), _at(date(2026, 10, 26), 0, zone=ROME)
    got = gap_weights(low, high, _series({date(2026, 10, 18): 0.0}, ROME), ROME, "IT")
    assert got is not None
    assert len(got) == 100
    assert got[8:16].tolist() == [2.0] * 8
    assert got.sum() == pytest.approx(4 * (sum(range(24)) + 2))


def test_how_far_back() -> None:
    assert look_back_start(_at(date(2026, 3, 10), 10), SHANGHAI, 42) == _at(date(2026, 1, 27), 0)
