"""Rates against hand calculations, and properties that must hold for any data."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.metering.buckets import Buckets
from analytics.metering.rates import rate_buckets
from models.quality import LINEAR, MEASURED

T0 = 1_772_323_200  # 2026-03-01 00:00 UTC, on a bucket boundary


def buckets(
    at: list[float],
    raw: list[float],
    period_s: int = 900,
    factor: float = 1.0,
    straight_s: float = 7200.0,
) -> Buckets:
    times = np.array(at, dtype=float) + T0
    low_s, high_s = T0 - 9000, T0 + 90_000
    return rate_buckets(
        times, np.array(raw, dtype=float), factor, period_s, low_s, high_s, straight_s
    )


def rows(got: Buckets) -> list[tuple[int, float, int]]:
    starts = (got.start_s - T0).tolist()
    values = [round(v, 9) for v in got.value.tolist()]
    return list(zip(starts, values, got.method.tolist(), strict=True))


def found(got: Buckets) -> list[tuple[str, str, float, float]]:
    return [
        (f.code, f.severity.value, f.start.timestamp() - T0, f.stop.timestamp() - T0)
        for f in got.findings
    ]


def test_the_area_of_a_quarter_hour() -> None:
    # 100 kW to 200 kW: mean 150 kW over a quarter of an hour = 37.5 kWh; then 200 to 0: 25 kWh
    assert rows(buckets([0, 900, 1800], [100, 200, 0])) == [
        (0, 37.5, MEASURED),
        (900, 25.0, MEASURED),
    ]


def test_a_border_lies_on_the_line() -> None:
    # 0 at -300 s, 1200 at 900 s: 300 at 0, so (300 + 1200) / 2 x 0.25 h = 187.5; the bucket
    # before is not covered from its start, nor the one that begins at 900
    assert rows(buckets([-300, 900], [0, 1200])) == [(0, 187.5, MEASURED)]
    # readings beside the border on both sides: 90 at -90 s, 110 at 90 s: 100 at 0;
    # 0..90 s: 105 x 0.025 h = 2.625; 90..990 s falls from 110 to 20, 29 at 900 s:
    # (110 + 29) / 2 x 810/3600 h = 15.6375
    assert rows(buckets([-90, 90, 990], [90, 110, 20])) == [(0, 18.2625, MEASURED)]


def test_many_readings_in_a_bucket() -> None:
    # 60 for 5 min, up to 120 in 5 min, 120 for 5 min: 5 + 7.5 + 10
    assert rows(buckets([0, 300, 600, 900], [60, 60, 120, 120], 300)) == [(0, 22.5, MEASURED)]


def test_a_bucket_needs_readings_around_all_of_it() -> None:
    assert rows(buckets([0, 899], [1, 1])) == []  # not closed
    assert rows(buckets([1, 900], [1, 1])) == []  # begins too late
    assert rows(buckets([0, 450, 900], [4, 4, 4])) == [(0, 1.0, MEASURED)]
    assert rows(buckets([0], [1])) == []
    assert rows(buckets([], [])) == []


def test_the_factor_is_applied() -> None:
    # 2 MW through a quarter of an hour = 500 kWh
    assert rows(buckets([0, 900], [2, 2], factor=1000)) == [(0, 500.0, MEASURED)]


def test_negative_rates_are_net() -> None:
    # -100 to 100: nothing in the end; 100 to -300: mean -100
    assert rows(buckets([0, 900, 1800], [-100, 100, -300])) == [
        (0, 0.0, MEASURED),
        (900, -25.0, MEASURED),
    ]


def test_a_pause_of_one_and_a_half_periods_is_measured() -> None:
    got = buckets([0, 1350, 1800], [100, 100, 100], 900)
    assert rows(got) == [(0, 25.0, MEASURED), (900, 25.0, MEASURED)]
    assert got.findings == []


def test_a_pause_of_a_quarter_hour_is_measured_however_short_the_period() -> None:
    assert rows(buckets([0, 900], [4, 4], 10)) == [(0, 1.0, MEASURED)]
    assert rows(buckets([0, 901], [4, 4], 10)) == [(0, 1.0, LINEAR)]


def test_a_longer_pause_is_a_straight_line_and_said_so() -> None:
    # 0..7200 s from 0 to 800: in the quarter-hours 50, 150, ... 750 kW
    got = buckets([0, 7200], [0, 800])
    assert rows(got) == [(n * 900, 12.5 + 25 * n, LINEAR) for n in range(8)]
    assert found(got) == [("interval.gap", "info", 0, 7200)]
    evidence = got.findings[0].evidence
    assert (evidence["gap_s"], evidence["nominal_period_s"]) == (7200.0, 900)
    assert "nothing measured the total" in evidence["meaning"]


def test_every_bucket_that_a_pause_reaches_into_is_estimated() -> None:
    got = buckets([0, 600, 2100, 2700, 3600], [4, 4, 4, 4, 4])
    assert [m for _, _, m in rows(got)] == [LINEAR, LINEAR, LINEAR, MEASURED]


def test_a_pause_beyond_the_straight_line_is_missing() -> None:
    # 900..8101 s is 7201 s: the bucket before ends at its start, that at 8100 begins inside of it
    got = buckets([0, 900, 8101, 9000, 9900], [4, 4, 4, 4, 4])
    assert rows(got) == [(0, 1.0, MEASURED), (9000, 1.0, MEASURED)]
    assert found(got) == [("rate.gap", "warning", 900, 8101)]
    assert "stay missing" in got.findings[0].evidence["meaning"]


def test_two_gaps_that_meet_in_a_bucket() -> None:
    # 8000 and 8050 lie in one: neither what is before them nor what is after them is known
    assert rows(buckets([0, 8000, 8050, 16_200, 17_100], [4] * 5)) == [(16_200, 1.0, MEASURED)]


def test_the_limit_is_a_parameter_but_never_below_what_counts_as_measured() -> None:
    assert rows(buckets([0, 3600], [4, 4], straight_s=1800)) == []
    assert [m for _, _, m in rows(buckets([0, 7200], [4, 4], 7200, straight_s=1800))] == [0] * 8
    assert [m for _, _, m in rows(buckets([0, 9000], [4, 4], straight_s=9000))] == [LINEAR] * 10


def test_only_pauses_that_reach_into_the_range_are_told() -> None:
    at = np.array([0.0, 7200.0, 16_200.0]) + T0
    for low, high, codes in [
        (0, 900, ["interval.gap"]),
        (7200, 8100, ["rate.gap"]),
        (6300, 8100, ["interval.gap", "rate.gap"]),
        (16_200, 17_100, []),
    ]:
        got = rate_buckets(at, np.ones(3), 1.0, 900, T0 + low, T0 + high)
        assert [f.code for f in got.findings] == codes, (low, high)


READINGS = st.lists(
    st.tuples(st.integers(0, 60_000), st.integers(-1000, 1000)), unique_by=lambda r: r[0]
)
GAPPY = st.lists(st.tuples(st.integers(1, 9000), st.integers(-1000, 1000)), min_size=2, max_size=25)


def _series(steps: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    at = np.cumsum([s for s, _ in steps]).astype(float) + T0
    return at, np.array([v / 7 for _, v in steps])


@given(GAPPY, st.sampled_from([60, 900, 3600]), st.lists(st.integers(0, 260), max_size=6))
def test_any_partition_of_the_range_gives_the_same_bits(
    steps: list[tuple[int, int]], period_s: int, cuts: list[int]
) -> None:
    at, raw = _series(steps)
    edges = [T0 + 900 * n for n in sorted({0, 260, *cuts})]
    whole = rate_buckets(at, raw, 1.1, period_s, edges[0], edges[-1])
    starts, values, methods = [], [], []
    for low_s, high_s in itertools.pairwise(edges):
        before, after = at[at <= low_s], at[at >= high_s]
        near = at >= (before[-1] if len(before) else low_s)
        near &= at <= (after[0] if len(after) else high_s)
        part = rate_buckets(at[near], raw[near], 1.1, period_s, low_s, high_s)
        starts += part.start_s.tolist()
        values += part.value.tolist()
        methods += part.method.tolist()
        told = {(f.code, f.start, f.stop) for f in part.findings}
        assert told <= {(f.code, f.start, f.stop) for f in whole.findings}
    assert starts == whole.start_s.tolist()
    assert values == whole.value.tolist()  # not nearly: the same bits
    assert methods == whole.method.tolist()


@given(GAPPY)
def test_the_sum_of_the_buckets_is_the_integral(steps: list[tuple[int, int]]) -> None:
    at, raw = _series([(0, 5), *((s % 7200 + 1, v) for s, v in steps)])
    end_s = at[-1] // 900 * 900 + 900  # close the last bucket
    at, raw = np.append(at, end_s), np.append(raw, 3.0)
    got = rate_buckets(at, raw, 1.0, 900, T0, T0 + 500_000)
    total = float(((raw[1:] + raw[:-1]) / 2 * np.diff(at)).sum() / 3600)
    assert got.value.sum() == pytest.approx(total, rel=1e-9, abs=1e-6)
    assert got.start_s.tolist() == list(range(T0, int(end_s), 900))


@given(READINGS)
def test_a_bucket_is_there_exactly_if_no_gap_touches_it(rows_: list[tuple[int, int]]) -> None:
    at = [float(t) for t, _ in sorted(rows_)]
    got = buckets(at, [float(v) for _, v in sorted(rows_)])
    expected = []
    for start in range(0, 60_000, 900):
        steps = [b - a for a, b in itertools.pairwise(at) if a < start + 900 and b > start]
        covered = bool(at) and at[0] <= start and at[-1] >= start + 900
        if covered and max(steps) <= 7200:
            expected.append(start)
    assert [s for s, _, _ in rows(got)] == expected


@given(GAPPY, st.floats(-1e3, 1e3))
def test_a_constant_rate_gives_the_same_in_every_quarter_hour(
    steps: list[tuple[int, int]], rate: float
) -> None:
    at, _ = _series(steps)
    got = rate_buckets(at, np.full(len(at), rate), 1.0, 900, T0, T0 + 500_000)
    assert got.value.tolist() == pytest.approx([rate / 4] * len(got.value))
