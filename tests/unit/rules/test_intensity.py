"""Energy and water per tonne against the target: both rules, both directions."""

from __future__ import annotations

from datetime import date

import pytest

from models.findings import Severity
from models.rules import RuleSettings
from models.verdicts import Outcome, Verdict
from rules.facts import Measured
from rules.intensity import ENERGY_RULE, WATER_RULE, specific_consumption

SETTINGS = RuleSettings()  # tolerance 3 %, critical 15 %, clear at half the tolerance
BOTH = pytest.mark.parametrize(
    ("rule", "target", "unit"), [(ENERGY_RULE, 13_450.0, "kWh/t"), (WATER_RULE, 1.55, "m3/t")]
)


def ask(
    rule: str,
    value: float | None,
    target: float,
    unit: str,
    *,
    is_open: bool = False,
    completeness: float = 1.0,
    age_days: int = 0,
) -> Verdict:
    week = (date(2026, 3, 1), date(2026, 3, 8))
    seen = Measured(1, 7, *week, value, unit, completeness, 0.0, "final", is_open, age_days)
    return specific_consumption(rule, seen, target, SETTINGS)


@BOTH
@pytest.mark.parametrize(
    ("excess", "is_open", "outcome", "severity"),
    [
        pytest.param(-0.30, False, Outcome.CLEAR, Severity.WARNING, id="saves"),
        pytest.param(0.029, False, Outcome.CLEAR, Severity.WARNING, id="inside-tolerance"),
        pytest.param(0.031, False, Outcome.BREACH, Severity.WARNING, id="above"),
        pytest.param(0.149, False, Outcome.BREACH, Severity.WARNING, id="almost-critical"),
        pytest.param(0.151, False, Outcome.BREACH, Severity.CRITICAL, id="far-above"),
        pytest.param(0.029, True, Outcome.HOLD, Severity.WARNING, id="hysteresis"),
        pytest.param(0.014, True, Outcome.CLEAR, Severity.WARNING, id="recovered"),
    ],
)
def test_outcome(
    rule: str,
    target: float,
    unit: str,
    excess: float,
    is_open: bool,
    outcome: Outcome,
    severity: Severity,
) -> None:
    verdict = ask(rule, target * (1 + excess), target, unit, is_open=is_open)
    assert (verdict.rule, verdict.outcome, verdict.severity) == (rule, outcome, severity)
    assert verdict.evidence["target"] == target
    assert verdict.evidence["unit"] == unit


@BOTH
@pytest.mark.parametrize("is_open", [False, True])
def test_cannot_tell_never_opens_and_never_closes(
    rule: str, target: float, unit: str, is_open: bool
) -> None:
    week_without_product = ask(rule, None, target, unit, is_open=is_open)
    assert week_without_product.outcome is Outcome.CANNOT_TELL
    assert week_without_product.evidence["reason"] == "no_value"
    for value in (0.1 * target, 9 * target, None):
        verdict = ask(rule, value, target, unit, is_open=is_open, completeness=6 / 7)
        assert verdict.outcome is Outcome.CANNOT_TELL
        assert verdict.evidence["reason"] == "incomplete_data"


def test_one_missing_day_of_seven_is_too_much_by_default() -> None:
    assert SETTINGS.min_completeness_ratio > 6 / 7


@pytest.mark.parametrize(("age_days", "outcome"), [(3, Outcome.BREACH), (4, Outcome.CANNOT_TELL)])
def test_an_old_value_is_not_the_present(age_days: int, outcome: Outcome) -> None:
    verdict = ask("energy_saving", 900.0, 500.0, "kWh/t", age_days=age_days)
    assert verdict.outcome is outcome
    assert verdict.evidence.get("reason") == ("old_data" if age_days > 3 else None)
