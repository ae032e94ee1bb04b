"""Every kind of rule: fires, stays quiet, cannot tell, comes back; expected answers by hand."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules_page import with_rules_table
from models.errors import ConfigError
from models.rules import rule_definitions
from models.verdicts import Outcome
from rules.catalogue import RULES, needs, verdicts
from rules.snapshot import Forecast, Found, Limit, Running, Saving, Snapshot, Undelivered
from tests.unit.alerts.samples import make_park
from tests.unit.rules.snapshots import NOW, TODAY, ask, heard, month, picture, said, value

DEMAND = ("demand_ratio", "month")
FACTOR = ("power_factor", "month")
WEEK = ("energy_intensity", "rolling_7d")


def test_every_rule_of_the_table_has_a_function_and_reverse() -> None:
    assert set(RULES) == set(rule_definitions())
    known = set(rule_definitions())
    for rule in rule_definitions().values():
        assert set(rule.inhibited_by) <= known - {rule.code}
        assert bool(rule.indicator) is bool(rule.kind)
    assert {(n.indicator, n.kind) for n in needs()} >= {DEMAND, FACTOR, WEEK}


@pytest.mark.parametrize(
    ("amount", "answer"),
    [(0.95, "clear"), (0.951, "warning"), (1.05, "warning"), (1.051, "critical"), (None, None)],
)
def test_demand_against_95_and_105_percent(amount: float | None, answer: str | None) -> None:
    seen = picture(values={DEMAND: {1: [month(amount, 3, status="provisional")]}})
    assert said("demand_ratio", seen) == [(1, "", answer or "cannot_tell")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "provisional"}, "not_final"),
        ({"completeness_ratio": 0.89}, "incomplete_data"),
        ({"value": float("nan")}, "no_value"),
        ({"period_stop": date(2026, 1, 28)}, "old_data"),
    ],
)
def test_a_month_that_cannot_be_judged(changes: dict[str, Any], reason: str) -> None:
    seen = picture(
        values={FACTOR: {1: [month(0.8)._replace(**changes)]}},
        limits={"power_factor": Limit(0.9, "min", "1983")},
    )
    (verdict,) = ask("power_factor", seen).values()
    assert (verdict.outcome, verdict.evidence["reason"]) == (Outcome.CANNOT_TELL, reason)


def test_limit_of_the_indicator_of_the_park_and_of_the_enterprise() -> None:
    values = {FACTOR: {1: [month(0.87), month(0.5, 3, status="provisional")], 2: [month(0.87)]}}
    limits = {"power_factor": Limit(0.9, "min", "1983 rule")}
    assert said("power_factor", picture(values=values)) == []  # no limit is set: nothing to say
    seen = picture(values=values, limits=limits)
    assert said("power_factor", seen) == [(1, "", "warning"), (2, "", "warning")]
    assert ask("power_factor", seen)[(1, "")].evidence["limit_source"] == "1983 rule"
    park = {"rules": {"tune": {"power_factor": {"warn": 0.85}}}}
    assert said("power_factor", picture(park, values=values, limits=limits)) == [
        (1, "", "clear"),
        (2, "", "clear"),
    ]
    enterprises = [e.model_dump() for e in make_park().enterprises]
    enterprises[0]["rules"] = {"power_factor": {"critical": 0.88}}
    enterprises[1]["rules"] = {"power_factor": {"enabled": False}}
    own = picture({"enterprises": enterprises}, values=values, limits=limits)
    assert said("power_factor", own) == [(1, "", "critical")]


def test_open_alert_clears_on_the_good_side_of_its_own_limit() -> None:
    park = {"rules": {"tune": {"power_factor": {"warn": 0.9, "clear": 0.92}}}}
    values = {FACTOR: {1: [month(0.91)]}}
    key = ("power_factor", 1, "")
    assert said("power_factor", picture(park, values=values)) == [(1, "", "clear")]
    assert said("power_factor", picture(park, values=values, open={key})) == [(1, "", "hold")]
    values = {FACTOR: {1: [month(0.92)]}}
    assert said("power_factor", picture(park, values=values, open={key})) == [(1, "", "clear")]


def weeks(now: float | None, before: float, days: int = 35) -> dict[Any, Any]:
    rows = [value(before, TODAY - timedelta(days=n)) for n in range(days, 0, -1)]
    return {WEEK: {1: [*rows, value(now)]}}


@pytest.mark.parametrize(
    ("now", "answer"),
    [(104, "clear"), (106, "hold"), (111, "warning"), (126, "critical"), (None, "cannot_tell")],
)
def test_drift_against_the_four_weeks_before(now: float | None, answer: str) -> None:
    assert said("energy_drift", picture(values=weeks(now, 100))) == [(1, "", answer)]


@pytest.mark.parametrize(("before", "days"), [(100.0, 18), (0.0, 35)])
def test_drift_needs_a_past(before: float, days: int) -> None:
    """18 days reach 11 values that do not overlap the week: fewer than 14."""
    seen = picture(values=weeks(200, before, days))
    (verdict,) = ask("energy_drift", seen).values()
    assert verdict.evidence["reason"] == "too_little_before"


def test_energy_target() -> None:
    enterprises = [e.model_dump() for e in make_park().enterprises]
    enterprises[0]["targets"] = {"energy_intensity_kwh_per_t": 500}
    values = {WEEK: {1: [value(600.0, unit="kWh/t")], 2: [value(900.0)]}}
    seen = picture({"enterprises": enterprises}, values=values)
    assert said("energy_saving", seen) == [(1, "", "critical")]  # 20 % above; 2 has no target
    evidence = ask("energy_saving", seen)[(1, "")].evidence
    assert (evidence["indicator"], evidence["kind"]) == WEEK


def forecast(probability: float, required: float | None, made_for: date = TODAY) -> Forecast:
    return Forecast(made_for, 0.5, 0.4, 0.45, 0.5, 0.1, probability, required, 12_000, 0.2)


def test_forecast_and_required_share() -> None:
    for probability, answer in ((0.6, "clear"), (0.4, "warning"), (0.05, "critical")):
        seen = picture(forecasts={None: forecast(probability, 0.6)})
        assert said("green_forecast", seen) == [(None, "", answer)]
    months = {("green_share_claim", "month"): {None: [month(0.4, 1), month(0.55, 2)]}}
    for required, answer in ((0.55, "clear"), (0.56, "warning"), (1.01, "critical")):
        seen = picture(forecasts={None: forecast(0.5, required)}, values=months)
        assert said("green_required_rate", seen) == [(None, "", answer)]
    old = picture(forecasts={None: forecast(0.0, 2.0, TODAY - timedelta(days=4))}, values=months)
    assert said("green_forecast", old) == [(None, "", "cannot_tell")]
    assert said("green_required_rate", old) == [(None, "", "cannot_tell")]


def saving(amount: float | None, **changes: Any) -> Saving:
    """73 days of a project that promises 1,000 kWh a year: 200 kWh by now."""
    row = Saving(
        "kiln", 1, "窑", "Kiln", "kWh", date(2026, 1, 1), date(2026, 3, 15), True,
        amount, None, None, 1000.0, (),
    )  # fmt: skip
    return row._replace(**changes)


@pytest.mark.parametrize(("amount", "answer"), [(161, "clear"), (159, "warning"), (99, "critical")])
def test_saving_against_its_plan_pro_rata(amount: float, answer: str) -> None:
    assert said("saving_behind", picture(savings=[saving(amount)])) == [(1, "kiln", answer)]


def test_saving_that_cannot_be_told_or_is_gone() -> None:
    key = ("saving_behind", 1, "kiln")
    refused = saving(None, is_accepted=False, refusals=("cv",))
    assert said("saving_behind", picture(savings=[refused], open={key})) == []
    assert said("saving_behind", picture(open={key})) == [(1, "kiln", "clear")]
    assert said("saving_refused", picture(savings=[refused])) == [(1, "kiln", "info")]
    young = refused._replace(reporting_stop=date(2026, 2, 20))
    assert said("saving_refused", picture(savings=[young])) == []


def found(code: str, severity: str = "critical", meter: str = "st-1") -> Found:
    return Found(code, severity, 1, meter, "", NOW, NOW, NOW, {"n": 1})


def test_findings_open_one_alert_each_and_clear_when_withdrawn() -> None:
    rows = [found("register.impossible_rise"), found("register.impossible_rise")]
    rows += [found("validation.sum", meter="st-2"), found("validation.high", "warning")]
    seen = picture(findings=rows)
    assert said("data_finding", seen) == [
        (1, "register.impossible_rise:st-1", "critical"),
        (1, "validation.sum:st-2", "critical"),
    ]
    leak = picture(findings=[found("water.leak", "warning", "")])
    assert said("water_leak", leak) == [(1, "water.leak", "warning")]
    assert said("ledger_violation", leak) == []
    gone = picture(open={("water_leak", 1, "water.leak")})
    assert said("water_leak", gone) == [(1, "water.leak", "clear")]


def test_silent_meter_enterprise_and_park() -> None:
    alone = picture(heard=[heard("a", 1.5), heard("b", 0.1), heard("c", 0.1, 2), heard("d", None)])
    assert said("meter_silent", alone) == [(1, "a", "clear"), (1, "b", "clear"), (2, "c", "clear")]
    assert said("park_silent", alone) == [(None, "", "clear")]
    long = picture(heard=[heard("a", 2.5), heard("b", 25), heard("c", 0.1, 2)])
    assert said("meter_silent", long)[:2] == [(1, "a", "warning"), (1, "b", "critical")]
    assert said("enterprise_silent", long) == [(1, "", "warning")]  # 2 has one meter only
    assert said("park_silent", long) == [(None, "", "clear")]  # one enterprise: 2 of 3 meters
    one = [heard(f"m{n}", 1.5) for n in range(8)] + [heard("x", 0.1, 2), heard("y", 0.1, 2)]
    assert said("park_silent", picture(heard=one)) == [(None, "", "clear")]  # 80 %, one enterprise
    out = picture(heard=[heard("a", 1.5), heard("b", 1.5), heard("c", 1.5, 2), heard("d", 1.5, 2)])
    assert said("park_silent", out) == [(None, "", "critical")]
    gone = picture(open={("meter_silent", 1, "old")})
    assert said("meter_silent", gone) == [(1, "old", "clear")]


def test_slow_meter_is_not_silent_between_two_readings() -> None:
    daily = heard("a", 50)._replace(period_s=86_400.0)
    assert said("meter_silent", picture(heard=[daily])) == [(1, "a", "clear")]


def test_storage_against_its_own_past() -> None:
    key = ("storage_eta", "rolling_30d")
    before = [value(0.90, TODAY - timedelta(days=n)) for n in range(25, 0, -1)]
    for now, answer in ((0.86, "clear"), (0.84, "warning"), (0.74, "critical")):
        seen = picture(values={key: {1: [*before, value(now)]}})
        assert said("storage_eta", seen) == [(1, "", answer)]
    young = picture(values={key: {1: [*before[:10], value(0.5)]}})
    assert said("storage_eta", young) == [(1, "", "cannot_tell")]


def test_messages_and_jobs_that_fail_are_told_to_the_park() -> None:
    seen = picture(
        undelivered=[Undelivered("x@y.example", 2, "550 no")],
        jobs=[Running("rules", NOW, "boom"), Running("balances", NOW, "")],
    )
    assert said("mail_undeliverable", seen) == [(None, "x@y.example", "warning")]
    assert said("job_failed", seen) == [(None, "rules", "critical")]


def test_unknown_rule_in_park_yaml_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no rule demand; expected one of: green_share_ytd, "):
        make_park(rules={"tune": {"demand": {"warn": 1}}})


amounts = st.one_of(st.none(), st.floats(), st.integers(-(10**9), 10**9).map(float))


@given(st.data())
def test_no_picture_breaks_a_rule(data: st.DataObject) -> None:
    values: dict[Any, Any] = {}
    for need in needs():
        rows = data.draw(st.lists(st.tuples(amounts, st.integers(0, 40)), max_size=3))
        subject = data.draw(st.sampled_from([None, 1, 2, 9]))
        values[(need.indicator, need.kind)] = {
            subject: [
                value(amount, TODAY - timedelta(days=ago), completeness_ratio=0.5)
                for amount, ago in rows
            ]
        }
    number = data.draw(amounts)
    seen: Snapshot = picture(
        values=values,
        savings=[saving(number, target_amount=data.draw(amounts))],
        forecasts={None: forecast(number or 0.0, number)},
    )
    for verdict in verdicts(seen):
        assert verdict.outcome in Outcome


def test_page_of_the_rules_is_what_the_table_says() -> None:
    page = (Path(__file__).parents[3] / "docs/rules.md").read_text(encoding="utf-8")
    assert page == with_rules_table(page), "run: make schema"
    assert page.count("| `") >= len(rule_definitions())
