"""Register differences against hand calculations."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.metering.gauges import gauge_buckets
from analytics.metering.registers import RegisterSpec, register_buckets

T0 = 1_772_323_200  # 2026-03-01 00:00 UTC, on a bucket boundary
PLAIN = RegisterSpec(factor=1.0, modulus=None, period_s=900, rated_per_h=None)


def buckets(at: list[float], raw: list[float], spec: RegisterSpec = PLAIN):  # type: ignore[no-untyped-def]
    times = np.array(at, dtype=float) + T0
    return register_buckets(times, np.array(raw, dtype=float), spec, T0 - 86400, T0 + 864000)


def test_difference_on_boundaries() -> None:
    got = buckets([0, 900, 1800], [100.0, 101.5, 104.0])
    assert got.start_s.tolist() == [T0, T0 + 900]
    assert got.value.tolist() == [1.5, 2.5]
    assert not got.estimated.any()


def test_readings_off_the_boundary_are_interpolated() -> None:
    # 100 at -300 s, 106 at 300 s: 103 at 0; 112 at 900 s -> 9 in the bucket
    got = buckets([-300, 300, 900], [100, 106, 112])
    assert got.start_s.tolist() == [T0]
    assert got.value.tolist() == [9.0]


def test_factor_is_multiplier_times_unit() -> None:
    # 0.01 kWh x (110 kV/100 V x 600/5 = 132 000) = 1 320 kWh (domain facts 7.1)
    spec = RegisterSpec(132_000.0, 1e6, 900, None)
    assert buckets([0, 900], [5.00, 5.01], spec).value[0] == pytest.approx(1320.0, rel=1e-9)


def test_rollover_by_modulus() -> None:
    # 999 990.50 -> 12.25, x 132 000 -> 2 871 000 kWh (test vector of domain facts 8)
    spec = RegisterSpec(132_000.0, 1e6, 900, None)
    got = buckets([0, 900], [999_990.50, 12.25], spec)
    assert got.value[0] == pytest.approx(2_871_000)


def test_rollover_that_rated_power_forbids_is_a_fall() -> None:
    spec = RegisterSpec(1.0, 1e6, 900, rated_per_h=100.0)
    got = buckets([0, 900, 1800], [950_000, 10, 20], spec)
    assert got.start_s.tolist() == [T0 + 900]
    assert got.value.tolist() == [10.0]
    assert [f.code for f in got.findings] == ["register.reset"]


def test_fall_in_the_middle_of_the_display_begins_a_new_segment() -> None:
    got = buckets([0, 900, 1800, 2700], [500, 501, 3, 5])
    assert got.start_s.tolist() == [T0, T0 + 1800]  # nothing across the fall, never negative
    assert got.value.tolist() == [1.0, 2.0]


def test_long_pause_is_estimated_and_keeps_the_total() -> None:
    got = buckets([0, 900, 4500, 5400], [0, 1, 9, 10])
    assert got.value.tolist() == [1, 2, 2, 2, 2, 1]
    assert got.estimated.tolist() == [False, True, True, True, True, False]
    assert [f.code for f in got.findings] == ["interval.gap"]


def test_pause_inside_one_bucket_is_exact() -> None:
    spec = RegisterSpec(1.0, None, 60, None)
    got = buckets([0, 60, 840, 900], [0, 1, 2, 3], spec)
    assert got.value.tolist() == [3.0]
    assert not got.estimated.any()


def test_hourly_meter_within_its_period_is_measured() -> None:
    got = buckets([0, 3600], [0, 8], RegisterSpec(1.0, None, 3600, None))
    assert got.value.tolist() == [2, 2, 2, 2]
    assert not got.estimated.any()


def test_open_bucket_is_not_computed() -> None:
    assert len(buckets([0, 600], [0, 5]).value) == 0
    assert len(buckets([0], [0]).value) == 0


def test_gauge_means_only_closed_buckets() -> None:
    at = np.array([0, 300, 600, 900, 2000]) + float(T0)
    got = gauge_buckets(at, np.array([1.0, 2.0, 6.0, 5.0, 7.0]), 1000.0, T0, T0 + 9000)
    assert got.start_s.tolist() == [T0, T0 + 900]
    assert got.value.tolist() == [3000.0, 5000.0]
