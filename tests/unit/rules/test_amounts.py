"""Idle load, curtailment, CO2 budgets, changed energy, collectors, hours; answers by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from models.errors import ConfigError
from models.verdicts import Outcome
from rules.snapshot import Alive, Curtailed, Restated
from tests.unit.alerts.samples import make_park
from tests.unit.rules.snapshots import NOW, TODAY, ask, month, picture, said, value

IDLE = {"rules": {"tune": {"idle_load": {"warn": 0.3, "clear": 0.25}}}}


def with_own(key: str, **own: Any) -> dict[str, Any]:
    """Park facts in which Shengtai has keys of its own beside those of the park."""
    first, *others = (e.model_dump() for e in make_park().enterprises)
    return {"enterprises": [first | {key: own}, *others]}


def week(idle_kw: float, hours: int = 168) -> list[float]:
    """A tenth of 168 hours is 16: all of them idle, or all of them at 100 kW."""
    return [idle_kw] * 100 + [100.0] * (hours - 100)


@pytest.mark.parametrize(("idle_kw", "answer"), [(30, "clear"), (31, "warning"), (0, "clear")])
def test_idle_load_by_working_load(idle_kw: float, answer: str) -> None:
    assert said("idle_load", picture(IDLE, loads={1: week(idle_kw)})) == [(1, "", answer)]


def test_a_power_cut_is_not_the_idle_load() -> None:
    """(5 x 0 + 11 x 40) / 16 kW; with one hour of 900 kW (15 x 100 + 900) / 16."""
    loads = [0.0] * 5 + [40.0] * 100 + [100.0] * 62 + [900.0]
    (verdict,) = ask("idle_load", picture(IDLE, loads={1: loads})).values()
    assert verdict.evidence["found"] == {"idle_kw": 27.5, "working_kw": 150.0}


def test_idle_load_says_nothing_without_a_limit_and_holds_above_its_clear() -> None:
    loads = {1: week(28), 2: week(28)}
    assert said("idle_load", picture(loads=loads)) == []
    key = ("idle_load", 1, "")
    seen = picture(IDLE, loads=loads, open={key})
    assert said("idle_load", seen) == [(1, "", "hold"), (2, "", "clear")]
    own = with_own("rules", idle_load={"warn": 0.2})
    assert said("idle_load", picture(own, loads=loads)) == [(1, "", "warning")]
    evidence = ask("idle_load", picture(own, loads=loads))[(1, "")].evidence
    assert (evidence["value"], evidence["target"]) == (0.28, 0.2)
    assert (evidence["period_start"], evidence["period_stop"]) == ("2026-03-08", "2026-03-15")
    assert evidence["found"] == {"idle_kw": 28, "working_kw": 100}


@pytest.mark.parametrize(
    ("loads", "reason"), [(week(90, 151), "incomplete_data"), ([0.0] * 168, "no_value")]
)
def test_idle_load_that_cannot_be_told(loads: list[float], reason: str) -> None:
    """151 of 168 hours are 89.9 %."""
    (verdict,) = ask("idle_load", picture(IDLE, loads={1: loads})).values()
    assert (verdict.outcome, verdict.evidence["reason"]) == (Outcome.CANNOT_TELL, reason)


PLANT = {
    "enterprises": [
        {
            "key": key,
            "name": {"zh": key, "en": key},
            "meters": [
                {
                    "key": f"{key}-m",
                    "name": {"zh": "表", "en": "meter"},
                    "channels": {
                        role: {"quantity": "active_energy", "unit": "kWh", "kind": "register",
                               "role": role}
                        for role in roles
                    },
                }
            ],
        }
        for key, roles in (("shengtai", ["onsite_pv", "onsite_available"]),
                           ("huize", ["grid_import"]))
    ]
}  # fmt: skip
YESTERDAY = datetime.fromisoformat("2026-03-14T00:00+08:00")


def hours(curtailed: float, imported: float, number: int = 24, told: int = 24) -> list[Curtailed]:
    """`number` hours with curtailment, the rest of the told ones without any."""
    return [
        Curtailed(1, "onsite_available", YESTERDAY + timedelta(hours=n),
                  curtailed if n < number else 0.0, imported, 2)
        for n in range(told)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        (hours(300, 251, 4), "warning"),  # 4 x 251
        (hours(250, 400, 4), "clear"),  # 4 x 250: not above 1,000
        (hours(9000, 0, 4), "clear"),  # nothing was imported
        (hours(0, 9000), "clear"),
        (hours(300, 251, 4, told=22), "warning"),
        (hours(300, 251, 4, told=21), "cannot_tell"),
        ([row._replace(balances=1) for row in hours(300, 251, 4)], "cannot_tell"),
        ([], "cannot_tell"),
    ],
)
def test_curtailment_while_the_park_imports(rows: list[Curtailed], answer: str) -> None:
    seen = picture(PLANT, curtailed=rows)
    assert said("curtailment_while_importing", seen) == [(None, "", answer)]


def test_curtailment_is_tuned_explained_and_ends_with_its_plants() -> None:
    code = "curtailment_while_importing"
    tuned = PLANT | {"rules": {"tune": {code: {"warn": 500, "critical": 900, "clear": 400}}}}
    seen = picture(tuned, curtailed=hours(300, 251, 4))
    (verdict,) = ask(code, seen).values()
    assert verdict.severity.value == "critical"
    assert verdict.evidence["value"] == 1004
    assert verdict.evidence["found"] == {"hours": 4, "curtailed_kwh": 1200}
    assert verdict.evidence["period_start"] == "2026-03-14"
    key = (code, None, "")
    held = picture(tuned, curtailed=hours(100, 200, 4, told=24), open={key})
    assert said(code, held) == [(None, "", "clear")]  # 400
    held = picture(tuned, curtailed=hours(110, 200, 4), open={key})
    assert said(code, held) == [(None, "", "hold")]  # 440
    assert said(code, picture()) == []  # no plant
    assert said(code, picture(open={key})) == [(None, "", "clear")]


def budget(year: int = 2026, **facts: Any) -> list[dict[str, Any]]:
    return [{"year": year, "source": "district letter", "tco2": 3650} | facts]


CO2 = ("co2_total_loc", "month")


def emitted(*amounts: float | None, **changes: Any) -> dict[Any, Any]:
    """January, February and the running March of the park."""
    rows = [month(a, n, unit="tCO2", **changes) for n, a in enumerate(amounts, 1)]
    rows = [r._replace(period_start=date(2026, n, 1)) for n, r in enumerate(rows, 1)]
    return {CO2: {None: [*rows, month(9999, 3, status="provisional")]}}


@pytest.mark.parametrize(
    ("amounts", "answer"),
    [
        ((300, 290), "clear"),  # 10 t a day: 310 + 280 = 590
        ((300, 291), "warning"),
        ((300, 350), "critical"),  # above 649
        ((None, 281), "cannot_tell"),  # one of two months
        ((None, None), "cannot_tell"),
        ((300, 3351), "critical"),
    ],
)
def test_co2_against_the_days_of_the_budget(amounts: tuple[float | None, ...], answer: str) -> None:
    seen = picture({"co2_budget": budget()}, values=emitted(*amounts))
    assert said("co2_budget_year", seen) == [(None, "", answer)]


def test_co2_plan_of_months_and_the_whole_year() -> None:
    plan = budget(tco2=None, months_tco2=[400, 100, *[10] * 10])
    seen = picture({"co2_budget": plan}, values=emitted(350, 100))
    (verdict,) = ask("co2_budget_year", seen).values()
    assert (verdict.evidence["value"], verdict.evidence["target"]) == (450, 500)
    assert verdict.evidence["limit_source"] == "district letter"
    assert verdict.evidence["period_stop"] == "2026-03-01"
    assert verdict.outcome is Outcome.CLEAR
    tune = {"rules": {"tune": {"co2_budget_year": {"warn": 0.8, "critical": 9, "clear": 0.7}}}}
    assert said(
        "co2_budget_year", picture({"co2_budget": plan} | tune, values=emitted(350, 100))
    ) == [(None, "", "warning")]
    held = picture(
        {"co2_budget": plan} | tune, values=emitted(300, 80), open={("co2_budget_year", None, "")}
    )
    assert said("co2_budget_year", held) == [(None, "", "hold")]  # 0.76
    gone = picture({"co2_budget": plan} | tune, values=emitted(500, 101))  # the year has 600
    assert said("co2_budget_year", gone) == [(None, "", "critical")]


def test_co2_of_an_enterprise_of_another_year_and_without_a_budget() -> None:
    rows = {CO2: {1: emitted(700, 700)[CO2][None], 2: emitted(700, 700)[CO2][None]}}
    park = with_own("targets", co2_budget=budget())
    assert said("co2_budget_year", picture(park, values=rows)) == [(1, "", "critical")]
    assert said("co2_budget_year", picture(values=rows)) == []
    other = with_own("targets", co2_budget=budget(2025))
    key = ("co2_budget_year", 1, "")
    assert said("co2_budget_year", picture(other, values=rows, open={key})) == [(1, "", "clear")]
    old = emitted(100, 100)
    old[CO2][None] = [r._replace(period_stop=TODAY - timedelta(days=46)) for r in old[CO2][None]]
    seen = picture({"co2_budget": budget()}, values=old)
    (verdict,) = ask("co2_budget_year", seen).values()
    assert verdict.evidence["reason"] == "old_data"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"months_tco2": [1] * 12}, "either tco2 or months_tco2"),
        ({"tco2": None}, "either tco2 or months_tco2"),
        ({"tco2": None, "months_tco2": [1] * 11}, "expected 12 months_tco2, got 11"),
        ({"tco2": 0}, "greater than 0"),
    ],
)
def test_budget_that_is_none_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        make_park(co2_budget=budget(**wrong))
    with pytest.raises(ConfigError, match="more than one budget of 2026"):
        make_park(co2_budget=[*budget(), *budget()])


def changed(old: float, new: float, channel: str = "import_kwh", meter: str = "st-1") -> Restated:
    first, last = date(2026, 3, 2), date(2026, 3, 4)
    return Restated(meter, channel, 1, first, last, 8, old, new, "late")


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        (100_000, 94_900, "warning"),  # 5.1 %
        (100_000, 95_100, None),
        (10_000, 8_900, "warning"),
        (10_000, 9_001, None),  # 999 kWh
        (0, 1_000, "warning"),  # false zeros
        (5_000, 0, "warning"),
        (0, 0, None),
    ],
)
def test_changed_energy_of_past_days(old: float, new: float, answer: str | None) -> None:
    expected = [(1, "st-1", answer)] if answer else []
    assert said("restatement_large", picture(restated=[changed(old, new)])) == expected


def test_changed_energy_is_one_alert_per_meter_and_ends_after_a_week() -> None:
    rows = [changed(90_000, 100_000, "a"), changed(50_000, 100_000, "b"), changed(9, 1, "c")]
    seen = picture(restated=[*rows, changed(70_000, 100_000, meter="st-2")])
    answers = ask("restatement_large", seen)
    assert list(answers) == [(1, "st-1"), (1, "st-2")]
    evidence = answers[(1, "st-1")].evidence
    assert (evidence["value"], evidence["found"]["channel"]) == (0.5, "b")
    assert (evidence["period_start"], evidence["period_stop"]) == ("2026-03-02", "2026-03-05")
    key = ("restatement_large", 1, "st-1")
    assert said("restatement_large", picture(open={key})) == [(1, "st-1", "clear")]
    own = with_own("rules", restatement_large={"warn": 0.4, "at_least": 50_001})
    assert said("restatement_large", picture(own, restated=rows)) == []
    own = with_own("rules", restatement_large={"warn": 0.4, "critical": 0.45, "at_least": 0})
    assert said("restatement_large", picture(own, restated=rows)) == [(1, "st-1", "critical")]


def alive(*minutes: float) -> list[Alive]:
    return [Alive(NOW - timedelta(minutes=m), 60 * m) for m in minutes]


@pytest.mark.parametrize(
    ("minutes", "answer"), [((0.1, 10), "clear"), ((0.1, 10.1), "warning"), ((31,), "critical")]
)
def test_silent_collector(minutes: tuple[float, ...], answer: str) -> None:
    assert said("collector_silent", picture(collectors=alive(*minutes))) == [(None, "", answer)]


def test_collectors_of_another_clock_and_retired_ones() -> None:
    key = ("collector_silent", None, "")
    assert said("collector_silent", picture(collectors=None, open={key})) == []
    assert said("collector_silent", picture(collectors=[])) == []
    assert said("collector_silent", picture(collectors=[], open={key})) == [(None, "", "clear")]
    park = {"rules": {"tune": {"collector_silent": {"clear": 5}}}}
    seen = picture(park, collectors=alive(6, 0.1), open={key})
    assert said("collector_silent", seen) == [(None, "", "hold")]
    (verdict,) = ask("collector_silent", picture(collectors=alive(12, 15, 1))).values()
    assert verdict.evidence["found"] == {"silent": 2, "collectors": 3}
    assert verdict.evidence["last_at"] == (NOW - timedelta(minutes=15)).isoformat()


def test_waste_heat() -> None:
    key = ("waste_heat_use", "month")
    park = {"rules": {"tune": {"waste_heat_use": {"warn": 0.5}}}}
    for amount, answer in ((0.5, "clear"), (0.49, "warning"), (None, "cannot_tell")):
        seen = picture(park, values={key: {1: [month(amount)]}})
        assert said("waste_heat_use", seen) == [(1, "", answer)]


def test_rule_outside_its_hours_says_nothing() -> None:
    """It is Sunday, 08:15 in Shanghai."""
    values = {("demand_ratio", "month"): {n: [value(2.0)] for n in (1, 2)}}

    def asked(**times: Any) -> list[tuple[int | None, str, str]]:
        tune = {"rules": {"tune": {"demand_ratio": times}}}
        return said("demand_ratio", picture(tune, values=values, open={("demand_ratio", 1, "")}))

    both = [(1, "", "critical"), (2, "", "critical")]
    assert asked(hours=["08:00-20:00"], weekdays=[7]) == both
    assert asked(hours=["08:30-20:00"]) == []
    assert asked(weekdays=[1, 2, 3, 4, 5, 6]) == []
    own = with_own("rules", demand_ratio={"hours": ["00:00-24:00"]})
    own |= {"rules": {"tune": {"demand_ratio": {"hours": ["09:00-10:00"]}}}}
    assert said("demand_ratio", picture(own, values=values)) == [(1, "", "critical")]
