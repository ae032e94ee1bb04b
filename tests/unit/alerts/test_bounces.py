"""Notifications of mail servers: what came back and whether for good."""

from __future__ import annotations

import pytest

from alerts.bounces import Bounce, read_bounce

DSN = """From: MAILER-DAEMON@mx.example
To: greenpark@park.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=x
MIME-Version: 1.0

--x
Content-Type: text/plain

I'm sorry.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; zhang@shengtai.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550
 5.1.1 no such user
--x
Content-Type: {kind}

Message-ID: <opened.abc@donghe.greenpark>
Subject: hello

--x--
"""


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
def test_bounce_names_the_message(kind: str) -> None:
    raw = DSN.format(action="failed", status="5.1.1", kind=kind).encode()
    assert read_bounce(raw) == Bounce(
        "<opened.abc@donghe.greenpark>",
        "zhang@shengtai.example",
        "5.1.1",
        permanent=True,
        text="smtp; 550 5.1.1 no such user",
    )


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("failed", "4.2.2")])
def test_a_delay_is_not_for_good(action: str, status: str) -> None:
    raw = DSN.format(action=action, status=status, kind="message/rfc822").encode()
    assert not read_bounce(raw).permanent


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"Subject: out of office\n\nhello", "got text/plain; expected a multipart/report"),
        (DSN.replace("Final-Recipient", "X").encode(), "no delivery-status of a recipient"),
        (DSN.replace("Message-ID", "X").encode(), "no original Message-ID"),
        (b"\xff\x00", "expected a multipart/report"),
    ],
)
def test_other_mails_are_refused_with_the_reason(raw: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_bounce(raw.replace(b"{kind}", b"message/rfc822"))
