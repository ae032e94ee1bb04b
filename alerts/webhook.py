"""The webhook channel: a message as JSON, signed as Standard Webhooks 1.0 has it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts.blocks import AlertTexts
from alerts.context import Item, MailContext
from alerts.language import Speech
from alerts.pages import Page
from alerts.posting import Place, encode, pieces, post
from models.delivery import WebhookTarget
from storage.outbox import ClaimedMail

SCHEMA_VERSION = 1
"""Rises when a field goes or changes its meaning, not when one is added."""


@dataclass(frozen=True)
class Webhook:
    """Hands messages to one receiver."""

    target: WebhookTarget
    wall_now: Callable[[], datetime]

    def deliver(self, mail: ClaimedMail, page: Page) -> None:
        """POST the message; an answer of success means that it was taken.

        Raises:
            NotifyError: the receiver did not take it.
        """
        url, secret = self.target.url.get_secret_value(), self.target.secret.get_secret_value()
        hide = set(pieces(url)) - set(pieces(f"x://{self.target.host}"))
        place = Place(mail.recipient, url, (*hide, url, secret, secret.removeprefix("whsec_")))
        body = encode(payload(mail, page))
        post(place, body, signed(self.target.key, mail.message_id, body, self.wall_now()))


def signed(key: bytes, message_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """Headers by which a receiver tells a true message, and one that it has already.

    The id is the same at every attempt; it has no dot, because dots separate what is signed.
    """
    number = hashlib.sha256(message_id.encode()).hexdigest()[:32]
    webhook_id, sent_at = f"msg_{number}", str(int(at.timestamp()))
    standard = _hmac(key, f"{webhook_id}.{sent_at}.".encode() + body)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": f"v1,{base64.b64encode(standard).decode()}",
        "Idempotency-Key": message_id,
        "X-Greenpark-Signature": f"sha256={_hmac(key, f'{sent_at}.'.encode() + body).hex()}",
    }


def payload(mail: ClaimedMail, page: Page) -> dict[str, Any]:
    """The message as programs read it; docs/channels.md describes every field."""
    facts = MailContext.model_validate(mail.context)
    say, zone = Speech(mail.language), ZoneInfo(facts.timezone)
    period = None
    if facts.period_start and facts.period_stop:
        start, stop = facts.period_start.isoformat(), facts.period_stop.isoformat()
        period = {"start": start, "stop": stop}
    return {
        "schema_version": SCHEMA_VERSION,
        "message_id": mail.message_id,
        "in_reply_to": facts.in_reply_to,
        "kind": mail.kind,
        "created_at": mail.created_at.isoformat(),
        "language": mail.language,
        "park": {
            "key": facts.park_key,
            "name": facts.park.model_dump(),
            "timezone": facts.timezone,
            "simulated": facts.simulated,
        },
        "period": period,
        "subject": page.subject,
        "lead": page.lead,
        "reason": facts.reason,
        "total": max(facts.total, len(facts.items)),
        "alerts": [
            _alert(item, AlertTexts(say, item, page.park, zone).headline) for item in facts.items
        ],
        "links": {"dashboard": page.link, "acknowledge": page.acknowledge or None},
    }


def _alert(item: Item, headline: str) -> Mapping[str, Any]:
    evidence = item.evidence
    state = "acknowledged" if item.acknowledged_at else "firing"
    return {
        "alert_id": item.alert_id,
        "rule": item.rule,
        "severity": item.severity,
        "change": item.change,
        "state": "resolved" if item.resolved_at else state,
        "headline": headline,
        "enterprise": item.enterprise,
        "enterprise_name": item.about.model_dump() if item.about else None,
        "object": item.object_key or None,
        "object_name": item.object_name.model_dump() if item.object_name else None,
        "value": evidence.get("value"),
        "target": evidence.get("target"),
        "unit": evidence.get("unit"),
        "period_start": evidence.get("period_start"),
        "period_stop": evidence.get("period_stop"),
        "opened_at": item.opened_at.isoformat(),
        "resolved_at": item.resolved_at.isoformat() if item.resolved_at else None,
        "acknowledged_at": item.acknowledged_at.isoformat() if item.acknowledged_at else None,
        "acknowledged_by": item.acknowledged_by or None,
        "is_flapping": item.is_flapping,
        "evidence": evidence,
    }


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()
