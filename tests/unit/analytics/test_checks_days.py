"""Checks of days: spike, high, low, zero, completeness, silence, parents, reactive energy."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from analytics.metering.checks.completeness import Around, completeness, silences
from analytics.metering.checks.days import EDITED, ESTIMATED, like_rows
from analytics.metering.checks.levels import levels
from analytics.metering.checks.parents import parent_gaps
from analytics.metering.checks.reactive import reactive_alone
from analytics.metering.checks.spikes import spikes
from models.findings import Severity
from tests.unit.analytics.check_days import BERLIN, LIMITS, MONDAY, RAMP, at, days_of, place, scaled

NAN = math.nan
FLAT = [5.0] * 96
OPEN = Around(-math.inf, None, 0)


@pytest.mark.parametrize(
    ("highest", "fires"), [(14.1, True), (14.0, False)], ids=["above", "at the limit"]
)
def test_spike_is_judged_by_the_third_highest(highest: float, fires: bool) -> None:
    # (h1 - 5) / 5 > 1.8 from h1 = 14 on; the second highest does not matter
    days = days_of([at(FLAT, q40=highest, q41=13.0)])
    found = list(spikes(days, LIMITS))
    assert [f.code for f in found] == ["validation.spike"] * fires
    for f in found:
        assert place(days, f.start.timestamp()) == (0, 40)
        assert (f.stop - f.start).total_seconds() == 900
        assert f.evidence["highest_kwh"] == highest
        assert f.evidence["third_highest_kwh"] == 5
        assert f.evidence["excess_ratio"] == pytest.approx(1.82)


def test_spike_needs_eight_values_that_were_not_estimated() -> None:
    row = at(FLAT, q95=50.0)
    few = {(0, n): ESTIMATED for n in range(89)}
    assert list(spikes(days_of([row], quality=few), LIMITS)) == []
    enough = {(0, n): ESTIMATED for n in range(88)}
    assert len(list(spikes(days_of([row], quality=enough), LIMITS))) == 1
    estimated = days_of([at(FLAT, q40=50.0)], quality={(0, 40): ESTIMATED})
    assert list(spikes(estimated, LIMITS)) == []
    edited = days_of([at(FLAT, q40=50.0)], quality={(0, 40): EDITED})
    assert len(list(spikes(edited, LIMITS))) == 1


def test_a_coarse_register_makes_no_spike() -> None:
    # steps of 5: three steps in one quarter-hour are 15; less two steps of doubt no spike
    row = at(FLAT, q40=15.0)
    assert len(list(spikes(days_of([row]), LIMITS))) == 1
    assert list(spikes(days_of([row], step=5.0), LIMITS)) == []
    assert list(spikes(days_of([at([0.0] * 96, q40=15.0, q50=1)]), LIMITS)) == []  # h3 = 0


def test_above_five_steps_the_bare_rule_holds() -> None:
    # 190 %; with two steps taken off 17 / 10 or 12 / 10
    row = at([10.0] * 96, q40=29.0)
    assert len(list(spikes(days_of([row], step=1.0), LIMITS))) == 1
    assert len(list(spikes(days_of([row], step=2.0), LIMITS))) == 1
    assert list(spikes(days_of([row], step=2.5), LIMITS)) == []


@pytest.mark.parametrize(("have", "fires"), [(48, True), (47, False)])
def test_a_spike_of_a_day_that_is_mostly_missing_is_none(have: int, fires: bool) -> None:
    day = days_of([[5.0] * (have - 1) + [50.0] + [NAN] * (96 - have)])
    assert len(list(spikes(day, LIMITS))) == fires
    ramp = days_of([[5.0] * 60 + [50.0] + [NAN] * 35], varies=True)  # sun or wind: whole days
    assert list(spikes(ramp, LIMITS)) == []
    assert len(list(spikes(days_of([at(FLAT, q40=50.0)], varies=True), LIMITS))) == 1


def test_only_checked_days_are_told() -> None:
    rows = [at(FLAT, q40=50.0)] * 3
    days = days_of(rows, checked=(1, 2))
    assert [place(days, f.start.timestamp())[0] for f in spikes(days, LIMITS)] == [1]


def test_like_days_are_the_latest_complete_ones_of_the_kind() -> None:
    rows = [list(RAMP) for _ in range(15)]
    rows[8][3] = NAN  # Tuesday of the second week
    days = days_of(rows)
    # Wednesday 9: Monday 7, then Friday 4 and Thursday 3 of the week before; Tuesday 8 has a hole
    assert like_rows(days, 3)[9].tolist() == [7, 4, 3]
    assert like_rows(days, 3)[13].tolist() == [12, 6, 5]  # Sunday: Saturday, Sunday, Saturday
    assert like_rows(days, 3)[2].tolist() == [1, 0, -1]
    assert like_rows(days, 3, skip=1)[10].tolist() == [7, 4, 3]


@pytest.mark.parametrize(
    ("scale", "code"), [(1.51, "high"), (1.5, None), (0.5, None), (0.49, "low")]
)
def test_day_outside_half_of_the_like_days(scale: float, code: str | None) -> None:
    days = days_of([RAMP, RAMP, RAMP, scaled(RAMP, scale)])
    found = list(levels(days, LIMITS))
    assert [f.code for f in found] == ([f"validation.{code}"] if code else [])
    for f in found:
        assert f.evidence["day_kwh"] == pytest.approx(1296 * scale)
        assert f.evidence["like_days_kwh"] == pytest.approx(1296)
        assert f.evidence["like_days"] == ["2026-03-04", "2026-03-03", "2026-03-02"]


def test_levels_stay_quiet_without_three_like_days_and_on_channels_that_vary() -> None:
    assert list(levels(days_of([RAMP, RAMP, scaled(RAMP, 3)]), LIMITS)) == []
    hole = [RAMP, RAMP, RAMP, at(scaled(RAMP, 3), q7=NAN)]
    assert list(levels(days_of(hole), LIMITS)) == []
    assert list(levels(days_of([RAMP] * 3 + [scaled(RAMP, 3)], varies=True), LIMITS)) == []
    assert list(levels(days_of([FLAT] * 3 + [scaled(FLAT, 3)], step=300.0), LIMITS)) == []
    # Saturday after five working days: nothing to compare with
    assert list(levels(days_of([RAMP] * 5 + [scaled(RAMP, 0.1)] * 2), LIMITS)) == []


def test_a_day_within_the_range_of_two_weeks_is_no_level() -> None:
    # Monday 1,296; Tuesday to Thursday 388.8; Friday 1,296 again is 3.3 times the mean of the three
    low = scaled(RAMP, 0.3)
    assert list(levels(days_of([RAMP, low, low, low, RAMP]), LIMITS)) == []
    (found,) = levels(days_of([RAMP, low, low, low, scaled(RAMP, 1.01)]), LIMITS)
    assert found.code == "validation.high"
    (found,) = levels(days_of([low, RAMP, RAMP, RAMP, scaled(RAMP, 0.29)]), LIMITS)
    assert found.code == "validation.low"
    assert list(levels(days_of([low, RAMP, RAMP, RAMP, low]), LIMITS)) == []


def test_two_steps_more_than_the_highest_day_are_no_new_level() -> None:
    def told(scale: float, step: float, last: float) -> list[int]:
        rows = [RAMP] * 3 + [scaled(RAMP, scale)]
        days = days_of([*rows, at(rows[3], q5=last)], step=step)
        return [place(days, f.start.timestamp())[0] for f in levels(days, LIMITS)]

    assert told(2, 0.0, 32.0) == [3, 4]
    assert told(2, 1.0, 32.0) == [3]  # 2 more than the day before, which was told already
    assert told(0.3, 0.0, 2.5) == [3, 4]
    assert told(0.3, 1.0, 2.5) == [3]


def test_days_of_23_and_25_hours_are_no_levels() -> None:
    # 6 kWh a quarter-hour, band 8 %: 92 or 100 of 96 quarter-hours are 4 % off as sums
    tight = LIMITS.model_copy(update={"level_ratio": 0.01})
    for first, size in ((date(2026, 3, 15), 92), (date(2026, 10, 11), 100)):
        rows = [[6.0] * 96] * 14 + [[6.0] * size]
        days = days_of(rows, first=first, zone=BERLIN)
        assert int(days.grid.expected[14]) == size
        assert list(levels(days, tight)) == []
        rows[14] = [6.1] * size
        (found,) = levels(days_of(rows, first=first, zone=BERLIN), tight)
        assert found.evidence["day_kwh"] == pytest.approx(6.1 * size)
        assert found.evidence["like_days_kwh"] == pytest.approx(6 * size)
        assert (found.stop - found.start).total_seconds() == size * 900


def test_a_day_of_zero_is_told_once_and_becomes_a_warning() -> None:
    days = days_of([RAMP, RAMP, RAMP, [0.0] * 96, [0.0] * 96])
    found = list(levels(days, LIMITS))
    assert [(f.code, f.severity) for f in found] == [
        ("validation.zero", Severity.INFO),
        ("validation.zero", Severity.WARNING),
    ]
    assert list(levels(days_of([[0.0] * 96] * 4), LIMITS)) == []
    assert list(levels(days_of([RAMP] * 3 + [[0.0] * 96], varies=True, idle=True), LIMITS)) == []


@pytest.mark.parametrize(
    ("have", "severity"), [(96, None), (95, "info"), (87, "info"), (86, "warning"), (1, "warning")]
)
def test_completeness_of_a_day(have: int, severity: str | None) -> None:
    # 90 % of 96 are 86.4: 87 are enough, 86 are not
    days = days_of([[1.0] * have + [NAN] * (96 - have)])
    found = list(completeness(days, LIMITS, OPEN))
    assert [str(f.severity) for f in found] == ([severity] if severity else [])
    for f in found:
        assert (f.evidence["buckets"], f.evidence["expected_buckets"]) == (have, 96)


def test_completeness_counts_23_and_25_hours_and_the_first_day_from_its_first_value() -> None:
    for first, size in ((date(2026, 3, 29), 92), (date(2026, 10, 25), 100)):
        full = days_of([[1.0] * size], first=first, zone=BERLIN)
        assert list(completeness(full, LIMITS, OPEN)) == []
        less = days_of([[1.0] * (size - 1)], first=first, zone=BERLIN)
        assert [f.evidence["expected_buckets"] for f in completeness(less, LIMITS, OPEN)] == [size]
    started = days_of([[NAN] * 60 + [1.0] * 36])
    assert list(completeness(started, LIMITS, Around(started.start_s(0, 60), None, 0))) == []
    assert len(list(completeness(started, LIMITS, OPEN))) == 1


def test_nine_tenths_of_a_long_day_are_enough() -> None:
    long_day = days_of([[1.0] * 90 + [NAN] * 10], first=date(2026, 10, 25), zone=BERLIN)
    (found,) = completeness(long_day, LIMITS, OPEN)
    assert (found.severity, found.evidence["completeness_ratio"]) == (Severity.INFO, 0.9)


def test_local_time_at_the_clock_changes() -> None:
    short = days_of([[float(n) for n in range(92)]], first=date(2026, 3, 29), zone=BERLIN)
    assert np.isnan(short.wall[0, 8:12]).all()  # 02:00 to 03:00 does not exist
    assert short.wall[0, 7] == 7
    assert short.wall[0, 12:14].tolist() == [8, 9]
    long_day = days_of([[float(n) for n in range(100)]], first=date(2026, 10, 25), zone=BERLIN)
    assert long_day.wall[0, 8:14].tolist() == [8, 9, 10, 11, 16, 17]  # the first 02:00 of two


def test_silence_is_one_stretch_that_reaches_beyond_what_is_loaded() -> None:
    empty = [NAN] * 96
    days = days_of([RAMP, empty, empty, RAMP])
    (found,) = silences(days, OPEN)
    assert found.start.timestamp() == days.start_s(1)
    assert found.stop.timestamp() == days.start_s(3)
    assert found.evidence["silent_days"] == 2
    open_ended = days_of([empty, empty], checked=(1, 2))
    early, late = open_ended.start_s(0) - 5 * 86_400, open_ended.start_s(2) + 3 * 86_400
    (found,) = silences(open_ended, Around(-math.inf, early, late))
    assert (found.start.timestamp(), found.stop.timestamp()) == (early, late)
    assert found.evidence["silent_days"] == 10


def test_silence_elsewhere_or_before_the_first_value_is_none() -> None:
    empty = [NAN] * 96
    days = days_of([empty, RAMP, empty, RAMP, RAMP], checked=(3, 5))
    assert list(silences(days, OPEN)) == []
    later = days_of([RAMP, RAMP, empty], checked=(0, 2))
    assert list(silences(later, OPEN)) == []
    begun = days_of([empty, empty, RAMP])
    assert list(silences(begun, Around(begun.start_s(2), None, 0))) == []


def test_parent_and_children_within_the_loss_band() -> None:
    # parent 1,296: 3 % are 38.88, 1 % is 12.96
    def codes(children: float, *, full: bool = True, own: float | None = None) -> list[float]:
        days = days_of([RAMP])
        sums, complete = np.array([children]), np.array([full])
        return [
            round(f.evidence["lost_kwh"], 6) for f in parent_gaps(days, sums, complete, LIMITS, own)
        ]

    assert codes(1296 - 38.8) == []
    assert codes(1296 - 39.0) == [39.0]
    assert codes(1296 + 12.9) == []
    assert codes(1296 + 13.0) == [-13.0]
    assert codes(1296 - 39.0, full=False) == []
    assert codes(1296 - 39.0, own=0.05) == []
    hole = days_of([at(RAMP, q3=NAN)])
    assert list(parent_gaps(hole, np.array([100.0]), np.array([True]), LIMITS)) == []
    silent = days_of([[0.0] * 96])
    (found,) = parent_gaps(silent, np.array([100.0]), np.array([True]), LIMITS)
    assert "lost_ratio" not in found.evidence
    assert list(parent_gaps(silent, np.array([0.0]), np.array([True]), LIMITS)) == []


def test_reactive_without_active_for_an_hour() -> None:
    reactive = days_of([[2.0] * 96])
    active = np.full((1, 100), 5.0)
    active[0, 8:11] = 0
    assert list(reactive_alone(reactive, active, LIMITS)) == []  # 45 minutes
    active[0, 20:24] = 0
    (found,) = reactive_alone(reactive, active, LIMITS)
    assert place(reactive, found.start.timestamp()) == (0, 20)
    assert (found.stop - found.start).total_seconds() == 3600
    assert found.evidence["reactive_kwh"] == 8
    assert found.evidence["quarter_hours_of_the_day"] == 7
    active[0, 21] = np.nan  # unknown is not zero
    assert list(reactive_alone(reactive, active, LIMITS)) == []
    active[0, 21] = 0
    coarse = days_of([[2.0] * 96], step=5.0)  # 8 kvarh are less than two of its steps
    assert list(reactive_alone(coarse, active, LIMITS)) == []
    # each quarter-hour is one step, the four of them are more than two
    whole = days_of([[1.0] * 96], step=1.0)
    assert len(list(reactive_alone(whole, active, LIMITS))) == 1


def test_monday_is_a_working_day() -> None:
    assert days_of([RAMP] * 7).grid.kinds.tolist() == ["working"] * 5 + ["weekend"] * 2
    assert MONDAY.isoweekday() == 1
