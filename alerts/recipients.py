"""Who hears of an alert, how, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from alerts.context import Change, Reason
from models.contacts import Contact
from models.delivery import EMAIL, Kind
from models.findings import Severity
from models.park import Enterprise, Park
from models.rules import rule_definitions
from storage.alerts import Alert
from storage.outbox import NewNotice

NO_CHANNELS: Mapping[str, Kind] = MappingProxyType({})
UNKNOWN: Kind = "webhook"
"""What a channel counts as that is not in the file yet; delivery goes by the file of its time."""
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
    park: Park,
    about: Enterprise | None,
    alert: Alert,
    change: Change,
    now: datetime,
    kinds: Mapping[str, Kind] = NO_CHANNELS,
) -> list[NewNotice]:
    """One notice per address or channel; nobody gets the same twice, however often it is listed.

    Of contacts who share a channel the first one counts, before it one who is told at once.

    Args:
        kinds: kind of each channel by its name.
    """
    escalated = change == "escalated" or alert.escalated_at is not None
    found: dict[tuple[str, str], NewNotice] = {}
    for contact, reason in recipients(park, about, alert.rule, escalated=escalated):
        for name in contact.channels:
            notice = NewNotice(
                alert_id=alert.alert_id,
                change=change,
                at=now,
                channel=EMAIL if name == EMAIL else kinds.get(name, UNKNOWN),
                recipient=contact.email if name == EMAIL else name,
                recipient_name=contact.name,
                language=contact.language,
                reason=reason,
                way=way(contact, alert.severity),
            )
            key = (notice.channel, notice.recipient.lower())
            known = found.get(key)
            if known is None or (notice.way == "at_once" != known.way):
                found[key] = notice
    return list(found.values())


def way(contact: Contact, severity: str) -> str:
    """`at_once`, or the digest of the contact."""
    at_once = contact.at_once
    if at_once is not None and _RANK[Severity(severity)] >= _RANK[at_once]:
        return "at_once"
    return contact.digest
