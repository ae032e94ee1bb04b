"""Webhooks against HTTP servers on the loopback, and who is told on which channel."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts.posting import TIMEOUT_S
from alerts.recipients import notices
from models.errors import ConfigError
from tests.receivers import Receiver
from tests.unit.alerts import samples
from tests.unit.alerts.channel_support import (
    KEY,
    NOW,
    SECRET,
    TOKEN,
    channels,
    hook,
    refusal,
    row,
)

# apprise loads all its services at once; one of them imports a module that Python drops in 3.13
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def verify(key: bytes, headers: Any, body: bytes) -> bool:
    """As Standard Webhooks 1.0 tells receivers, written without the sender's code."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    given = [s.partition(",") for s in headers["webhook-signature"].split(" ")]
    return any(v == "v1" and hmac.compare_digest(wanted, s) for v, _, s in given)


def test_signature_of_the_published_example() -> None:
    """The example of the specification's reference libraries."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert verify(key, headers, b'{"test": 2432232314}')


def test_webhook_is_signed_and_says_it_all(receiver: Receiver) -> None:
    mail = row("webhook", "ops-hook")
    hook(receiver).deliver(mail)
    (got,) = receiver.got
    assert got.path == f"/in/{TOKEN}"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["idempotency-key"] == mail.message_id
    assert got.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert "." not in got.headers["webhook-id"]
    assert verify(KEY, got.headers, got.body)
    assert not verify(KEY, got.headers, got.body + b" ")
    assert not verify(KEY[::-1], got.headers, got.body)
    simple = hmac.new(KEY, b"%d." % NOW.timestamp() + got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-greenpark-signature"] == f"sha256={simple}"

    said = got.document
    assert (said["schema_version"], said["message_id"], said["kind"]) == (
        1,
        mail.message_id,
        "opened",
    )
    assert said["park"] == {
        "key": "donghe",
        "name": {"zh": "东河园区", "en": "Donghe park"},
        "timezone": "Asia/Shanghai",
        "simulated": True,
    }
    assert said["subject"] == "[东河园区] 盛泰: 绿电占比 43.1 %，低于路径 47.5 %"
    assert said["links"]["dashboard"].startswith("http://grafana.example/d/")
    assert said["links"]["acknowledge"].startswith("http://web.example/ack/")
    assert (said["total"], len(said["alerts"]), said["period"]) == (1, 1, None)
    (alert,) = said["alerts"]
    assert alert["headline"] == "绿电占比 43.1 %，低于路径 47.5 %"
    wanted = {
        "rule": "green_share_ytd",
        "severity": "warning",
        "change": "opened",
        "state": "firing",
        "enterprise": "shengtai",
        "value": 0.431,
        "target": 0.475,
        "unit": "ratio",
        "opened_at": "2026-03-15T00:15:00+00:00",
        "resolved_at": None,
    }
    assert {k: alert[k] for k in wanted} == wanted


def test_receiver_of_the_documentation_believes_true_messages_only(receiver: Receiver) -> None:
    page = (Path(__file__).parents[3] / "docs" / "channels.md").read_text(encoding="utf-8")
    code, names = page.split("```python\n")[1].split("```")[0], {}
    exec(code, names)  # noqa: S102 - what readers will copy
    verified: Any = names["verified"]
    hook(receiver).deliver(row("webhook", "ops-hook"))
    (got,) = receiver.got

    def clock(later_s: int = 1) -> float:
        return NOW.timestamp() + later_s

    assert verified(SECRET, got.headers, got.body, clock)
    assert not verified(SECRET, got.headers, got.body, lambda: clock(301))
    assert not verified(SECRET, got.headers, got.body + b" ", clock)
    other = "whsec_" + base64.b64encode(KEY[::-1]).decode()
    assert not verified(other, got.headers, got.body, clock)
    assert set(got.document) - {w for w in got.document if f"`{w}`" in page} == set()
    assert {w for w in got.document["alerts"][0] if f"`{w}`" not in page} == set()


def test_every_kind_of_message_goes_to_a_webhook(receiver: Receiver) -> None:
    for kind in ("opened", "worse", "reminder", "escalated", "resolved", "summary"):
        for language in ("zh-CN", "en"):
            hook(receiver).deliver(row("webhook", "ops-hook", kind=kind, language=language))
    digest = samples.as_digest(samples.claimed())
    hook(receiver).deliver(replace(digest, channel="webhook", recipient="ops-hook"))
    resolved = next(g.document for g in receiver.got if g.document["kind"] == "resolved")
    assert resolved["alerts"][0]["state"] == "resolved"
    assert resolved["in_reply_to"].startswith("<opened.")
    assert receiver.got[-1].document["period"] == {
        "start": "2026-03-15T00:00:00+00:00",
        "stop": "2026-03-16T00:00:00+00:00",
    }


def test_a_repeated_message_has_the_same_ids(receiver: Receiver) -> None:
    mail = row("webhook", "ops-hook")
    receiver.answer(500, b"oops")
    assert not refusal(hook(receiver), mail).permanent
    hook(receiver).deliver(replace(mail, attempts=2))
    other = row("webhook", "ops-hook", kind="resolved")
    hook(receiver).deliver(other)
    for name in ("idempotency-key", "webhook-id"):
        first, second, third = (g.headers[name] for g in receiver.got)
        assert first == second != third


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        *((status, True) for status in (400, 401, 404, 410)),
        *((status, False) for status in (408, 425, 429, 500, 502, 503)),
    ],
)
def test_what_a_refusal_means(receiver: Receiver, status: int, permanent: bool) -> None:
    receiver.answer(status, f"no {SECRET} at /in/{TOKEN}".encode())
    error = refusal(hook(receiver), row("webhook", "ops-hook"))
    assert (error.permanent, error.retryable) == (permanent, not permanent)
    assert f"the receiver says {status} no *** at" in str(error)


@pytest.mark.parametrize(
    ("value", "seconds"), [("120", 120), ("999999", 3600), ("soon", 0), ("-5", 0)]
)
def test_retry_after(receiver: Receiver, value: str, seconds: int) -> None:
    receiver.answer(503, Retry_After=value)
    assert refusal(hook(receiver), row("webhook", "ops-hook")).retry_after_s == seconds


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    with Receiver() as elsewhere:
        receiver.answer(status, Location=f"{elsewhere.url}/{TOKEN}")
        error = refusal(hook(receiver), row("webhook", "ops-hook"))
        assert elsewhere.got == []
    assert not error.permanent
    assert "redirects are not followed" in str(error)


def test_a_certificate_that_nobody_signed_is_refused(receiver: Receiver) -> None:
    """A plain server where TLS is expected: nothing is sent."""
    url = receiver.url.replace("http:", "https:") + f"/in/{TOKEN}"
    transport = channels(ops_hook={"kind": "webhook", "url": url, "secret": SECRET})
    assert "SSL" in str(refusal(transport, row("webhook", "ops-hook")))
    assert receiver.got == []


def test_who_does_not_answer_is_asked_once_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TIMEOUT_S <= 30
    monkeypatch.setattr("alerts.posting.TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf, Receiver() as alive:
        place = f"http://127.0.0.1:{deaf.getsockname()[1]}/{TOKEN}"
        transport = channels(
            deaf={"kind": "webhook", "url": place, "secret": SECRET},
            alive={"kind": "webhook", "url": alive.url, "secret": SECRET},
        )
        transport.__enter__()
        assert "timed out" in str(refusal(transport, row("webhook", "deaf"))).lower()
        assert "not asked again yet" in str(refusal(transport, row("webhook", "deaf")))
        transport.deliver(row("webhook", "alive"))
        transport.__enter__()
        assert "timed out" in str(refusal(transport, row("webhook", "deaf"))).lower()
        assert len(alive.got) == 1


# --- who gets what


def test_a_contact_hears_on_each_of_its_channels() -> None:
    people = [
        samples.OFFICE | {"channels": ["email", "ops-hook", "night-shift"]},
        samples.SMITH | {"channels": ["night-shift"], "at_once": None},
    ]
    kinds: Any = {"ops-hook": "webhook", "night-shift": "chat"}
    made = notices(
        samples.make_park(contacts=people), None, samples.open_alert(), "opened", NOW, kinds
    )
    assert [(n.channel, n.recipient, n.language) for n in made] == [
        ("email", "office@park.example", "zh-CN"),
        ("webhook", "ops-hook", "zh-CN"),
        ("chat", "night-shift", "zh-CN"),
    ]


def test_a_shared_channel_hears_at_once_if_anybody_does() -> None:
    people = [
        samples.OFFICE | {"channels": ["night-shift"], "at_once": None},
        samples.SMITH | {"channels": ["night-shift"]},
    ]
    park = samples.make_park(contacts=people)
    (notice,) = notices(park, None, samples.open_alert(), "opened", NOW, {"night-shift": "chat"})
    assert (notice.way, notice.recipient_name, notice.language) == ("at_once", "Ann Smith", "en")


def test_a_name_that_is_not_in_the_file_waits_and_says_what_to_do() -> None:
    error = refusal(channels(), row("webhook", "ops-hook"))
    assert error.retryable
    for word in ("张伟", "ops-hook", "channels.yaml", "park.yaml"):
        assert word in str(error)


def test_delivery_goes_by_the_file_of_its_time(receiver: Receiver) -> None:
    """Noted before the file had the name: it counted as a webhook and is a chat room."""
    url = receiver.url.replace("http:", "json:")
    channels(desk={"kind": "chat", "url": url}).deliver(row("webhook", "desk"))
    assert "title" in receiver.got[0].document


@pytest.mark.parametrize("names", [[], ["E-Mail"], ["https://x.example"]])
def test_a_channel_of_a_contact_is_a_name(names: list[str]) -> None:
    with pytest.raises(ConfigError, match="channels"):
        samples.make_park(contacts=[samples.OFFICE | {"channels": names}])
