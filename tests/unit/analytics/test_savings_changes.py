"""Faults of a meter that look like a saving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.savings.changes import jump, longest_run, nearest_fault
from analytics.savings.project import Limits
from analytics.savings.steps import CHANCE, Step, find_step

DAYS = 365
INDEX = pd.date_range("2023-01-01", periods=DAYS)


def load(seed: int = 1, scatter: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    """Use with a base load and one driver that has a season, and its columns."""
    generator = np.random.default_rng(seed)
    cold = np.clip(10 + 12 * np.cos(2 * np.pi * np.arange(DAYS) / 365), 0, None)
    design = np.column_stack([np.ones(DAYS), cold])
    return (design @ [50.0, 4.0]) * (1 + scatter * generator.normal(size=DAYS)), design


def test_the_limit_is_that_of_andrews() -> None:
    """Chi-square 13 stands for the 1 % point of sup-F, p = 1, 5 % trimming.

    A simulation of 20,000 Brownian bridges of 1,000 steps gave 8.0, 9.5 and 12.8 at 10, 5, 1 %.
    """
    assert stats.chi2.isf(CHANCE, 1) == pytest.approx(13.0, abs=0.02)


@pytest.mark.parametrize("ratio", [0.5, 2 / 3, 0.8, 1.5, 3.6, 29.3071, 1000.0, 0.001])
@pytest.mark.parametrize("at", [60, 180, 300])
def test_step_is_found_with_its_date(ratio: float, at: int) -> None:
    use, design = load()
    use[at:] *= ratio
    step = find_step(use, design, INDEX)
    assert step is not None
    assert step.certain
    assert step.lasting
    assert abs((step.on - INDEX[at]).days) <= 5
    assert step.ratio == pytest.approx(ratio, rel=0.1)


def test_scatter_drift_and_season_are_no_step() -> None:
    for seed in range(10):
        use, design = load(seed)
        turn = np.arange(DAYS) / DAYS
        for made in (use, use * (1 + 0.2 * turn), use * (1 + 0.15 * np.sin(2 * np.pi * turn))):
            step = find_step(made, design, INDEX)
            assert step is not None
            assert not step.certain or abs(step.ratio - 1) < 0.15


def test_a_closed_term_goes_back() -> None:
    use, design = load(scatter=0.05)
    use[250:290] *= 0.6
    step = find_step(use, design, INDEX)
    assert step is not None
    assert not step.lasting


def test_what_makes_a_step_certain() -> None:
    step = Step(INDEX[9], 1.2, statistic=20.0, critical=14.0, sharper=5.0, returned=1.0)
    assert step.certain
    assert step.lasting
    assert not replace(step, statistic=13.0).certain
    assert not replace(step, sharper=3.0).certain
    # no season of a model is as large as a half
    assert replace(step, sharper=3.0, ratio=1.5).certain
    assert not replace(step, returned=7.0).lasting


def test_a_model_that_fits_exactly() -> None:
    _, design = load()
    assert find_step(design @ [50.0, 4.0], design, INDEX) is None
    use = design @ [50.0, 4.0]
    use[100:] *= 2
    step = find_step(use, design, INDEX)
    assert step is not None
    assert step.certain
    assert step.ratio == pytest.approx(2.0)
    assert step.on == INDEX[100]


def test_few_months_are_asked_for_more() -> None:
    """Twelve scattered months never pass for a step; one of 1.5 behind 3 % scatter does."""
    months = pd.date_range("2023-01-01", periods=12, freq="MS")
    flat = np.ones((12, 1))
    for seed in range(30):
        use = 100 * (1 + 0.1 * np.random.default_rng(seed).normal(size=12))
        step = find_step(use, flat, months)
        assert step is not None
        assert not step.certain
    use = 100 * (1 + 0.03 * np.random.default_rng(1).normal(size=12))
    use[7:] *= 1.5
    step = find_step(use, flat, months)
    assert step is not None
    assert step.certain
    assert step.on == months[7]


def test_jump_over_base_load_and_extremes() -> None:
    expected = np.array([60.0, 10, 40, 20, 50, 30])
    left, none = np.array([0.4, 1.0, 0.6, 0.9, 0.5, 0.7]), np.zeros(6)
    half = jump(0.5 * expected, expected, none)
    assert half.ratio == pytest.approx(0.5)
    assert half.parts == pytest.approx((0.5, 0.5, 0.5, 0.5))  # thirds and working days
    assert half.constant
    assert half.beyond(Limits())
    # (10 + 18)/30 = 0.93 of the base load is left, (25 + 24)/110 = 0.45 of the extremes
    real = jump(expected * left, expected, none)
    assert not real.constant
    assert real.parts[0] == pytest.approx(28 / 30)
    assert real.parts[2] == pytest.approx(49 / 110)
    # a third known to 20 % only: exp(3 sqrt(2) 0.2) = 2.34 > 0.93/0.45 = 2.10
    assert jump(expected * left, expected, none, 0.2).constant
    assert not jump(0.9 * expected, expected, none).beyond(Limits())
    # 1/1.4 = 0.714
    assert not jump(0.72 * expected, expected, none).beyond(Limits())
    assert jump(0.71 * expected, expected, none).beyond(Limits())


def test_days_off_tell_a_measure_from_a_factor() -> None:
    """Working days halved, days off as before: no factor does that, whatever the thirds say."""
    expected = np.full(21, 10.0)
    off = np.tile([0.0] * 5 + [1.0] * 2, 3)
    found = jump(expected * np.where(off > 0, 1.0, 0.5), expected, off)
    assert not found.constant
    assert found.parts[3:] == pytest.approx((1.0, 0.5))


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(0.00095, "x 0.001"), (0.45, "x 0.5"), (3.6, "MJ"), (26.4, "therm"), (0.0283, "ft3")],
)
def test_known_factors(ratio: float, said: str) -> None:
    assert said in nearest_fault(ratio)


def test_unknown_factor() -> None:
    assert nearest_fault(1.2) == ""
    assert nearest_fault(0.0) == ""


def test_runs() -> None:
    assert longest_run(np.array([1.0, 2, 2, 2, 0, 0, 0, 0, 3])) == (3, 1)
    assert longest_run(np.array([0.0, 0.0])) == (0, 0)
