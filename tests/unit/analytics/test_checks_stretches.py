"""Checks over several days: stuck, constant ratio; register sums and clocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from analytics.metering.checks.clocks import clock_skews
from analytics.metering.checks.days import EDITED, Days
from analytics.metering.checks.ratios import ratio_jumps
from analytics.metering.checks.stuck import stuck
from analytics.metering.checks.sums import Raw, falls, register_steps, sums
from models.findings import Finding
from tests.unit.analytics.check_days import BERLIN, LIMITS, MONDAY, RAMP, at, days_of, place, scaled

NAN = math.nan
NONE: frozenset[int] = frozenset()


def still(row: Sequence[float], first: int, stop: int, value: float = 0.0) -> list[float]:
    return [value if first <= n < stop else v for n, v in enumerate(row)]


def spans(days: Days, found: list[Finding]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    return [
        (place(days, f.start.timestamp()), place(days, f.stop.timestamp() - 900)) for f in found
    ]


@pytest.mark.parametrize(("buckets", "fires"), [(25, True), (24, False)])
def test_stuck_after_six_hours_on_a_load_that_runs(buckets: int, fires: bool) -> None:
    days = days_of([*[RAMP] * 8, still(RAMP, 30, 30 + buckets)])
    found = list(stuck(days, LIMITS, NONE))
    assert spans(days, found) == [((8, 30), (8, 29 + buckets))] * fires
    assert [f.evidence["hours"] for f in found] == [buckets / 4] * fires


def test_stuck_over_midnight_is_one_stretch_and_a_hole_does_not_end_it() -> None:
    night = still(RAMP, 80, 96)
    morning = still(still(RAMP, 0, 40), 10, 20, NAN)
    days = days_of([*[RAMP] * 7, night, morning])
    assert spans(days, list(stuck(days, LIMITS, NONE))) == [((7, 80), (8, 39))]
    # more than six hours without values end it: 16 and 12 quarter-hours are too few
    long_hole = still(still(RAMP, 0, 44), 0, 32, NAN)
    assert list(stuck(days_of([*[RAMP] * 7, night, long_hole]), LIMITS, NONE)) == []


def test_a_load_that_often_rests_is_not_stuck() -> None:
    rest = still(RAMP, 30, 60)
    # one of 7 days rested at these hours: 14 % are more than a tenth
    assert list(stuck(days_of([*[RAMP] * 6, rest, RAMP, rest], checked=(8, 9)), LIMITS, NONE)) == []
    # 10 of the 210 quarter-hours: less than a tenth
    short = still(RAMP, 30, 40)
    days = days_of([*[RAMP] * 6, short, RAMP, rest], checked=(8, 9))
    assert len(list(stuck(days, LIMITS, NONE))) == 1
    assert (
        list(stuck(days_of([RAMP, RAMP, RAMP, rest]), LIMITS, NONE)) == []
    )  # 3 days say too little
    assert list(stuck(days_of([*[RAMP] * 8, rest], idle=True), LIMITS, NONE)) == []


def test_stuck_needs_half_of_the_days_before() -> None:
    rest, empty = still(RAMP, 30, 60), [NAN] * 96
    assert list(stuck(days_of([*[RAMP] * 3, *[empty] * 4, rest]), LIMITS, NONE)) == []  # 3 of 7
    assert len(list(stuck(days_of([*[RAMP] * 4, *[empty] * 3, rest]), LIMITS, NONE))) == 1


def test_stuck_gauge_repeats_one_state() -> None:
    frozen = still(RAMP, 30, 60, 13.25)
    days = days_of([*[RAMP] * 8, frozen], gauge=True)
    assert spans(days, list(stuck(days, LIMITS, NONE))) == [((8, 31), (8, 59))]
    off = days_of([*[RAMP] * 8, still(RAMP, 30, 60, 0.0)], gauge=True)
    assert list(stuck(off, LIMITS, NONE)) == []
    coarse = days_of([[21.0] * 96] * 9, gauge=True)
    assert list(stuck(coarse, LIMITS, NONE)) == []


def test_stuck_across_the_missing_hour() -> None:
    # Sunday 29 March 2026 in Berlin has 92 quarter-hours; 00:00-08:00 local are 28 of them
    rows = [list(RAMP) for _ in range(10)]
    rows[8] = [0.0] * 28 + RAMP[:64]
    days = days_of(rows, first=date(2026, 3, 21), zone=BERLIN)
    assert spans(days, list(stuck(days, LIMITS, NONE))) == [((8, 0), (8, 27))]


def test_the_times_of_a_stretch_are_local() -> None:
    # every day rests from 05:00 to 06:00; after the missing hour columns 20 to 47 of the Sunday are
    # 06:00 to 13:00, when the load never rested; by column one seventh of it would have
    pause = still(RAMP, 20, 24)
    rows = [list(pause) for _ in range(9)]
    rows[8] = still(RAMP[:92], 20, 48)
    days = days_of(rows, first=date(2026, 3, 21), zone=BERLIN)
    assert spans(days, list(stuck(days, LIMITS, NONE))) == [((8, 20), (8, 47))]


def test_a_stretch_that_began_before_what_is_loaded_is_carried_on_or_not_there() -> None:
    days = days_of([[0.0] * 96] * 10, checked=(8, 10))
    begun = days.start_s(0) - 7200
    (found,) = stuck(days, LIMITS, frozenset({begun}))
    assert found.start.timestamp() == begun
    assert found.stop.timestamp() == days.start_s(10)
    assert list(stuck(days, LIMITS, NONE)) == []
    # it began in the loaded days, too early for seven days before it
    early = days_of([RAMP, RAMP, *[[0.0] * 96] * 8], checked=(8, 10))
    assert list(stuck(early, LIMITS, NONE)) == []
    (found,) = stuck(early, LIMITS, frozenset({early.start_s(2)}))
    assert found.start.timestamp() == early.start_s(2)


def jumps(rows: list[Sequence[float]], declared: Sequence[date] = ()) -> list[tuple[int, float]]:
    days = days_of(rows)
    return [
        (place(days, f.start.timestamp())[0], round(f.evidence["after_to_before_ratio"], 3))
        for f in ratio_jumps(days, LIMITS, frozenset(declared))
    ]


def test_a_lasting_constant_ratio_is_told_once() -> None:
    before, after = [RAMP] * 16, [scaled(RAMP, 1.5)] * 14
    assert jumps([*before, *after]) == [(16, 1.5)]
    assert jumps([*before, *[scaled(RAMP, 0.5)] * 14]) == [(16, 0.5)]
    assert jumps([*before, *[scaled(RAMP, 1.39)] * 14]) == []
    days = days_of([*before, *after])
    (found,) = ratio_jumps(days, LIMITS)
    assert found.evidence["near_ratio"] == 1.5


def test_one_day_or_another_shape_is_no_ratio() -> None:
    before = [RAMP] * 16
    assert jumps([*before, scaled(RAMP, 2), *[RAMP] * 5]) == []
    shifted = scaled(RAMP[4:] + RAMP[:4], 2)  # 10..17 against 14..17,10..13: ratios 1.2 to 2.8
    assert jumps([*before, *[shifted] * 6]) == []
    assert jumps([*before[:2], *[scaled(RAMP, 2)] * 2]) == []  # nothing to compare with


def test_a_declared_change_is_no_finding() -> None:
    rows: list[Sequence[float]] = [*[RAMP] * 16, *[scaled(RAMP, 2)] * 6]
    day = MONDAY + timedelta(days=16)
    assert jumps(rows) == [(16, 2.0)]
    assert jumps(rows, [day - timedelta(days=1)]) == []
    # a Wednesday, compared with Tuesday, Monday and the Friday before
    assert jumps(rows, [day - timedelta(days=6)]) == []
    assert jumps(rows, [day - timedelta(days=7)]) == [(16, 2.0)]


def test_a_ratio_from_the_middle_of_a_day_on_is_told_on_the_next() -> None:
    for ratio in (1.5, 0.5):
        mixed = [*RAMP[:40], *scaled(RAMP[40:], ratio)]
        assert jumps([*[RAMP] * 15, mixed, *[scaled(RAMP, ratio)] * 6]) == [(16, ratio)]


def test_the_day_after_a_ratio_needs_two_days_of_its_kind() -> None:
    # Friday; the Saturday after it has one weekend before it, or half of one
    rows: list[Sequence[float]] = [*[RAMP] * 11, *[scaled(RAMP, 2)] * 2]
    assert jumps(rows) == [(11, 2.0)]
    rows[5] = at(RAMP, q3=NAN)
    assert jumps(rows) == []


def test_ratio_over_the_clock_change() -> None:
    rows: list[Sequence[float]] = [RAMP] * 14 + [RAMP[:8] + RAMP[12:]] + [scaled(RAMP, 2)] * 7
    days = days_of(rows, first=date(2026, 3, 15), zone=BERLIN)
    found = [place(days, f.start.timestamp())[0] for f in ratio_jumps(days, LIMITS)]
    assert found == [15]


def raw_of(days: Days, register: Sequence[float], every: int = 24) -> Raw:
    """Readings every `every` quarter-hours from the first midnight on."""
    at_s = days.grid.edge_s[0] + 900.0 * every * np.arange(len(register))
    return Raw(at_s, np.array(register, dtype=float), at_s + 5)


def sum_days(days: Days, raw: Raw, factor: float = 10.0, reach_s: float = 21_600) -> list[Finding]:
    broken = falls(raw, days.grid.edge_s)
    return list(sums(days, raw, np.full(len(days.grid), factor), LIMITS, broken, reach_s))


def test_sum_of_the_day_against_the_register() -> None:
    # 129.6 raw x 10 = 1,296; a step of 0.1 x 10 = 1, two of them are the tolerance
    register = [0, 30, 60, 90, 129.6, 160, 190, 220, 259.2]
    edited = days_of([RAMP, at(RAMP, q5=18.5)], step=1.0, quality={(1, 5): EDITED})
    (found,) = sum_days(edited, raw_of(edited, register))
    assert found.evidence["difference_kwh"] == pytest.approx(3.5)  # 18.5 instead of 15
    assert found.evidence["edited_buckets"] == 1
    assert place(edited, found.start.timestamp()) == (1, 0)
    within = days_of([RAMP, at(RAMP, q5=16.9)], step=1.0)
    assert sum_days(within, raw_of(within, register)) == []


def test_sum_takes_the_straight_line_at_midnight_or_nothing() -> None:
    days = days_of([RAMP, RAMP])
    at_s = days.grid.edge_s[0] + np.array([-450.0, 450, 86_400 - 450, 86_400 + 450, 172_800])
    raw = Raw(at_s, np.array([99.0, 101, 228.6, 230.6, 359.2]), at_s)
    assert sum_days(days, raw, reach_s=900) == []
    wrong = Raw(at_s, np.array([99.0, 101, 229.6, 231.6, 359.2]), at_s)
    assert [f.evidence["difference_kwh"] for f in sum_days(days, wrong, reach_s=900)] == [
        pytest.approx(-10),
        pytest.approx(10),
    ]
    assert sum_days(days, wrong, reach_s=899) == []  # too far apart to tell
    fell = Raw(at_s, np.array([99.0, 101, 50, 52, 359.2]), at_s)
    assert [place(days, f.start.timestamp())[0] for f in sum_days(days, fell)] == [1]
    hole = days_of([at(RAMP, q3=NAN), RAMP])
    assert [place(hole, f.start.timestamp())[0] for f in sum_days(hole, wrong)] == [1]


def test_the_step_of_a_register_is_declared_or_read_off() -> None:
    edges = np.array([0, 86_400, 172_800, 259_200])
    raw = Raw(np.array([0.0, 10, 86_400, 86_500]), np.array([1, 2.25, 3, 1 / 3]), np.zeros(4))
    assert register_steps(raw, edges, None).tolist() == [0.01, 0, 0]
    assert register_steps(raw, edges, 0.5).tolist() == [0.5, 0.5, 0.5]


def skews(lags: Sequence[float], period_s: int = 0) -> list[Finding]:
    days = days_of([RAMP])
    at_s = days.grid.edge_s[0] + 900.0 * np.arange(len(lags))
    raw = Raw(at_s, np.zeros(len(lags)), at_s + np.array(lags))
    return list(clock_skews(days, raw, LIMITS, period_s))


def test_a_steady_lag_is_a_wrong_clock() -> None:
    (found,) = skews([200, 205, 210, 202, 204])
    assert found.evidence["median_lag_s"] == 204
    assert "near_whole_minutes" not in found.evidence
    assert "behind" in found.evidence["meaning"]
    (found,) = skews([-3595, -3600, -3605, -3600])
    assert found.evidence["near_whole_minutes"] == -60
    assert "ahead" in found.evidence["meaning"]
    assert "zone" in found.evidence["meaning"]
    assert skews([180, 180, 180, 180]) == []
    assert skews([200, 200, 200]) == []  # three readings say too little


def test_bursts_imports_and_periods_are_no_skew() -> None:
    assert skews([86_400 - 900 * n for n in range(96)]) == []
    assert skews([900 - 60 * (n % 15) for n in range(96)]) == []
    assert skews([903, 904, 905, 903], period_s=900) == []
    assert len(skews([903, 904, 905, 903])) == 1
    # an amount may arrive anywhere in its period, at its start, its end or between
    for lag in (0, 2, 450, 899):
        assert skews([lag] * 4, period_s=900) == []
    (found,) = skews([1100] * 4, period_s=900)
    assert found.evidence["median_lag_s"] == 200
    (found,) = skews([-200] * 4, period_s=900)
    assert found.evidence["median_lag_s"] == -200
