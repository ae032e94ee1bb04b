"""Leaks in made-up nights: onset, size, one event each, and nothing seen in advance."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analytics.water.leaks import LeakLimits, find_leaks

NIGHTS = 150
ONSET = 100


def _nights(noise: float = 0.5) -> pd.Series[float]:
    drawn = np.random.default_rng(7).normal(20, noise, NIGHTS)
    return pd.Series(drawn, index=pd.date_range("2026-01-01", periods=NIGHTS))


def _date(night: int) -> date:
    return date(2026, 1, 1) + timedelta(days=night)


def test_quiet_nights() -> None:
    assert find_leaks(_nights()) == []


def test_a_leak_is_one_event() -> None:
    nights = _nights()
    nights.iloc[ONSET:] += 5
    (leak,) = find_leaks(nights)
    # the middle of seven nights is high with the fourth of them
    assert (leak.onset, leak.found_on) == (_date(ONSET), _date(ONSET + 3))
    assert leak.size_low_m3_per_h < 5 < leak.size_high_m3_per_h
    # noise 0.5: four nights 0.25, and the level before is better known than that
    assert leak.size_m3_per_h == pytest.approx(5, abs=3 * 0.35)
    assert leak.size_high_m3_per_h - leak.size_low_m3_per_h < 2


def test_nothing_is_seen_in_advance() -> None:
    nights = _nights()
    nights.iloc[ONSET:] += 5
    companions = pd.DataFrame({"other": _nights(1.0)[::-1].to_numpy()}, index=nights.index)
    whole = find_leaks(nights, companions)
    found_on = pd.Timestamp(whole[0].found_on)
    assert find_leaks(nights[:found_on], companions[:found_on]) == whole
    assert find_leaks(nights[: found_on - pd.Timedelta(1, "D")], companions) == []


def test_a_second_leak_after_a_repair() -> None:
    nights = _nights()
    nights.iloc[60:70] += 20
    nights.iloc[ONSET:] += 5
    first, second = find_leaks(nights)
    assert abs((first.onset - _date(60)).days) <= 2
    assert abs((second.onset - _date(ONSET)).days) <= 2


def test_one_high_night_is_no_leak() -> None:
    nights = _nights()
    nights.iloc[[70, 71, 90]] += 30
    assert find_leaks(nights) == []


def test_high_nights_that_are_over_are_no_leak() -> None:
    nights = _nights()
    nights.iloc[[70, 71, 72, 75]] += 8  # four of seven, but not two of the last three
    assert find_leaks(nights) == []


def test_the_end_of_a_dip_is_no_leak() -> None:
    nights = _nights()
    nights.iloc[ONSET : ONSET + 12] -= 5
    assert find_leaks(nights) == []


def test_a_gap_leaves_room_to_wander() -> None:
    nights = _nights()
    nights += np.random.default_rng(9).normal(0, 0.5, NIGHTS).cumsum()
    nights.iloc[ONSET:] += 10
    (near,) = find_leaks(nights)
    nights.iloc[ONSET - 20 : ONSET] = np.nan
    (far,) = find_leaks(nights)
    assert near.onset == far.onset == _date(ONSET)
    # a night's step of 0.5 is one of 0.5 x sqrt(21) = 2.3 over 21 nights
    width = [leak.size_high_m3_per_h - leak.size_low_m3_per_h for leak in (near, far)]
    assert width[1] > 2 * width[0]


def test_size_of_interest() -> None:
    nights = _nights()
    nights.iloc[ONSET:] += 5
    assert find_leaks(nights, limits=LeakLimits(smallest_m3_per_h=10)) == []


def test_missing_nights_are_skipped() -> None:
    nights = _nights()
    nights.iloc[ONSET:] += 5
    nights.iloc[[ONSET + 1, ONSET + 3]] = np.nan
    (masked,) = find_leaks(nights)
    assert find_leaks(nights.dropna()) == [masked]
    by_date = nights.set_axis([day.date() for day in nights.index])
    assert find_leaks(by_date) == [masked]
    assert masked.found_on <= _date(ONSET + 5)  # two nights later


def test_companions_take_off_what_all_share() -> None:
    nights = _nights()
    common = np.random.default_rng(8).normal(0, 4, NIGHTS)
    nights += common
    nights.iloc[ONSET:] += 5
    companions = pd.DataFrame({"other": 50 + 2 * common}, index=nights.index)
    alone, explained = find_leaks(nights), find_leaks(nights, companions)
    assert len(explained) == 1
    (leak,) = explained
    assert abs((leak.onset - _date(ONSET)).days) <= 2
    assert alone == [] or (alone[0].size_high_m3_per_h > leak.size_high_m3_per_h)


def test_no_nights() -> None:
    empty = pd.Series([], index=pd.DatetimeIndex([]), dtype=float)
    assert find_leaks(empty) == []
    assert find_leaks(_nights()[:30]) == []
    assert find_leaks(_nights() * np.nan) == []
