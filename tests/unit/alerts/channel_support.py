"""What the tests of webhooks and chat rooms share."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.channels import Channels
from alerts.email import EmailChannel, SmtpServer
from alerts.links import Links
from app.embedded import free_port
from models.delivery import parse_channels
from models.errors import NotifyError
from storage.outbox import ClaimedMail
from tests.receivers import Receiver
from tests.unit.alerts import samples

NOW = datetime(2026, 3, 15, 0, 20, tzinfo=UTC)
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
TOKEN = "tok3nThatNobodyMaySee"
LINKS = Links("http://grafana.example", "http://web.example", "signing-key")


def channels(**entries: dict[str, str]) -> Channels:
    """The transport over a channels file with these entries (`_` is `-`)."""
    document = {name.replace("_", "-"): entry for name, entry in entries.items()}
    email = EmailChannel(SmtpServer("127.0.0.1", free_port()), "a@park.example", LINKS)
    return Channels(email, lambda: NOW, parse_channels(document, "channels.yaml"), "channels.yaml")


def row(channel: str, recipient: str, **changes: Any) -> ClaimedMail:
    return replace(samples.claimed(**changes), channel=channel, recipient=recipient)


def hook(receiver: Receiver, path: str = f"/in/{TOKEN}") -> Channels:
    return channels(ops_hook={"kind": "webhook", "url": receiver.url + path, "secret": SECRET})


def refusal(transport: Channels, mail: ClaimedMail) -> NotifyError:
    with pytest.raises(NotifyError) as caught:
        transport.deliver(mail)
    for secret in (TOKEN, SECRET, SECRET.removeprefix("whsec_")):
        assert secret not in str(caught.value)
    assert str(caught.value).startswith(mail.recipient)
    return caught.value
