"""Amounts of events against hand calculations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.metering.batches import batch_buckets
from analytics.metering.buckets import Buckets

T0 = 1_772_323_200  # 2026-03-01 00:00 UTC, on a bucket boundary


def buckets(at: list[float], raw: list[float], factor: float = 1.0) -> Buckets:
    times = np.array(at, dtype=float) + T0
    return batch_buckets(times, np.array(raw, dtype=float), factor, T0, T0 + 9000)


def rows(got: Buckets) -> list[tuple[int, float, bool]]:
    starts = (got.start_s - T0).tolist()
    return list(zip(starts, got.value.tolist(), got.estimated.tolist(), strict=True))


def test_the_events_of_a_quarter_hour_are_summed() -> None:
    # 24.5 + 30 t; an event on the border belongs to what begins there
    assert rows(buckets([10, 899.999, 900], [24.5, 30, 7])) == [(0, 54.5, False), (900, 7.0, False)]


def test_no_event_is_missing_and_a_zero_is_a_sign_of_life() -> None:
    assert rows(buckets([0, 1800], [0, 5])) == [(0, 0.0, False), (1800, 5.0, False)]


def test_a_bucket_counts_without_a_later_reading() -> None:
    assert rows(buckets([5], [3])) == [(0, 3.0, False)]


def test_the_factor_is_applied() -> None:
    # kg to t
    assert buckets([5, 6], [24_500, 500], factor=1e-3).value.tolist() == pytest.approx([25.0])


def test_nothing_beyond_the_range() -> None:
    assert rows(buckets([-1, 9000], [1, 1])) == []
    assert rows(buckets([], [])) == []


@given(
    st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 999)), unique_by=lambda r: r[0]),
    st.integers(1, 9),
)
def test_any_cut_of_the_range_gives_the_same_bits(events: list[tuple[int, int]], cut: int) -> None:
    at = np.array(sorted(t for t, _ in events), dtype=float) + T0
    raw = np.array([v / 7 for _, v in sorted(events)])
    whole = batch_buckets(at, raw, 1.1, T0, T0 + 9900)
    edge = T0 + cut * 900
    before = batch_buckets(at[at < edge], raw[at < edge], 1.1, T0, edge)
    after = batch_buckets(at[at >= edge], raw[at >= edge], 1.1, edge, T0 + 9900)
    assert [*before.start_s, *after.start_s] == whole.start_s.tolist()
    assert [*before.value, *after.value] == whole.value.tolist()  # not nearly: the same bits
    assert whole.value.sum() == pytest.approx(sum(v for _, v in events) / 7 * 1.1)
