"""Meter faults: what displays and clocks show, the same in any range."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from models.meters import Channel
from simulators.distort import Distortion
from simulators.timegrid import Floats, Ints, uniform
from tests.unit.simulators.test_events import events

START = datetime(2026, 3, 1, tzinfo=UTC)
COUNT = 96 * 30
STAMPS: Ints = int(START.timestamp()) + 900 * np.arange(COUNT)
RATE = 4.0  # per hour: one per reading


def channel(**facts: Any) -> Channel:
    document = {"quantity": "active_energy", "unit": "kWh", "kind": "register", "modulus": 1000}
    return Channel.model_validate(document | facts)


def register(at_s: Floats) -> Floats:
    return (900.0 + RATE * (at_s - START.timestamp()) / 3600) % 1000


def shown(*documents: dict[str, Any], stamps: Ints = STAMPS, seed: int = 1) -> Floats:
    return Distortion(events(*documents), seed).apply(
        "bl-grid",
        "import_kwh",
        channel(),
        stamps,
        register(stamps.astype(np.float64)),
        lambda s: float(register(np.array([s]))[0]),
    )


def fault(kind: str, first: int, last: int, **facts: Any) -> dict[str, Any]:
    """From the first reading up to, not with, the last."""
    low, high = (START + timedelta(seconds=900 * n) for n in (first, last))
    return {"kind": kind, "meter": "bl-grid", "from": low, "to": high, **facts}


TRUE = register(STAMPS.astype(np.float64))


def test_without_faults_of_this_meter_nothing_changes() -> None:
    other = fault("stuck", 0, 10) | {"meter": "st-grid"}
    channel_of_other = fault("stuck", 0, 10, channel="export_kwh")
    np.testing.assert_array_equal(shown(other, channel_of_other), TRUE)


def test_a_stuck_display_keeps_the_value_of_its_beginning_in_any_range() -> None:
    stuck = fault("stuck", 10, 30)
    out = shown(stuck)
    assert set(out[10:30]) == {910.0}
    np.testing.assert_array_equal(np.delete(out, range(10, 30)), np.delete(TRUE, range(10, 30)))
    assert set(shown(stuck, stamps=STAMPS[20:30])) == {910.0}


def test_a_reset_register_counts_on_and_wraps_at_its_modulus() -> None:
    at = {"kind": "reset", "meter": "bl-grid", "at": START + timedelta(seconds=450)}
    out = shown(at | {"to_value": 5})
    assert out[0] == 900.0
    assert out[1] == pytest.approx(5.5)
    np.testing.assert_allclose(out[1:], (4.5 + np.arange(1, COUNT)) % 1000)
    twice = shown(at, at | {"at": START + timedelta(seconds=900 * 200)})
    assert twice[199] == pytest.approx(198.5)
    assert twice[200] == pytest.approx(0.0)
    assert twice[210] == pytest.approx(10.0)


def test_a_register_stuck_after_its_reset_shows_the_new_count() -> None:
    reset = {"kind": "reset", "meter": "bl-grid", "at": START}
    assert set(shown(reset, fault("stuck", 10, 20))[10:20]) == {10.0}


def test_a_wrong_unit_is_a_factor_while_it_lasts() -> None:
    out = shown(fault("wrong_unit", 3, 5, channel="import_kwh", factor=1000))
    np.testing.assert_allclose(out[2:6] / TRUE[2:6], [1, 1000, 1000, 1])


def test_glitches_and_spikes_come_about_as_often_as_said() -> None:
    zeros = shown(fault("glitch_zero", 0, COUNT, per_day=4)) == 0.0
    assert 80 < zeros.sum() < 165  # 120 expected, one of TRUE itself
    out = shown(fault("spike", 0, COUNT, per_day=4, factor=3))
    high = out != TRUE
    assert 80 < high.sum() < 165
    np.testing.assert_allclose(out[high], 3 * TRUE[high])
    added = shown(fault("spike", 0, COUNT, per_day=4, add=7)) - TRUE
    assert set(added.round(6)) == {0.0, 7.0}
    assert (shown(fault("spike", 0, 96, per_day=4, add=7)) != TRUE)[96:].sum() == 0


def test_what_is_struck_depends_on_seed_and_instant_not_on_the_range() -> None:
    glitch = fault("glitch_zero", 0, COUNT, per_day=20)
    whole = shown(glitch)
    pieces = [shown(glitch, stamps=STAMPS[a : a + 7]) for a in range(0, COUNT, 7)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert (shown(glitch, seed=2) != whole).any()
    later = shown(glitch, fault("stuck", 5, 6))
    assert ((later == 0) == (whole == 0)).all()


def test_random_numbers_are_spread_evenly() -> None:
    drawn = uniform(np.arange(100_000, dtype=np.uint64))
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    counts, _ = np.histogram(drawn, 20, (0, 1))
    assert abs(counts - 5000).max() < 300  # four standard deviations


def test_a_clock_jumps_and_comes_back() -> None:
    made = Distortion(events(fault("clock_jump", 2, 4, offset_s=-90)), 1)
    np.testing.assert_array_equal(made.clock_offset_s("bl-grid", STAMPS[:5]), [0, 0, -90, -90, 0])
    assert not made.clock_offset_s("st-grid", STAMPS).any()
