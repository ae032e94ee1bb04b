"""The glide path by hand, and what the green rule answers."""

from __future__ import annotations

from datetime import date

import pytest

from models.findings import Severity
from models.park import GreenGoal
from models.rules import RuleSettings
from models.verdicts import Outcome, Verdict
from rules.facts import Measured
from rules.green import glide_path, green_share_ytd

GOAL = GreenGoal(year=2026, year_end_ratio=0.5, start_ratio=0.3, source="test")
SETTINGS = RuleSettings()  # tolerance 2 points, critical 10 points, clear at half the tolerance


@pytest.mark.parametrize(
    ("stop", "ratio"),
    [
        (date(2026, 1, 1), 0.30),
        (date(2026, 2, 1), 0.30 + 0.20 * 31 / 365),
        (date(2026, 7, 2), 0.30 + 0.20 * 182 / 365),
        (date(2027, 1, 1), 0.50),
        (date(2025, 6, 1), 0.30),  # before the year: where the path starts
        (date(2027, 9, 1), 0.50),  # after it: where it ends
    ],
)
def test_glide_path(stop: date, ratio: float) -> None:
    assert glide_path(GOAL, 0.5, stop) == pytest.approx(ratio, abs=1e-12)


def test_glide_path_of_a_leap_year_and_of_an_own_target() -> None:
    leap = GreenGoal(year=2028, source="test")
    assert glide_path(leap, 0.5, date(2028, 7, 1)) == pytest.approx(0.5 * 182 / 366)
    assert glide_path(GOAL, 0.1, date(2027, 1, 1)) == pytest.approx(0.1)  # may fall


# On 2026-07-02 the path is at 0.30 + 0.20 x 182/365 = 0.399726...
PATH = 0.30 + 0.20 * 182 / 365


def ask(
    value: float | None,
    *,
    is_open: bool = False,
    completeness: float = 1.0,
    year: int = 2026,
    age_days: int = 0,
) -> Verdict:
    seen = Measured(
        1,
        7,
        date(year, 1, 1),
        date(year, 7, 2),
        value,
        "ratio",
        completeness,
        0.01,
        "final",
        is_open,
        age_days,
    )
    return green_share_ytd(seen, GOAL, 0.5, SETTINGS)


@pytest.mark.parametrize(
    ("short", "is_open", "outcome", "severity"),
    [
        pytest.param(-0.10, False, Outcome.CLEAR, Severity.WARNING, id="ahead"),
        pytest.param(0.015, False, Outcome.CLEAR, Severity.WARNING, id="inside-tolerance"),
        pytest.param(0.021, False, Outcome.BREACH, Severity.WARNING, id="behind"),
        pytest.param(0.099, False, Outcome.BREACH, Severity.WARNING, id="almost-critical"),
        pytest.param(0.101, False, Outcome.BREACH, Severity.CRITICAL, id="far-behind"),
        pytest.param(0.021, True, Outcome.BREACH, Severity.WARNING, id="still-behind"),
        pytest.param(0.015, True, Outcome.HOLD, Severity.WARNING, id="hysteresis"),
        pytest.param(0.009, True, Outcome.CLEAR, Severity.WARNING, id="recovered"),
    ],
)
def test_outcome(short: float, is_open: bool, outcome: Outcome, severity: Severity) -> None:
    verdict = ask(PATH - short, is_open=is_open)
    assert (verdict.outcome, verdict.severity) == (outcome, severity)
    assert verdict.evidence["target"] == pytest.approx(PATH)
    assert verdict.evidence["year_end_target"] == 0.5
    assert verdict.evidence["share"] == "S3"
    assert "reason" not in verdict.evidence


@pytest.mark.parametrize("is_open", [False, True])
def test_cannot_tell_never_opens_and_never_closes(is_open: bool) -> None:
    for verdict, reason in (
        (ask(None, is_open=is_open), "no_value"),
        (ask(0.1, is_open=is_open, completeness=0.89), "incomplete_data"),
        (ask(0.9, is_open=is_open, completeness=0.89), "incomplete_data"),
        (ask(0.1, is_open=is_open, year=2025), "other_year"),
    ):
        assert verdict.outcome is Outcome.CANNOT_TELL
        assert verdict.evidence["reason"] == reason


def test_just_complete_enough() -> None:
    assert ask(0.1, completeness=0.90).outcome is Outcome.BREACH


def test_evidence_names_the_period_and_the_trust() -> None:
    verdict = ask(0.1)
    assert (verdict.rule, verdict.park_id, verdict.enterprise_id) == ("green_share_ytd", 1, 7)
    assert {
        k: verdict.evidence[k]
        for k in ("period_start", "period_stop", "value", "unit", "estimated_ratio", "status")
    } == {
        "period_start": "2026-01-01",
        "period_stop": "2026-07-02",
        "value": 0.1,
        "unit": "ratio",
        "estimated_ratio": 0.01,
        "status": "final",
    }


@pytest.mark.parametrize(("age_days", "outcome"), [(75, Outcome.BREACH), (76, Outcome.CANNOT_TELL)])
def test_an_old_value_is_not_the_present(age_days: int, outcome: Outcome) -> None:
    verdict = ask(0.1, age_days=age_days)
    assert verdict.outcome is outcome
    assert verdict.evidence.get("reason") == ("old_data" if age_days > 75 else None)
