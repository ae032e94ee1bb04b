"""Likely causes: told where the evidence tells one, otherwise nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from alerts.causes import likely_causes
from alerts.context import Item
from alerts.language import Speech
from models.rules import rule_definitions
from tests.unit.alerts import samples

EN = Speech("en")


def item(rule: str, evidence: dict[str, Any], **more: Any) -> Item:
    facts = {
        "alert_id": 1,
        "rule": rule,
        "severity": "warning",
        "change": "opened",
        "enterprise": "shengtai",
        "evidence": evidence,
        "opened_at": samples.OPENED_AT,
    }
    return Item.model_validate(facts | more)


def causes(rule: str, evidence: dict[str, Any], **more: Any) -> str:
    return " ".join(likely_causes(EN, item(rule, evidence, **more)))


@pytest.mark.parametrize(
    ("complete", "estimated", "told"),
    [
        (0.90, 0.0, "10.0 % of the readings are missing and 0.0 % are estimated"),
        (0.96, 0.06, "4.0 % of the readings are missing and 6.0 % are estimated"),
        (0.95, 0.04, ""),  # 9.0 % of doubt cannot explain 9.3 % of deviation
        (1.0, 0.0, ""),
    ],
)
def test_data_are_a_cause_if_they_can_explain_the_deviation(
    complete: float, estimated: float, told: str
) -> None:
    evidence = samples.green(completeness_ratio=complete, estimated_ratio=estimated)
    said = causes("green_share_ytd", evidence)  # 43.1 of 47.5 %: 9.3 % below
    assert told in said
    assert bool(told) is bool(said)


def test_difference_to_the_report_is_explained_by_what_is_missing() -> None:
    evidence = samples.green(0.08, 0.05, completeness_ratio=0.91, estimated_ratio=0.0)
    assert "9.0 % of the readings are missing" in causes("daily_monthly_gap", evidence)
    evidence["completeness_ratio"] = 0.93
    assert causes("daily_monthly_gap", evidence) == ""


def course(values: list[float | None]) -> dict[str, Any]:
    last = date(2026, 3, 14)
    days = [(last - timedelta(n)).isoformat() for n in range(len(values))][::-1]
    return {"days": days, "values": values}


FLAT = [13_000.0 + 40 * (n % 3) for n in range(46)]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (FLAT + [13_000.0 + 180 * n for n in range(1, 8)] + [14_260.0] * 7, "A sudden change"),
        ([12_900.0 + 22 * n for n in range(60)], "A slow change: from 12,900 kWh/t"),
        ([14_260.0 - 22 * n for n in range(60)], ""),
        ([None] * 50 + [13_000.0] * 10, ""),
        ([12_900.0 + 22 * n if n != 50 else None for n in range(60)], ""),
    ],
    ids=["jump", "drift", "falls", "too-short", "gap"],
)
def test_shape_of_the_rise(values: list[float | None], told: str) -> None:
    evidence = samples.green(14_260.0, 13_300.0, unit="kWh/t")
    said = causes("energy_saving", evidence, trend=course(values))
    assert told in said
    assert bool(told) is bool(said)


def test_jump_is_dated() -> None:
    values = FLAT + [13_000.0 + 180 * n for n in range(1, 8)] + [14_260.0] * 7
    evidence = samples.green(14_260.0, 13_300.0, unit="kWh/t")
    said = causes("energy_drift", evidence, trend=course([*values]))
    # Day 46 of 0..59 ends the flat part, 14 days before 14 March; the rise takes seven days.
    assert "on 28 February 2026 to 14,260 kWh/t on 7 March 2026" in said
    assert causes("power_factor", evidence, trend=course([*values])) == ""


@pytest.mark.parametrize(
    ("rule", "evidence", "told"),
    [
        ("green_forecast", {"expected_share": 0.472, "year_end_target": 0.5}, "year at 47.2 %"),
        ("green_forecast", {"expected_share": 0.512, "year_end_target": 0.5}, ""),
        ("green_required_rate", {"value": 1.2, "certificates_mwh": 5120.0}, "about 5,120 MWh"),
        ("green_required_rate", {"value": 0.8, "certificates_mwh": 5120.0}, ""),
        ("enterprise_silent", {"value": 26.0, "meters": 5}, "What all 5 meters share"),
        ("meter_silent", {"value": 26.0, "meters": 5}, ""),
        (
            "water_leak",
            {"found": {"size_m3_per_h": 2.31, "onset": "2026-03-02"}},
            "higher by 2.310 m³/h since 2 March 2026",
        ),
        ("water_leak", {"found": {}}, ""),
        (
            "saving_behind",
            {"value": 900.0, "target": 1000.0, "low": 700.0, "high": 1100.0, "unit": "kWh"},
            "(700 kWh to 1,100 kWh)",
        ),
        ("saving_behind", {"target": 1000.0, "low": 700.0, "high": 950.0, "unit": "kWh"}, ""),
        (
            "mail_undeliverable",
            {"found": {"error": "the mail server says 550 5.1.1 <x@y.example>: no such user"}},
            "mailbox does not exist",
        ),
        ("mail_undeliverable", {"found": {"error": "554 5.7.26 unauthenticated"}}, "SPF and DKIM"),
        ("mail_undeliverable", {"found": {"error": "550 no"}}, ""),
    ],
)
def test_rules_with_a_cause_of_their_own(rule: str, evidence: dict[str, Any], told: str) -> None:
    assert rule in rule_definitions()
    said = causes(rule, evidence)
    assert told in said
    assert bool(told) is bool(said)


def test_silent_meter_of_the_same_enterprise_explains_missing_data() -> None:
    incomplete = item("completeness", samples.green(0.82, 0.9, completeness_ratio=0.82))
    names = {"zh": "总表", "en": "main meter"}
    silent = item("meter_silent", {"value": 40.0}, object_key="st-1", object_name=names)
    others = (incomplete, silent)
    assert "of this mail: main meter." in likely_causes(EN, incomplete, others)[0]
    assert "：总表。" in likely_causes(Speech("zh-CN"), incomplete, others)[0]
    elsewhere = silent.model_copy(update={"enterprise": "huize"})
    assert likely_causes(EN, incomplete, (incomplete, elsewhere)) == ()
    over = silent.model_copy(update={"change": "resolved"})
    assert likely_causes(EN, incomplete, (incomplete, over)) == ()


def test_resolved_alert_has_no_cause() -> None:
    evidence = samples.green(completeness_ratio=0.5)
    assert causes("green_share_ytd", evidence) != ""
    assert causes("green_share_ytd", evidence, change="resolved") == ""


@pytest.mark.parametrize("rule", list(rule_definitions()))
def test_no_evidence_no_cause(rule: str) -> None:
    assert causes(rule, {"value": None, "target": None, "unit": ""}) == ""
