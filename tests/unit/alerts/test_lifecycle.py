"""What a verdict does to an alert: the whole table, and who hears about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.context import message_id, recipients
from alerts.lifecycle import Step, decide
from models.findings import Severity
from models.park import Contact
from models.verdicts import Outcome
from tests.unit.alerts import samples


@pytest.mark.parametrize(
    ("outcome", "is_open", "step"),
    [
        (Outcome.BREACH, False, Step.OPEN),
        (Outcome.CLEAR, False, Step.NOTHING),
        (Outcome.HOLD, False, Step.NOTHING),
        (Outcome.CANNOT_TELL, False, Step.NOTHING),
        (Outcome.BREACH, True, Step.TOUCH),  # the same evidence again
        (Outcome.CLEAR, True, Step.RESOLVE),
        (Outcome.HOLD, True, Step.TOUCH),
        (Outcome.CANNOT_TELL, True, Step.TOUCH),
    ],
)
def test_step(outcome: Outcome, is_open: bool, step: Step) -> None:
    alert = samples.open_alert() if is_open else None
    assert decide(samples.verdict(outcome), alert) is step


def test_breach_with_new_figures_updates() -> None:
    assert decide(samples.verdict(), samples.open_alert(value=0.44)) is Step.UPDATE


def test_breach_with_new_severity_updates() -> None:
    worse = samples.verdict(severity=Severity.CRITICAL)
    assert decide(worse, samples.open_alert()) is Step.UPDATE


@pytest.mark.parametrize("outcome", [Outcome.HOLD, Outcome.CANNOT_TELL])
def test_undecided_keeps_the_figures_of_the_breach(outcome: Outcome) -> None:
    said = samples.verdict(outcome, samples.green(value=None))
    assert decide(said, samples.open_alert()) is Step.TOUCH


def test_enterprise_hears_about_itself() -> None:
    park = samples.make_park()
    contacts, reason = recipients(park, park.enterprise("shengtai"))
    assert [c.name for c in contacts] == ["张伟", "Ann Smith"]
    assert reason == "contact"


def test_park_hears_for_an_enterprise_without_contacts() -> None:
    park = samples.make_park()
    contacts, reason = recipients(park, park.enterprise("huize"))
    assert [c.name for c in contacts] == ["能源办"]
    assert reason == "no_contact"


def test_park_hears_about_itself() -> None:
    park = samples.make_park()
    assert recipients(park, None) == (list(park.contacts), "park_contact")


def test_one_address_gets_one_mail() -> None:
    twice = [samples.OFFICE, samples.OFFICE | {"name": "again", "email": "Office@park.example"}]
    contacts, _ = recipients(samples.make_park(contacts=twice), None)
    assert list(contacts) == [Contact.model_validate(samples.OFFICE)]


def test_message_id_is_stable_and_tells_messages_apart() -> None:
    alert = samples.open_alert()
    first = message_id("donghe", alert, "opened", "a@x.example")
    assert first == message_id("donghe", alert, "opened", "A@x.example")
    others = {
        message_id("donghe", alert, "resolved", "a@x.example"),
        message_id("donghe", alert, "opened", "b@x.example"),
        message_id("xihe", alert, "opened", "a@x.example"),
    }
    assert len(others | {first}) == 4


def test_alert_with_the_same_number_in_another_database_is_another_message() -> None:
    alert = samples.open_alert()
    other = replace(alert, opened_at=samples.RESOLVED_AT)
    assert message_id("donghe", alert, "opened", "a@x.example") != message_id(
        "donghe", other, "opened", "a@x.example"
    )
