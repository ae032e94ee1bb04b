"""Minimum night flow and its stand-ins, by hand."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from analytics.water.night_flow import (
    Floats,
    intercept_flow,
    leak_m3_per_day,
    night_mean,
    night_minimum,
    seven_night_percentile,
    stop_flow,
    unaccounted_m3,
)

ROME = ZoneInfo("Europe/Rome")
SHANGHAI = ZoneInfo("Asia/Shanghai")
FORWARD, BACK = date(2022, 3, 27), date(2022, 10, 30)  # at 02:00 to 03:00, at 03:00 to 02:00


def _day(day: date, zone: ZoneInfo, period_s: int = 3600) -> Floats:
    start = datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
    stop = datetime(day.year, day.month, day.day, 23, 59, tzinfo=zone).timestamp()
    return np.arange(start, stop, period_s)


def test_lowest_rolling_hour_of_quarters() -> None:
    # from 02:00: 8 6 4 2 | 0 6 8 8; hours that start at 02:00, 02:15, ...: 5, 3, 3, 4, 5.5;
    # the 0 of a single quarter is no hour, and neither the 1 at 01:45 nor at 04:00 counts
    at_s = _day(date(2026, 3, 4), SHANGHAI, 900)
    flow = np.full(len(at_s), 20.0)
    flow[7:17] = [1, 8, 6, 4, 2, 0, 6, 8, 8, 1]
    found = night_minimum(at_s, flow, 900, SHANGHAI)
    assert found.index.tolist() == [pd.Timestamp(2026, 3, 4)]
    assert found.iloc[0] == pytest.approx(3.0)
    assert night_mean(at_s, flow, 900, SHANGHAI, (2, 4)).iloc[0] == pytest.approx(42 / 8)


@pytest.mark.parametrize("absent", [True, False])
def test_a_missing_step_is_no_zero(absent: bool) -> None:
    days = [date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)]
    at_s = np.concatenate([_day(d, SHANGHAI) for d in days])
    flow = np.tile([9.0, 9, 5, 4] + [9.0] * 20, 3)
    hole = 24 + 2
    if absent:
        at_s, flow = np.delete(at_s, hole), np.delete(flow, hole)
    else:
        flow[hole] = np.nan
    found = night_minimum(at_s, flow, 3600, SHANGHAI)
    assert found.tolist() == pytest.approx([4.0, np.nan, 4.0], nan_ok=True)


@pytest.mark.parametrize(
    ("day", "window", "lowest"),
    [
        # flow = number of the step of the day; 27 March: step 2 is 03:00
        pytest.param(FORWARD, (2, 4), 2.0, id="one-hour-left"),
        pytest.param(FORWARD, (2, 3), np.nan, id="no-hour-left"),
        pytest.param(FORWARD, (3, 5), 2.0, id="after-the-hole"),
        # 30 October: steps 2 and 3 are both 02:00, step 4 is 03:00
        pytest.param(BACK, (2, 4), 2.0, id="three-hours"),
        pytest.param(BACK, (3, 5), 4.0, id="after-the-double"),
    ],
)
def test_the_window_is_one_of_wall_times(day: date, window: tuple[int, int], lowest: float) -> None:
    at_s = _day(day, ROME)
    found = night_minimum(at_s, np.arange(len(at_s), dtype=float), 3600, ROME, window)
    assert found.tolist() == pytest.approx([lowest], nan_ok=True)


def test_second_two_oclock_missing() -> None:
    at_s = np.delete(_day(BACK, ROME), 3)
    assert night_minimum(at_s, np.ones(24), 3600, ROME).isna().all()


def test_half_an_hour_is_no_hour() -> None:
    """Lord Howe puts clocks forward by half an hour: 02:30 to 03:00 is left."""
    zone = ZoneInfo("Australia/Lord_Howe")
    at_s = _day(date(2026, 10, 4), zone, 900)
    flow = np.arange(len(at_s), dtype=float)
    assert night_minimum(at_s, flow, 900, zone, (2, 3)).isna().all()
    assert night_mean(at_s, flow, 900, zone, (2, 3)).iloc[0] == 8.5  # steps 8 and 9


def test_no_steps_no_nights() -> None:
    assert night_minimum(np.zeros(0), np.zeros(0), 3600, ROME).empty


def test_percentile_of_seven_nights() -> None:
    # sorted 1..7: place 0.2 x 6 = 1.2, so 2 + 0.2 x (3 - 2) = 2.2
    nights = pd.Series(
        [4.0, 1, 7, 2, 6, 3, 5, 8, np.nan, 8], index=pd.date_range("2026-03-01", periods=10)
    )
    found = seven_night_percentile(nights)
    assert found.iloc[6] == pytest.approx(2.2)
    assert found.iloc[7] == pytest.approx(2.2)  # 4 gave way to 8
    assert found.notna().sum() == 2
    absent = seven_night_percentile(nights.dropna())  # a date that is not there is no night
    assert absent.notna().sum() == 2


def test_leak_of_a_day() -> None:
    assert leak_m3_per_day(5.0, 1.5) == pytest.approx(84)
    assert leak_m3_per_day(5.0, 1.5, 20) == pytest.approx(70)
    assert leak_m3_per_day(1.0, 1.5) == 0


def test_intercept() -> None:
    # 20 days, 10 at 0 t and 10 at 10 t; water 30 + 2 x product, and 1 more or less in turn.
    # Two groups: intercept = mean at 0 t = 30, s2 = 20/18, variance = s2/10 = 1/9;
    # R2: between 20 x 10^2 = 2000, within 20, so 2000/2020
    product_t = np.repeat([0.0, 10.0], 10)
    water_m3 = 30 + 2 * product_t + np.tile([1.0, -1.0], 10)
    found = intercept_flow(water_m3, product_t)
    assert found.refusal is None
    assert found.flow_m3_per_day == pytest.approx(30)
    assert found.standard_error_m3_per_day == pytest.approx(1 / 3)
    assert found.r2_ratio == pytest.approx(2000 / 2020)


def test_intercept_refused() -> None:
    product_t = np.arange(20.0)
    water_m3 = 30 + product_t
    water_m3[3] = np.nan
    assert intercept_flow(water_m3, product_t).refusal == "19 days, 20 are needed"
    constant = intercept_flow(np.arange(20.0), np.full(20, 0.1))
    assert constant.refusal == "production does not vary"
    assert np.isnan(constant.flow_m3_per_day)


def test_mean_flow_of_stops() -> None:
    at_s = np.arange(0.0, 8 * 900, 900)
    flow = np.array([8.0, 3, 5, 4, 9, np.nan, 2, 2])
    stops = [
        (900, 3600),  # 3 5 4
        (800, 3700),  # the steps cut by its ends are left out
        (3600, 5400),  # one is unknown
        (100, 950),  # no whole step
        (6300, 9000),  # beyond the data
    ]
    found = stop_flow(at_s, flow, 900, stops)
    assert found == pytest.approx([4, 4, np.nan, np.nan, np.nan], nan_ok=True)


def test_unaccounted() -> None:
    found = unaccounted_m3(np.array([10.0, 10]), [np.array([4.0, np.nan]), np.array([3.0, 3])])
    assert found.tolist() == pytest.approx([3, np.nan], nan_ok=True)
    assert unaccounted_m3(np.array([10.0]), []).tolist() == [10]
