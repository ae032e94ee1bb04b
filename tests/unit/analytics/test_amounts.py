"""Amounts per period against hand calculations, and properties that must hold for any data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.metering.amounts import amount_buckets
from analytics.metering.buckets import Buckets
from models.quality import EVEN, MEASURED, SOURCE

T0 = 1_772_323_200  # 2026-03-01 00:00 UTC, on a bucket boundary
DAY = 86_400


def buckets(at: list[float], raw: list[float], period_s: int = 900, factor: float = 1.0) -> Buckets:
    times = np.array(at, dtype=float) + T0
    amounts = np.array(raw, dtype=float)
    return amount_buckets(times, amounts, factor, period_s, T0 - 10 * DAY, T0 + 10 * DAY)


def rows(got: Buckets) -> list[tuple[int, float, bool]]:
    starts = (got.start_s - T0).tolist()
    return list(zip(starts, got.value.tolist(), got.estimated.tolist(), strict=True))


def overlaps(got: Buckets) -> list[tuple[float, float]]:
    found = [f for f in got.findings if f.code == "interval.overlap"]
    return [(f.start.timestamp() - T0, f.stop.timestamp() - T0) for f in found]


def test_a_quarter_hour_is_its_bucket() -> None:
    # the stamp is the start; 1800 is missing and stays missing
    assert rows(buckets([0, 900, 2700], [3.17, 4.0, 0.0])) == [
        (0, 3.17, False),
        (900, 4.0, False),
        (2700, 0.0, False),
    ]


def test_the_factor_is_applied() -> None:
    # 0.25 of a meter behind 400 x 110 (44 000) = 11 000 kWh
    assert rows(buckets([0], [0.25], factor=44_000)) == [(0, 11_000.0, False)]


def test_half_hours_are_spread_evenly_and_estimated() -> None:
    assert rows(buckets([0, 1800], [3.0, 5.0], 1800)) == [
        (0, 1.5, True),
        (900, 1.5, True),
        (1800, 2.5, True),
        (2700, 2.5, True),
    ]


def test_a_day_is_spread_over_96_buckets() -> None:
    # a local day of Shanghai begins at 16:00 UTC: no multiple of a day, but of a bucket
    got = buckets([-8 * 3600], [96.0], DAY)
    assert got.start_s.tolist() == [T0 - 8 * 3600 + 900 * n for n in range(96)]
    assert got.value.tolist() == [1.0] * 96
    assert got.estimated.all()


def test_five_minutes_are_summed() -> None:
    assert rows(buckets([0, 300, 600, 900, 1200, 1500], [1, 2, 4, 8, 16, 32], 300)) == [
        (0, 7.0, False),
        (900, 56.0, False),
    ]


def test_a_bucket_with_a_missing_part_is_absent_until_the_part_comes() -> None:
    assert rows(buckets([0, 600, 900, 1200, 1500], [1, 4, 8, 16, 32], 300)) == [(900, 56.0, False)]
    assert rows(buckets([0, 300], [1, 2], 300)) == []  # not closed yet
    assert rows(buckets([0, 300, 600], [1, 2, 4], 300)) == [(0, 7.0, False)]


def test_periods_beside_the_grid_are_split_by_time_and_estimated() -> None:
    # [300, 1200) and [1200, 2100): of the bucket 900..1800 the first covers 300 s, the second 600 s
    assert rows(buckets([300, 1200], [9.0, 18.0])) == [(900, 3.0 + 12.0, True)]


def test_overlapping_periods_count_neither_twice_nor_once() -> None:
    got = buckets([0, 1800, 3600, 5400], [4.0, 8.0, 8.0, 8.0], 3600)
    # [0, 3600), [1800, 5400), [3600, 7200), [5400, 9000): only the outermost halves are single
    assert [r[0] for r in rows(got)] == [0, 900, 7200, 8100]
    assert overlaps(got) == [(1800, 3600), (3600, 5400), (5400, 7200)]


def test_an_overlap_inside_one_bucket_leaves_its_neighbours() -> None:
    got = buckets([0, 300, 500, 600, 900, 1200, 1500], [1, 1, 1, 1, 1, 1, 1], 300)
    assert rows(got) == [(900, 3.0, False)]
    assert overlaps(got) == [(500, 600), (600, 800)]


def test_an_overlap_does_not_make_up_for_a_gap() -> None:
    # [0, 300), [150, 450), [600, 900): 900 s in all, but 150..300 twice and 450..600 not at all
    assert rows(buckets([0, 150, 600], [1, 1, 1], 300)) == []


def test_what_an_overlap_finding_says() -> None:
    (found,) = buckets([0, 600], [1.0, 1.0]).findings
    assert (found.code, found.severity, found.channel_id) == ("interval.overlap", "warning", None)
    assert found.evidence["overlap_s"] == 300.0  # [0, 900) and [600, 1500)
    assert found.evidence["period_s"] == 900
    assert "stay missing" in found.evidence["meaning"]


def test_only_overlaps_of_the_range_are_told() -> None:
    at = np.array([0.0, 600.0, 9000.0]) + T0
    raw = np.ones(3)
    for low, high, number in [(0, 900, 1), (900, 1800, 0), (-900, 0, 0)]:
        got = amount_buckets(at, raw, 1.0, 900, T0 + low, T0 + high)
        assert len(got.findings) == number, (low, high)


def test_what_the_source_estimated_is_estimated_by_the_source() -> None:
    at = np.array([0.0, 300.0, 600.0, 900.0, 1200.0, 1500.0]) + T0
    marked = np.array([False, True, False, False, False, False])
    got = amount_buckets(at, np.ones(6), 1.0, 300, T0, T0 + 1800, marked)
    assert got.method.tolist() == [SOURCE, MEASURED]
    assert got.value.tolist() == [3.0, 3.0]


def test_a_long_period_that_the_source_estimated() -> None:
    at = np.array([0.0, 1800.0]) + T0
    got = amount_buckets(at, np.ones(2), 1.0, 1800, T0, T0 + 3600, np.array([False, True]))
    assert got.method.tolist() == [EVEN, EVEN, SOURCE, SOURCE]


def test_nothing_gives_nothing() -> None:
    assert rows(buckets([], [])) == []


PERIODS = [60, 300, 450, 900, 1800, 3600, DAY]


@given(
    st.sampled_from(PERIODS),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 1000)), unique_by=lambda r: r[0]),
    st.integers(0, 300),
    st.integers(1, 60),
)
def test_any_window_gives_the_same_bits_as_the_whole(
    period_s: int, given_rows: list[tuple[int, int]], first: int, length: int
) -> None:
    at = np.array(sorted(n for n, _ in given_rows), dtype=float) * min(period_s, 900) + T0
    raw = np.array([v / 7 for _, v in sorted(given_rows)], dtype=float)
    whole = amount_buckets(at, raw, 1.1, period_s, T0 - 900, T0 + 500 * DAY)
    low_s, high_s = T0 + first * 900, T0 + (first + length) * 900
    near = (at > low_s - period_s) & (at < high_s)
    part = amount_buckets(at[near], raw[near], 1.1, period_s, low_s, high_s)
    inside = (whole.start_s >= low_s) & (whole.start_s < high_s)
    assert part.start_s.tolist() == whole.start_s[inside].tolist()
    assert part.value.tolist() == whole.value[inside].tolist()  # not nearly: the same bits
    assert part.estimated.tolist() == whole.estimated[inside].tolist()


@given(st.sampled_from(PERIODS), st.lists(st.integers(0, 10**6), min_size=15, max_size=60))
def test_without_gaps_the_total_is_kept(period_s: int, amounts: list[int]) -> None:
    per_bucket = max(900 // period_s, 1)
    whole = amounts[: len(amounts) // per_bucket * per_bucket]
    at = [float(n * period_s) for n in range(len(whole))]
    got = amount_buckets(
        np.array(at) + T0, np.array(whole, dtype=float), 1.0, period_s, T0, T0 + 100 * DAY
    )
    assert got.value.sum() == pytest.approx(sum(whole), rel=1e-12)
    assert got.estimated.all() == (period_s > 900)
    assert got.findings == []
