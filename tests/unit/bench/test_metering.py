"""Figures of the metering bench, and that its late readings are those that did not come in time."""

from __future__ import annotations

import numpy as np
import pytest

from bench.site import PER_DAY, Site, block, series, steps_of_day
from bench.views import percentiles

SITE = Site(channels=20, days=180, early_days=90)


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    found = percentiles([float(n) for n in range(1, 101)])
    assert (found["dashboard_p50_ms"], found["dashboard_p95_ms"]) == (50.5, 95)
    assert percentiles([3.0])["dashboard_p95_ms"] == 3
    # 20 values: the 19th
    assert percentiles([0.0] * 18 + [7.0, 9.0])["dashboard_p95_ms"] == 7


@pytest.mark.parametrize("number", [0, 1, 7])
def test_two_parts_and_what_comes_late_are_the_whole(number: int) -> None:
    late = steps_of_day(60)
    whole = series(SITE, number)
    parts = [
        block(SITE, range(number, number + 1), *days, {number: late})
        for days in ((0, 90), (90, 180))
    ]
    wanted = whole.present.copy()
    wanted[-1] = False  # a live reading
    came = np.concatenate([p.at_s for p in parts])
    in_time = wanted.copy()
    in_time[late] = False
    assert came.tolist() == whole.at_s[in_time].tolist()
    assert len(came) + wanted[late].sum() == wanted.sum()


def test_registers_rise_and_one_rolls_over() -> None:
    rising, rolling = series(SITE, 1).value, series(SITE, 7).value
    assert (np.diff(rising) >= 0).all()
    assert (np.diff(rolling) < 0).sum() == 1
    assert rolling[0] > 999_000 > rolling[10 * PER_DAY]


def test_late_days_and_readings_are_spread_over_enterprises() -> None:
    site = Site()
    assert len(site.late) == 10
    assert len({site.enterprise(n) for n in site.late}) >= 5
    assert {site.enterprise(n) for n in range(1000)} == set(range(20))
