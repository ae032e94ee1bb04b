"""The life cycle of one alert: every step of it, when people are told, and who."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.machine import advance, changes_to_tell, finite, mutes, told
from alerts.recipients import notices, recipients
from models.contacts import AlertSettings, Contact
from models.errors import ConfigError
from models.findings import Severity
from models.rules import RuleDefinition, rule_definitions
from models.verdicts import Outcome
from storage.alerts import Alert
from tests.unit.alerts import samples

NOW = samples.OPENED_AT
RULE = rule_definitions()["green_share_ytd"]
SETTINGS = AlertSettings()
CRITICAL = Severity.CRITICAL


def hours(number: float) -> datetime:
    return NOW + timedelta(hours=number)


def step(
    alert: Alert | None,
    outcome: Outcome,
    at_h: float = 0,
    rule: RuleDefinition = RULE,
    **verdict: Any,
) -> Alert | None:
    return advance(alert, samples.verdict(outcome, **verdict), rule, SETTINGS, hours(at_h))


def firing(alert: Alert | None) -> Alert:
    assert alert is not None
    return alert


@pytest.mark.parametrize(
    ("outcome", "is_open", "state"),
    [
        (Outcome.BREACH, False, "firing"),
        (Outcome.CLEAR, False, None),
        (Outcome.HOLD, False, None),
        (Outcome.CANNOT_TELL, False, None),
        (Outcome.BREACH, True, "firing"),
        (Outcome.CLEAR, True, "resolved"),
        (Outcome.HOLD, True, "firing"),
        (Outcome.CANNOT_TELL, True, "firing"),
    ],
)
def test_step(outcome: Outcome, is_open: bool, state: str | None) -> None:
    after = step(samples.open_alert() if is_open else None, outcome)
    assert (after.state if after else None) == state


@pytest.mark.parametrize("outcome", [Outcome.HOLD, Outcome.CANNOT_TELL])
def test_undecided_keeps_the_figures_of_the_breach(outcome: Outcome) -> None:
    alert = samples.open_alert()
    after = step(alert, outcome, 1, evidence=samples.green(value=None))
    assert after == replace(alert, evaluated_at=hours(1))


def test_breach_that_lasts_fires_and_a_short_one_leaves_no_trace() -> None:
    rule = RULE.model_copy(update={"for_hours": 2})
    pending = firing(step(None, Outcome.BREACH, 0, rule))
    assert (pending.state, pending.fired_at) == ("pending", None)
    assert changes_to_tell(pending, SETTINGS, hours(1)) == []
    assert firing(step(pending, Outcome.BREACH, 1.9, rule)).state == "pending"
    assert firing(step(pending, Outcome.CANNOT_TELL, 3, rule)).state == "pending"
    assert step(pending, Outcome.CLEAR, 1, rule) is None
    fired = firing(step(pending, Outcome.BREACH, 2, rule))
    assert (fired.state, fired.fired_at, fired.opened_at) == ("firing", hours(2), NOW)


def test_resolution_waits_until_it_has_been_good_for_a_while() -> None:
    rule = RULE.model_copy(update={"resolve_hours": 3})
    well = firing(step(samples.open_alert(), Outcome.CLEAR, 1, rule))
    assert (well.state, well.clear_since) == ("firing", hours(1))
    assert firing(step(well, Outcome.CLEAR, 3.9, rule)).state == "firing"
    assert firing(step(well, Outcome.CLEAR, 4, rule)).state == "resolved"
    again = firing(step(well, Outcome.BREACH, 2, rule))
    assert again.clear_since is None
    assert list(again.changes) == [hours(1), hours(2)]


def test_what_comes_and_goes_is_held_until_it_is_calm() -> None:
    """Four changes within a week: it flaps; only 48 h of calm resolve it."""
    rule = RULE.model_copy(update={"resolve_hours": 3})
    alert = samples.open_alert()
    for at_h, outcome in ((1, Outcome.CLEAR), (2, Outcome.BREACH), (3, Outcome.CLEAR)):
        alert = firing(step(alert, outcome, at_h, rule))
        assert not alert.is_flapping
    alert = firing(step(alert, Outcome.BREACH, 4, rule))
    assert alert.is_flapping
    well = firing(step(alert, Outcome.CLEAR, 5, rule))
    assert firing(step(well, Outcome.CLEAR, 52, rule)).state == "firing"
    assert firing(step(well, Outcome.CLEAR, 53, rule)).state == "resolved"


def test_an_alert_that_opens_again_and_again_flaps_from_the_start() -> None:
    recent = [hours(-30), hours(-20), hours(-10)]
    alert = firing(advance(None, samples.verdict(), RULE, SETTINGS, NOW, recent))
    assert alert.is_flapping
    long_ago = [hours(-200), hours(-190), hours(-180)]
    calm = firing(advance(None, samples.verdict(), RULE, SETTINGS, NOW, long_ago))
    assert not calm.is_flapping


def test_acknowledged_stays_so_unless_it_gets_worse() -> None:
    known = replace(
        samples.open_alert(), state="acknowledged", acknowledged_at=NOW, acknowledged_by="Li"
    )
    assert firing(step(known, Outcome.BREACH, 1)).state == "acknowledged"
    worse = firing(step(known, Outcome.BREACH, 1, severity=CRITICAL))
    assert (worse.state, worse.acknowledged_by) == ("firing", None)


def test_people_hear_once_then_of_worse_escalation_and_reminders() -> None:
    alert = samples.open_alert("critical")
    assert changes_to_tell(alert, SETTINGS, NOW) == ["opened"]
    alert = told(alert, ["opened"], NOW)
    assert changes_to_tell(alert, SETTINGS, hours(3.9)) == []
    assert changes_to_tell(alert, SETTINGS, hours(4)) == ["escalated"]
    alert = told(alert, ["escalated"], hours(4))
    assert changes_to_tell(alert, SETTINGS, hours(27.9)) == []
    assert changes_to_tell(alert, SETTINGS, hours(28)) == ["reminder"]
    alert = told(alert, ["reminder"], hours(28))
    assert changes_to_tell(alert, SETTINGS, hours(51)) == []
    known = replace(alert, state="acknowledged")
    assert changes_to_tell(known, SETTINGS, hours(500)) == []
    assert changes_to_tell(replace(alert, state="resolved"), SETTINGS, hours(51)) == ["resolved"]


def test_worse_is_told_once() -> None:
    alert = told(samples.open_alert(), ["opened"], NOW)
    worse = replace(alert, severity="critical")
    assert changes_to_tell(worse, SETTINGS, hours(1)) == ["worse"]
    assert changes_to_tell(told(worse, ["worse"], hours(1)), SETTINGS, hours(2)) == []


def test_muted_is_told_when_the_mute_ends_and_never_if_it_is_over_by_then() -> None:
    muted = replace(samples.open_alert(), muted_by="silence:1")
    assert changes_to_tell(muted, SETTINGS, hours(1)) == []
    assert changes_to_tell(replace(muted, muted_by=None), SETTINGS, hours(2)) == ["opened"]
    over = replace(muted, state="resolved", muted_by=None)
    assert changes_to_tell(over, SETTINGS, hours(2)) == []


def test_end_of_what_was_told_is_told_although_another_alert_inhibits_it() -> None:
    over = replace(samples.open_alert(), state="resolved", muted_by="inhibited:park_silent")
    assert changes_to_tell(over, SETTINGS, hours(2)) == []
    known = told(over, ["opened"], NOW)
    assert changes_to_tell(known, SETTINGS, hours(2)) == ["resolved"]
    assert changes_to_tell(replace(known, muted_by="silence:1"), SETTINGS, hours(2)) == []


def test_what_looks_well_when_its_mute_ends_is_not_told() -> None:
    well = replace(samples.open_alert(), clear_since=hours(1))
    assert changes_to_tell(well, SETTINGS, hours(2)) == []
    assert changes_to_tell(replace(well, clear_since=None), SETTINGS, hours(3)) == ["opened"]


def test_what_got_worse_is_escalated_after_its_own_time() -> None:
    """A warning of a day becomes critical: there are four hours to react to that."""
    known = told(samples.open_alert(), ["opened"], NOW)
    worse = told(replace(known, severity="critical"), ["worse"], hours(24))
    assert changes_to_tell(worse, SETTINGS, hours(25)) == []
    assert changes_to_tell(worse, SETTINGS, hours(28)) == ["escalated"]


def test_what_looks_well_or_flaps_reminds_nobody() -> None:
    alert = told(samples.open_alert(), ["opened", "escalated"], NOW)
    assert changes_to_tell(alert, SETTINGS, hours(200)) == ["reminder"]
    assert changes_to_tell(replace(alert, clear_since=NOW), SETTINGS, hours(200)) == []
    assert changes_to_tell(replace(alert, is_flapping=True), SETTINGS, hours(200)) == []


def alert_of(rule: str, enterprise_id: int | None, about: str = "") -> Alert:
    return replace(samples.open_alert(), rule=rule, enterprise_id=enterprise_id, about=about)


def test_outage_of_the_park_is_one_alert() -> None:
    meters = [alert_of("meter_silent", 1, f"m{n}") for n in range(1000)]
    everything = [*meters, alert_of("park_silent", None), alert_of("green_share_ytd", 1)]
    muted = mutes(everything, rule_definitions())
    assert set(muted.values()) == {"inhibited:park_silent"}
    assert len(muted) == 1000
    assert mutes(meters, rule_definitions()) == {}


def test_silent_meter_mutes_what_depends_on_it_in_its_own_enterprise() -> None:
    alerts = [
        alert_of("meter_silent", 1, "m"),
        alert_of("energy_saving", 1),
        alert_of("energy_saving", 2),
    ]
    assert mutes(alerts, rule_definitions()) == {("energy_saving", 1, ""): "inhibited:meter_silent"}


def test_park_off_its_path_does_not_mute_the_forecast_of_an_enterprise() -> None:
    alerts = [alert_of("green_share_ytd", None), alert_of("green_forecast", 1)]
    assert mutes(alerts, rule_definitions()) == {}
    alerts.append(alert_of("green_share_ytd", 1))
    assert mutes(alerts, rule_definitions()) == {
        ("green_forecast", 1, ""): "inhibited:green_share_ytd"
    }


def names(people: list[tuple[Contact, str]]) -> list[tuple[str, str]]:
    return [(c.name, reason) for c, reason in people]


def test_who_hears() -> None:
    park = samples.make_park()
    own, bare = park.enterprise("shengtai"), park.enterprise("huize")
    assert names(recipients(park, own, RULE.code)) == [
        ("张伟", "contact"),
        ("Ann Smith", "contact"),
    ]
    assert names(recipients(park, bare, RULE.code)) == [("能源办", "no_contact")]
    assert names(recipients(park, None, RULE.code)) == [("能源办", "park_contact")]
    assert names(recipients(park, own, "mail_undeliverable")) == [("能源办", "park_contact")]
    assert names(recipients(park, own, RULE.code, escalated=True))[-1] == ("能源办", "escalated")


def test_who_only_hears_of_escalation_sleeps_before() -> None:
    boss = samples.OFFICE | {"email": "boss@park.example", "only_escalated": True}
    park = samples.make_park(contacts=[samples.OFFICE, boss])
    assert len(recipients(park, None, RULE.code)) == 1
    assert len(recipients(park, None, RULE.code, escalated=True)) == 2


def test_one_address_gets_one_notice() -> None:
    twice = [
        samples.OFFICE,
        samples.OFFICE | {"name": "again", "email": "Office@park.example"},
    ]
    park = samples.make_park(contacts=twice)
    made = notices(park, None, samples.open_alert(), "opened", NOW)
    assert [(n.channel, n.recipient) for n in made] == [("email", "office@park.example")]


@pytest.mark.parametrize(
    ("changes", "severity", "way"),
    [
        ({}, "warning", "at_once"),
        ({}, "info", "daily"),
        ({"at_once": "critical", "digest": "weekly"}, "warning", "weekly"),
        ({"at_once": None}, "critical", "daily"),
    ],
)
def test_way(changes: dict[str, Any], severity: str, way: str) -> None:
    park = samples.make_park(contacts=[samples.OFFICE | changes])
    (notice,) = notices(park, None, samples.open_alert(severity), "opened", NOW)
    assert notice.way == way


def test_contact_without_an_address_is_refused_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"contacts.0.email: Field required"):
        samples.make_park(contacts=[{"name": "Li"}])


def test_figures_that_json_does_not_have_become_unknown() -> None:
    assert finite({"a": float("nan"), "b": [1.0, float("inf")], "c": {"d": 2}}) == {
        "a": None,
        "b": [1.0, None],
        "c": {"d": 2},
    }
