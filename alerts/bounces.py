"""Delivery status notifications: which message came back, and why."""

from __future__ import annotations

import email
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage, Message

_LONGEST = 500


@dataclass(frozen=True)
class Bounce:
    """What a mail server further on says of a message that was taken.

    Attributes:
        message_id: of the message that came back.
        permanent: it will never be delivered; else the server still tries.
    """

    message_id: str
    recipient: str
    status: str
    permanent: bool
    text: str


def read_bounce(raw: bytes) -> Bounce:
    """The facts of a notification; source: RFC 3464, RFC 6522.

    Raises:
        ValueError: it is no such notification, or does not name the message.
    """
    mail = email.message_from_bytes(raw, policy=policy.default)
    if mail.get_content_type() != "multipart/report":
        msg = f"got {mail.get_content_type()}; expected a multipart/report (RFC 3464)"
        raise ValueError(msg)
    status, message_id = _status(mail), _original_id(mail)
    if status is None or not message_id:
        missing = "delivery-status of a recipient" if status is None else "original Message-ID"
        msg = f"the notification has no {missing}"
        raise ValueError(msg)
    code = str(status.get("Status", "")).strip()
    recipient = str(status.get("Final-Recipient", "")).partition(";")[2].strip()
    text = " ".join(str(status.get("Diagnostic-Code", "")).split())[:_LONGEST]
    failed = str(status.get("Action", "")).strip().lower() == "failed"
    return Bounce(message_id, recipient, code, failed and not code.startswith("4"), text)


def _status(mail: EmailMessage) -> Message | None:
    """The first group of fields about a recipient."""
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            for group in part.get_payload():
                if isinstance(group, Message) and group.get("Final-Recipient"):
                    return group
    return None


def _original_id(mail: EmailMessage) -> str:
    """Message-ID of the returned message, or of its returned headers."""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == "text/rfc822-headers":
            headers = email.message_from_string(str(part.get_content()), policy=policy.default)
            return str(headers.get("Message-ID", "")).strip()
        if kind == "message/rfc822":
            inner = part.get_payload(0)
            return str(inner.get("Message-ID", "")).strip() if isinstance(inner, Message) else ""
    return ""
