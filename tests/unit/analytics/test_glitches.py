"""Readings that are not the register, by hand; what they cost, and that parts agree with wholes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.metering.glitches import CONTEXT_SAMPLES, find_glitches
from analytics.metering.registers import RegisterSpec, register_buckets

T0 = 1_772_323_200


@pytest.mark.parametrize(
    ("raw", "glitches"),
    [
        pytest.param([100, 101, 102], [], id="none"),
        pytest.param([100, 0, 101, 102], [1], id="false-zero"),
        pytest.param([100, 0, 0, 0, 101], [1, 2, 3], id="three-false-zeros"),
        pytest.param([100, 0, 0, 0, 0, 101], [], id="four-are-a-new-segment"),
        pytest.param([100, 9999, 101, 102], [1], id="spike"),
        pytest.param([100, 0, 101, 0, 102, 0, 103], [1, 3, 5], id="every-other-one"),
        pytest.param([100, 9998, 101, 102, 103, 104, 9999, 105], [1, 6], id="two-spikes"),
        pytest.param([100, 9999, 101, 9999, 102], [1, 2, 3], id="between-equal-spikes"),
        pytest.param([500, 3, 5, 8], [], id="reset"),
        pytest.param([999_990, 5, 15], [], id="roll-over"),
        pytest.param([100, 99, 100], [1], id="one-step-back"),
        pytest.param([0, 101, 102], [], id="nothing-before-it-to-return-to"),
    ],
)
def test_by_hand(raw: list[float], glitches: list[int]) -> None:
    assert np.flatnonzero(find_glitches(np.array(raw, dtype=float))).tolist() == glitches


def test_a_false_zero_costs_no_energy_and_invents_none() -> None:
    at = T0 + 900.0 * np.arange(5)
    raw = np.array([100.0, 101.0, 0.0, 103.0, 104.0])
    got = register_buckets(at, raw, RegisterSpec(1.0, 1e6, 900, None), T0, T0 + 9000)
    assert got.value.tolist() == [1.0, 1.0, 1.0, 1.0]
    assert got.estimated.tolist() == [False, True, True, False]  # the boundary was interpolated
    assert [f.code for f in got.findings] == ["register.glitch"]


@given(st.lists(st.integers(0, 60), min_size=2, max_size=60), st.data())
def test_a_part_with_its_context_agrees_with_the_whole(
    values: list[int], data: st.DataObject
) -> None:
    raw = np.array(values, dtype=float)
    at = T0 + 900.0 * np.arange(len(raw))
    spec = RegisterSpec(1.0, 50.0, 900, None)
    whole = register_buckets(at, raw, spec, T0, T0 + 10**7)
    first = data.draw(st.integers(0, len(raw) - 2))
    last = data.draw(st.integers(first + 1, len(raw) - 1))
    low, high = int(at[first]), int(at[last])
    near = slice(max(first - CONTEXT_SAMPLES, 0), last + CONTEXT_SAMPLES + 1)
    part = register_buckets(at[near], raw[near], spec, low, high)
    inside = (whole.start_s >= low) & (whole.start_s < high)
    assert part.start_s.tolist() == whole.start_s[inside].tolist()
    assert part.value.tolist() == whole.value[inside].tolist()
