"""Totals spread by hand."""

from __future__ import annotations

import pytest

from analytics.metering.edits import spread_total


@pytest.mark.parametrize(
    ("total", "present", "expected"),
    [
        pytest.param(500, [100, 200, 300, 400], [50, 100, 150, 200], id="in-proportion"),
        pytest.param(30, [0, 0], [15, 15], id="nothing-there"),
        pytest.param(0, [1, 3], [0, 0], id="to-zero"),
        pytest.param(-30, [-1, -2], [-10, -20], id="a-rate-that-flows-back"),
        pytest.param(30, [-100, 101], [15, 15], id="signs-that-cancel"),
    ],
)
def test_a_total_keeps_its_sum(total: float, present: list[float], expected: list[float]) -> None:
    assert spread_total(total, present) == pytest.approx(expected)
