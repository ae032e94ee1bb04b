"""What a message will say: a snapshot of the facts, taken when the alert changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from models.document import Names
from models.park import Contact, Enterprise, Park
from models.verdicts import Verdict
from storage.alerts import OpenAlert
from storage.outbox import MailKind, NewMail

Reason = Literal["contact", "park_contact", "no_contact"]


class MailContext(BaseModel):
    """Facts of one message, stored as JSON in its outbox row.

    Attributes:
        about: enterprise the message is about; None: the park itself.
        reason: why this recipient gets it; `no_contact` stands in for an enterprise without one.
        opened_at: park clock; `resolved_at` likewise.
        in_reply_to: Message-ID of the `opened` message of the same alert and recipient.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: MailKind
    rule: str
    severity: str
    evidence: dict[str, Any]
    park: Names
    timezone: str
    simulated: bool
    about: Names | None
    reason: Reason
    opened_at: datetime
    resolved_at: datetime | None = None
    in_reply_to: str | None = None


def recipients(park: Park, enterprise: Enterprise | None) -> tuple[Sequence[Contact], Reason]:
    """Who hears about an enterprise (or the park), each address once, and why."""
    reason: Reason = "contact"
    contacts: Sequence[Contact] = enterprise.contacts if enterprise else park.contacts
    if enterprise is None:
        reason = "park_contact"
    elif not contacts:
        contacts, reason = park.contacts, "no_contact"
    return list({c.email.lower(): c for c in reversed(contacts)}.values())[::-1], reason


def make_mails(
    park: Park,
    enterprise: Enterprise | None,
    alert: OpenAlert,
    verdict: Verdict,
    now: datetime,
    kind: MailKind,
) -> list[NewMail]:
    """One message per recipient about an alert that was just opened or resolved."""
    contacts, reason = recipients(park, enterprise)
    facts = MailContext(
        kind=kind,
        rule=verdict.rule,
        severity=verdict.severity,
        evidence=dict(verdict.evidence),
        park=park.name,
        timezone=park.timezone,
        simulated=park.simulated,
        reason=reason,
        about=enterprise.name if enterprise else None,
        opened_at=alert.opened_at,
        resolved_at=now if kind == "resolved" else None,
    )
    return [_mail(park, alert, contact, facts) for contact in contacts]


def _mail(park: Park, alert: OpenAlert, contact: Contact, facts: MailContext) -> NewMail:
    if facts.kind == "resolved":
        opened = message_id(park.key, alert, "opened", contact.email)
        facts = facts.model_copy(update={"in_reply_to": opened})
    return NewMail(
        alert_id=alert.alert_id,
        kind=facts.kind,
        recipient=contact.email,
        recipient_name=contact.name,
        language=contact.language,
        message_id=message_id(park.key, alert, facts.kind, contact.email),
        context=facts.model_dump(mode="json"),
    )


def message_id(park_key: str, alert: OpenAlert, kind: MailKind, recipient: str) -> str:
    """Message-ID of the message of this kind: the same at every attempt.

    The time of opening is part of it, so that alert 1 of another database is another message.
    """
    opened_at = alert.opened_at.astimezone(UTC).isoformat()
    facts = f"{park_key}|{alert.alert_id}|{opened_at}|{kind}|{recipient.lower()}"
    digest = hashlib.sha256(facts.encode()).hexdigest()[:20]
    return f"<alert-{alert.alert_id}.{kind}.{digest}@{park_key}.greenpark>"
