"""Who hears of an alert, how, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from alerts.context import Change, Reason
from models.contacts import Contact
from models.findings import Severity
from models.park import Enterprise, Park
from models.rules import rule_definitions
from storage.alerts import Alert
from storage.outbox import NewNotice

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


def recipients(
    park: Park, about: Enterprise | None, rule: str, *, escalated: bool = False
) -> list[tuple[Contact, Reason]]:
    """Contacts who hear of an alert of a rule, and why.

    An enterprise's own contacts; the park's if it has none, if the rule is for the park, and once
    the alert is escalated. Who only hears of escalated alerts is left out before.
    """
    definition = rule_definitions().get(rule)
    for_park = about is None or (definition is not None and definition.audience == "park")
    people: list[tuple[Contact, Reason]] = []
    if for_park:
        people = [(c, "park_contact") for c in _awake(park.contacts, escalated)]
    elif about is not None:
        people = [(c, "contact") for c in _awake(about.contacts, escalated)]
        if not people:
            people = [(c, "no_contact") for c in _awake(park.contacts, escalated)]
    if escalated and not for_park:
        known = {c for c, _ in people}
        people += [(c, "escalated") for c in park.contacts if c not in known]
    return people


def _awake(contacts: tuple[Contact, ...], escalated: bool) -> Iterator[Contact]:
    return (c for c in contacts if escalated or not c.only_escalated)


def notices(
    park: Park, about: Enterprise | None, alert: Alert, change: Change, now: datetime
) -> list[NewNotice]:
    """One notice per address; nobody gets the same twice, however often it is listed."""
    escalated = change == "escalated" or alert.escalated_at is not None
    found: dict[str, NewNotice] = {}
    for contact, reason in recipients(park, about, alert.rule, escalated=escalated):
        notice = NewNotice(
            alert_id=alert.alert_id,
            change=change,
            at=now,
            channel="email",
            recipient=contact.email,
            recipient_name=contact.name,
            language=contact.language,
            reason=reason,
            way=way(contact, alert.severity),
        )
        found.setdefault(contact.email.lower(), notice)
    return list(found.values())


def way(contact: Contact, severity: str) -> str:
    """`at_once`, or the digest of the contact."""
    at_once = contact.at_once
    if at_once is not None and _RANK[Severity(severity)] >= _RANK[at_once]:
        return "at_once"
    return contact.digest
