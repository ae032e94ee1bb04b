"""Every rule of a register by hand: where it fires, and where it stays quiet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.metering.buckets import Buckets
from analytics.metering.registers import Installation, RegisterSpec, register_buckets
from models.quality import FLAT, LIKE_DAYS, LINEAR

T0 = 1_772_323_200.0  # 2026-03-01 00:00 UTC, on a bucket boundary
Q = 900.0


def run(
    raw: Sequence[float],
    at: Sequence[float] | None = None,
    modulus: float | None = None,
    rated: float | None = None,
    records: tuple[Installation, ...] = (),
    shapes: dict[tuple[float, float], np.ndarray] | None = None,
) -> Buckets:
    """Buckets of readings at quarter-hours (or at the given quarter-hours) of 1 March."""
    spec = RegisterSpec(1.0, modulus, 900, rated, installations=records)
    t = T0 + Q * np.array(range(len(raw)) if at is None else at, dtype=float)
    x = np.array(raw, dtype=float)
    return register_buckets(t, x, spec, T0 - 86400, T0 + 864000, shapes or {})


def codes(got: Buckets) -> list[str]:
    return [f.code.removeprefix("register.") for f in got.findings if f.code != "interval.gap"]


def amounts(got: Buckets) -> dict[int, float]:
    """Amount by number of the quarter-hour."""
    return {int((s - T0) // Q): round(v, 6) for s, v in zip(got.start_s, got.value, strict=True)}


@pytest.mark.parametrize(
    ("raw", "found", "total"),
    [
        pytest.param([100, 101, 102], [], 2, id="clean"),
        pytest.param([100, 0, 101, 102], ["glitch"], 2, id="false-zero"),
        pytest.param([100, 0, 0, 0, 101], ["glitch"], 1, id="three-false-zeros"),
        pytest.param([100] + [0] * 14 + [101], ["glitch"], 1, id="constant-however-long"),
        pytest.param([100, 0, 1, 2, 101], ["glitch"], 1, id="counting-but-back-within-samples"),
        pytest.param([100, 101, 0, 1, 2, 3, 4], ["reset"], 5, id="counts-on"),
        pytest.param([100, 0, 1, 2, 3, 101], ["reset"], 101, id="four-that-count-are-a-reset"),
        pytest.param([30, 0, 10, 20, 30, 40], ["reset"], 40, id="back-without-a-jump"),
        pytest.param([100, 101, 0], ["held"], 1, id="held"),
        pytest.param([100, 101] + [0] * 40, ["held"], 1, id="held-however-long"),
        pytest.param([100, 101] + [0] * 40 + [102], ["glitch"], 2, id="held-and-back"),
        pytest.param([100, 101] + [0] * 40 + [1, 2], ["reset"], 3, id="held-and-counting"),
        pytest.param([100, 9999, 101, 102], ["glitch"], 2, id="spike"),
        pytest.param([100, 999, 999, 999, 101], ["glitch"], 1, id="spike-of-three"),
        pytest.param([100, 999, 999, 999, 999, 101], ["held"], 899, id="spike-of-four"),
        pytest.param([100.00, 99.99, 100.00], ["glitch"], 0, id="small-step-back"),
        pytest.param(
            [10, 10.02, 9, 9.2, 9.4, 9.6, 9.8, 10.0, 10.2], ["reset"], 1.22, id="small-reset"
        ),
        pytest.param([181366, 0, 0, 181440] + [0] * 14 + [181570], ["glitch"] * 2, 204, id="pair"),
    ],
)
def test_falls(raw: list[float], found: list[str], total: float) -> None:
    got = run(raw)
    assert codes(got) == found
    assert got.value.sum() == pytest.approx(total)
    assert (got.value >= 0).all()


def test_a_glitch_is_one_finding_with_its_count() -> None:
    (found,) = [f for f in run([100] + [0] * 14 + [101]).findings if f.code == "register.glitch"]
    assert (found.evidence["readings"], found.evidence["value"]) == (14, 0.0)
    assert (found.start.timestamp(), found.stop.timestamp()) == (T0 + Q, T0 + 14 * Q)


def test_minutes_allow_more_samples_than_three() -> None:
    seconds = np.arange(0, 1800) / 900
    raw = 1000 + np.arange(1800) / 10
    raw[600:900] = np.arange(300) / 100  # five minutes that count from 0, then a jump back
    got = run(raw.tolist(), seconds.tolist())
    assert codes(got) == ["glitch"]
    assert amounts(got) == {0: 90.0}
    raw[600:1600] = np.arange(1000) / 100  # 1,000 s are more than 15 minutes
    assert "glitch" not in codes(run(raw.tolist(), seconds.tolist()))


@pytest.mark.parametrize(
    ("raw", "at", "rated", "found", "total"),
    [
        pytest.param([990, 995, 5, 10], None, None, ["rollover"], 20, id="plain"),
        pytest.param([990, 995, 5, 10], None, 100, ["rollover"], 20, id="possible"),
        pytest.param([950, 995, 95, 97], None, 200, ["reset"], 47, id="100-in-15-min-at-200-per-h"),
        pytest.param([500, 5, 10], None, None, ["reset"], 5, id="from-the-middle"),
        pytest.param([995, 300, 310], None, None, ["reset"], 10, id="to-the-middle"),
        pytest.param([990, 0, 995, 5, 10], None, None, ["glitch", "rollover"], 20, id="glitch"),
        pytest.param([980, 990, 20], [0, 10, 50], 4, ["rollover"], 40, id="in-a-long-pause"),
    ],
)
def test_rollovers(
    raw: list[float], at: list[float] | None, rated: float | None, found: list[str], total: float
) -> None:
    got = run(raw, at, 1000, rated)
    assert codes(got) == found
    assert got.value.sum() == pytest.approx(total)


def test_a_rise_beyond_rated_power_is_not_measured() -> None:
    # 10 per hour: at most 2 x 2.5 in a quarter-hour, and a step of the last digit
    got = run([0, 2, 4, 504, 506, 508], rated=10)
    assert codes(got) == ["impossible_rise"]
    assert amounts(got) == {0: 2, 1: 2, 3: 2, 4: 2}
    assert codes(run([0, 2, 4, 9.25, 11], rated=10)) == ["impossible_rise"]
    assert codes(run([0, 2, 4, 8.75, 11], rated=10)) == []


def test_catch_up_by_rated_power() -> None:
    # frozen for four quarter-hours, then 10 at once: more than 2.75 + 1, less than 12.5 in 75 min
    got = run([0, 2, 2, 2, 2, 2, 12, 14], rated=10)
    assert codes(got) == ["catch_up"]
    assert amounts(got) == {0: 2, 1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2}
    assert got.method.tolist() == [0, LINEAR, LINEAR, LINEAR, LINEAR, LINEAR, 0]


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        pytest.param([0, 2, 4, 6, 8, 8, 8, 8, 16, 18, 20, 22, 24], ["catch_up"], id="steady"),
        pytest.param([0, 2, 4, 6, 8, 8, 8, 8, 10, 12, 14, 16, 18], [], id="was-off"),
        pytest.param([0, 2, 4, 6, 8, 8, 16, 18, 20, 22], [], id="one-equal-step"),
        pytest.param([0, 2, 2, 4, 6, 6, 6, 6, 14, 16, 18], [], id="no-steady-flow-before"),
        pytest.param([0, 5, 5, 5, 15, 15, 20, 20, 20, 25], [], id="batches"),
        pytest.param([0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], [], id="coarse"),
        pytest.param([0, 4, 8, 9, 9, 9, 9, 9, 10, 14, 18], [], id="pv-night"),
        # 5 x 2 in the time of the standstill: what the flow would have brought
        pytest.param([0, 2, 4, 6, 8, 8, 8, 8, 8, 18], ["catch_up"], id="nothing-after-it-yet"),
        pytest.param([0, 2, 4, 6, 6, 6, 6, 6, 16], [], id="too-little-before-and-nothing-after"),
        pytest.param([0, 2, 2, 2, 2, 10, 12, 14], ["catch_up"], id="one-before-two-after"),
        # another tariff of a meter: rates differ, or the jump is not what was missing
        pytest.param([0, 17, 247, 289, 291, 291, 291, 291, 3602, 3605], [], id="unsteady"),
        pytest.param([0, 4, 8, 12, 16, *[16] * 13, 27, 31, 35], [], id="less-than-was-missing"),
        pytest.param([0, 2, 4, 6, 8, 8, 8, 8, 30, 32, 34], ["catch_up"], id="a-morning-of-more"),
        pytest.param([0, 2, 4, 6, 8, 8, 8, 8, 180, 182], [], id="far-more-than-was-missing"),
    ],
)
def test_catch_up_between_steady_flows(raw: list[float], found: list[str]) -> None:
    got = run(raw)
    assert codes(got) == found
    assert got.value.sum() == pytest.approx(raw[-1] - raw[0])


def test_a_long_pause_is_flat_without_a_shape_and_follows_one() -> None:
    raw, at = [0, 10, 50, 60], [0, 1, 11, 12]  # 2.5 h
    got = run(raw, at)
    assert got.long_gaps == [(T0 + Q, T0 + 11 * Q)]
    assert set(got.method.tolist()) == {0, FLAT}
    assert amounts(got)[5] == 4.0
    shape = {(T0 + Q, T0 + 11 * Q): np.array([0, 0, 0, 3, 1, 0, 0, 0, 0, 0])}
    shaped = run(raw, at, shapes=shape)
    assert {k: v for k, v in amounts(shaped).items() if v} == {0: 10, 4: 30, 5: 10, 11: 10}
    assert shaped.value.sum() == pytest.approx(60)
    assert shaped.method.tolist() == [0, *[LIKE_DAYS] * 10, 0]
    zero = run(raw, at, shapes={(T0 + Q, T0 + 11 * Q): np.zeros(10)})
    assert zero.value.tolist() == got.value.tolist()
    assert zero.method.tolist() == got.method.tolist()


def test_the_ends_of_a_shaped_pause_take_their_covered_part() -> None:
    # from the middle of bucket 0 to the middle of bucket 10, weights 1: a third of bucket 0 is not
    got = run([0, 100], [0.5, 10.5], shapes={(T0 + 450, T0 + 10.5 * Q): np.ones(11)})
    assert amounts(got) == dict.fromkeys(range(1, 10), 10.0)


def record(at: float, replaced: bool = True, **facts: float | None) -> Installation:
    known = {"final_reading": None, "start_reading": None, "factor": 1.0}
    known |= {"modulus": None, "rated_per_h": None} | facts
    return Installation(T0 + at * Q, replaced, **known)  # type: ignore[arg-type]


def test_a_replacement_with_final_and_start_reading_misses_nothing() -> None:
    # old 104 -> 105 by 2.5, new 7 -> 10 in the half bucket after it
    new = record(2.5, final_reading=105, start_reading=7)
    got = run([100, 102, 104, 10, 12], records=(new,))
    assert amounts(got) == {0: 2, 1: 2, 2: 4, 3: 2}
    assert codes(got) == ["replacement"]


def test_a_replacement_without_readings_leaves_a_hole() -> None:
    got = run([100, 102, 104, 500, 502], records=(record(2.5),))  # 396 higher: no amount
    assert amounts(got) == {0: 2, 1: 2, 3: 2}
    assert codes(got) == ["replacement"]
    assert codes(run([100, 102, 104, 3, 5], records=(record(2.5),))) == ["replacement"]


def test_two_replacements_in_one_bucket() -> None:
    records = (
        record(2.25, final_reading=105, start_reading=0),
        record(2.5, final_reading=3, start_reading=50),
    )
    got = run([100, 102, 104, 52, 54], records=records)  # 1 + 3 + 2
    assert amounts(got) == {0: 2, 1: 2, 2: 6, 3: 2}


def test_a_replacement_at_the_instant_of_a_reading() -> None:
    got = run([100, 102, 0, 3], records=(record(2, final_reading=104, start_reading=0),))
    assert amounts(got) == {0: 2, 1: 2, 2: 3}
    got = run([100, 102, 104, 3], records=(record(2, final_reading=104, start_reading=0),))
    assert amounts(got) == {0: 2, 1: 2, 2: 3}


def test_a_declared_start_reading_counts_before_a_reading_of_the_same_instant() -> None:
    got = run([100, 102, 5, 8], records=(record(2, final_reading=104, start_reading=0),))
    assert amounts(got) == {0: 2, 1: 2, 2: 8}


def test_a_new_multiplier_holds_from_its_instant() -> None:
    # half of bucket 1 at 1, half at 10: 1 + 10
    got = run([0, 2, 4, 6], records=(record(1.5, replaced=False, factor=10.0),))
    assert amounts(got) == {0: 2, 1: 11, 2: 20}
    assert codes(got) == []


def test_daily_and_second_sampling() -> None:
    spec = RegisterSpec(1.0, None, 86400, None)
    t = T0 + 86400.0 * np.arange(3)
    got = register_buckets(t, np.array([0.0, 96, 288]), spec, T0, T0 + 4 * 86400)
    assert got.value.tolist() == pytest.approx([1.0] * 96 + [2.0] * 96)
    assert got.estimated.all()  # as planned, the total is measured; the shape of a day is not
    assert (got.findings, got.long_gaps) == ([], [])
    hourly = RegisterSpec(1.0, None, 3600, None)
    t = T0 + 3600.0 * np.arange(3)
    assert not register_buckets(t, np.arange(3.0), hourly, T0, T0 + 7200).estimated.any()
    assert amounts(run((np.arange(1801) / 100).tolist(), (np.arange(1801) / 900).tolist())) == {
        0: 9.0,
        1: 9.0,
    }


def test_one_reading_says_nothing() -> None:
    assert len(run([5.0]).value) == 0
    assert len(run([]).value) == 0


@given(
    st.lists(st.tuples(st.integers(1, 7), st.integers(0, 5000)), min_size=2, max_size=50),
    st.sampled_from([1.0, 80.0, 0.1]),
)
def test_the_sum_is_the_register_difference(steps: list[tuple[int, int]], factor: float) -> None:
    t = T0 + Q * np.cumsum([s for s, _ in steps])
    raw = 99_000 + np.cumsum([v for _, v in steps]) / 100
    got = register_buckets(t, raw, RegisterSpec(factor, None, 900, None), T0, T0 + 10**6)
    assert got.value.sum() == pytest.approx((raw[-1] - raw[0]) * factor, abs=1e-6 * factor)
    assert (got.value >= 0).all()
    assert len(got.value) == (t[-1] - t[0]) / Q


def test_two_false_stamps_with_a_good_reading_between_them() -> None:
    # 1050 and 1060 came from a clock that was set forward: dropping these two explains everything,
    # dropping what lies below them would cost three readings
    at = [0, 1, 4 / 3, 2, 7 / 3, 3, 4, 7, 8]
    raw = [1000, 1010, 1050, 1020, 1060, 1030, 1040, 1070, 1080]
    got = run(raw, at)
    assert {n: v for n, v in amounts(got).items() if n < 4} == {0: 10, 1: 10, 2: 10, 3: 10}
    assert codes(got).count("glitch") == 2


def test_a_rise_is_impossible_above_twice_rated_power() -> None:
    assert amounts(run([0, 10, 29, 39], rated=40.0)) == {0: 10, 1: 19, 2: 10}
    assert amounts(run([0, 10, 35, 45], rated=40.0)) == {0: 10, 2: 10}


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        # 1412 is below 1542 and 1665 above it: a month of 253 is like the next one of 235
        pytest.param([1443, 1536, 1542, 1412, 1665, 1900, 2025], ["reset"], id="another-meter"),
        pytest.param([1289, 1366, 1444, 1412, 1665, 1900, 2025], ["reset"], id="one-month-above"),
        pytest.param([1289, 1366, 9444, 1412, 1665, 1900, 2025], ["glitch"], id="spike"),
        pytest.param([1443, 1536, 1542, 0, 1665, 1900, 2025], ["glitch"], id="false-zero"),
        pytest.param([1443, 1536, 1542, 1412, 1665], ["glitch"], id="not-yet-known"),
    ],
)
def test_months_apart_a_reset_may_be_back_at_the_next_reading(
    raw: list[float], found: list[str]
) -> None:
    spec = RegisterSpec(1.0, None, 30 * 86400, None)
    t = T0 + 30 * 86400.0 * np.arange(len(raw))
    got = register_buckets(t, np.array(raw, dtype=float), spec, T0, T0 + 8 * 30 * 86400)
    assert codes(got) == found
