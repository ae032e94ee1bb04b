"""Means of a state, with lowest, highest and last, against hand calculations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.metering.buckets import Buckets
from analytics.metering.gauges import gauge_buckets

T0 = 1_772_323_200  # 2026-03-01 00:00 UTC, on a bucket boundary


def buckets(at: list[float], raw: list[float], factor: float = 1.0) -> Buckets:
    times = np.array(at, dtype=float) + T0
    return gauge_buckets(times, np.array(raw, dtype=float), factor, T0 - 9000, T0 + 9000)


def rows(got: Buckets) -> list[tuple[float, ...]]:
    assert got.low is not None
    assert got.high is not None
    assert got.last is not None
    columns = (got.start_s - T0, got.value, got.low, got.high, got.last)
    return list(zip(*(c.tolist() for c in columns), strict=True))


def test_mean_lowest_highest_and_last() -> None:
    # (2 + 8 + 5) / 3 = 5; the bucket at 900 holds one reading; that at 1800 is not closed
    assert rows(buckets([0, 300, 899, 900, 1800], [2, 8, 5, -4, 7])) == [
        (0, 5.0, 2.0, 8.0, 5.0),
        (900, -4.0, -4.0, -4.0, -4.0),
    ]


def test_the_factor_holds_for_all_of_them() -> None:
    # MW to kW
    assert rows(buckets([0, 600, 900], [1.5, 0.5, 9], factor=1000)) == [
        (0, 1000.0, 500.0, 1500.0, 500.0)
    ]


def test_a_bucket_closes_with_the_first_reading_after_it() -> None:
    assert rows(buckets([0, 899], [1, 3])) == []
    assert rows(buckets([0, 899, 900], [1, 3, 9])) == [(0, 2.0, 1.0, 3.0, 3.0)]


def test_a_state_is_not_carried_forward() -> None:
    assert [r[0] for r in rows(buckets([0, 2700, 3600], [1, 1, 1]))] == [0, 2700]


def test_a_mean_is_never_an_estimate_and_nothing_gives_nothing() -> None:
    assert buckets([0, 900], [1, 2]).estimated.tolist() == [False]
    assert rows(buckets([], [])) == []
    assert rows(buckets([-20_000, 20_000], [1, 2])) == []  # outside of the range


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(-999, 999)), unique_by=lambda r: r[0]),
    st.integers(0, 20),
    st.integers(1, 10),
)
def test_any_window_gives_the_same_bits_as_the_whole(
    given_rows: list[tuple[int, int]], first: int, length: int
) -> None:
    at = np.array(sorted(n for n, _ in given_rows), dtype=float) + T0
    raw = np.array([v / 7 for _, v in sorted(given_rows)])
    whole = gauge_buckets(at, raw, 1.1, T0, T0 + 90_000)
    low_s, high_s = T0 + first * 900, T0 + (first + length) * 900
    after = at[at >= high_s][:1]
    near = (at >= low_s) & (at <= (after[0] if len(after) else high_s))
    part = gauge_buckets(at[near], raw[near], 1.1, low_s, high_s)
    inside = (whole.start_s >= low_s) & (whole.start_s < high_s)
    for name in ("start_s", "value", "low", "high", "last"):
        assert getattr(part, name).tolist() == getattr(whole, name)[inside].tolist(), name


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_the_mean_lies_between_lowest_and_highest(values: list[float]) -> None:
    at = [n * 900 / len(values) for n in range(len(values))]
    ((_, mean, low, high, last),) = rows(buckets([*at, 900], [*values, 0]))
    assert (low, high, last) == (min(values), max(values), values[-1])
    assert low <= mean <= high or mean == pytest.approx(low)
