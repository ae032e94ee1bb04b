"""Any part of history, computed again alone, gives the same bits as the whole."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.metering.registers import RegisterSpec, register_buckets
from tests.unit.analytics.register_series import T0, noted, rows, series

FAR = 10**8


def bounds(at_s: np.ndarray, got: object) -> tuple[float, float]:
    """The range of a reach, to the ends of the data where it is open."""
    low, high = got.low_s, got.high_s  # type: ignore[attr-defined]
    return max(low, T0 - 90 * 900.0 * 96), min(high, T0 + FAR)


@given(st.integers(0, 10**6), st.integers(10, 400), st.data())
@settings(max_examples=300, deadline=None)
def test_a_part_has_the_bits_of_the_whole(seed: int, n: int, data: st.DataObject) -> None:
    at_s, raw, spec = series(seed, n)
    whole = register_buckets(at_s, raw, spec, T0 - 90 * 86400, T0 + FAR)
    assert (whole.value >= 0).all()
    a = data.draw(st.integers(0, n - 1))
    b = data.draw(st.integers(a, min(a + 30, n - 1)))
    reach = spec.reach(at_s.tolist(), raw.tolist(), at_s[a], at_s[b])
    low, high = bounds(at_s, reach)
    assert low <= at_s[a]
    assert high > at_s[b]
    inside = slice(reach.first, reach.stop)
    part = register_buckets(at_s[inside], raw[inside], spec, low, high)
    assert rows(part, low, high) == rows(whole, low, high)
    assert noted(part, low, high) == noted(whole, low, high)


@given(st.integers(0, 10**6), st.integers(10, 300), st.data())
@settings(max_examples=300, deadline=None)
def test_new_readings_change_nothing_beyond_their_reach(
    seed: int, n: int, data: st.DataObject
) -> None:
    at_s, raw, spec = series(seed, n)
    a = data.draw(st.integers(0, n - 1))
    b = data.draw(st.integers(a, min(a + 20, n - 1)))
    new = np.zeros(n, dtype=bool)
    new[a : b + 1] = data.draw(st.lists(st.booleans(), min_size=b + 1 - a, max_size=b + 1 - a))
    if new.all():
        return
    before = register_buckets(at_s[~new], raw[~new], spec, T0 - 90 * 86400, T0 + FAR)
    after = register_buckets(at_s, raw, spec, T0 - 90 * 86400, T0 + FAR)
    low, high = bounds(at_s, spec.reach(at_s.tolist(), raw.tolist(), at_s[a], at_s[b]))
    for part in ((T0 - FAR, low), (high, T0 + FAR)):
        assert rows(before, *part) == rows(after, *part)
        assert noted(before, *part) == noted(after, *part)


def test_a_live_reading_of_a_clean_register_reaches_a_few_hours() -> None:
    at_s = T0 + 900.0 * np.arange(2000)
    raw = np.cumsum(np.full(2000, 1.5))
    reach = RegisterSpec(1, None, 900, None).reach(at_s.tolist(), raw.tolist(), at_s[-1], at_s[-1])
    assert at_s[-1] - reach.low_s <= 12 * 900
    assert len(at_s) - reach.first <= 24
    assert reach.high_s == np.inf


def test_a_live_second_reaches_an_hour_at_most() -> None:
    at_s = T0 + np.arange(20_000.0)
    reach = RegisterSpec(1, None, 1, None).reach(
        at_s.tolist(), np.arange(20_000.0).tolist(), at_s[-1], at_s[-1]
    )
    assert len(at_s) - reach.first <= 3600


def test_late_readings_reach_a_few_hours_both_ways() -> None:
    at_s = T0 + 900.0 * np.arange(2000)
    raw = np.cumsum(np.full(2000, 1.5))
    reach = RegisterSpec(1, None, 900, None).reach(at_s, raw, at_s[1000], at_s[1000])
    first, stop = bisect_left(at_s, reach.low_s), bisect_right(at_s, reach.high_s)
    assert 1000 - first <= 14
    assert stop - 1000 <= 14
    assert reach.stop - reach.first <= 50
