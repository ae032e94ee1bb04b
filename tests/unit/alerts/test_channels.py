"""Webhook and chat channels against HTTP servers on the loopback that hold the contracts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from alerts import robots
from alerts.channels import Channels
from alerts.chat import chat_text
from alerts.email import EmailChannel, SmtpServer
from alerts.links import Links
from alerts.pages import make_page
from alerts.posting import TIMEOUT_S
from alerts.recipients import notices
from app.embedded import free_port
from models.delivery import load_channels, parse_channels
from models.errors import ConfigError, NotifyError
from storage.outbox import ClaimedMail
from tests.receivers import Receiver
from tests.unit.alerts import samples

# apprise loads all its services at once; one of them imports a module that Python drops in 3.13
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOW = datetime(2026, 3, 15, 0, 20, tzinfo=UTC)
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
TOKEN = "tok3nThatNobodyMaySee"
LINKS = Links("http://grafana.example", "http://web.example", "signing-key")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def root_log() -> Iterator[list[str]]:
    """Everything that the program's log gets, debug lines of libraries too.

    Not caplog: pytest listens to loggers that propagate nothing as well.
    """
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(  # type: ignore[method-assign]
        f"{record.name}: {record.getMessage()}"
    )
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


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


# --- webhook


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


# --- chat: the addresses of the robots are replaced by the local server, nothing else


class Vendor:
    """Checks what a vendor's page asks for, and answers as it does."""

    def __init__(self, name: str, receiver: Receiver) -> None:
        self.name, self.receiver = name, receiver
        field, why = ("code", "msg") if name == "feishu" else ("errcode", "errmsg")
        self.well = {field: 0, why: "ok"}
        self.bad = {field: 19024 if name == "feishu" else 310000, why: "keywords not in content"}
        receiver.usual = self.well

    def text(self) -> str:
        """The text of the one request, after a check of its shape."""
        (got,) = self.receiver.got
        parts, said = urlsplit(got.path), got.document
        assert got.headers["content-type"].startswith("application/json")
        if self.name == "dingtalk":
            assert parts.path == "/robot/send"
            assert parse_qs(parts.query)["access_token"] == [TOKEN]
            assert set(said) == {"msgtype", "text", "at"}
        elif self.name == "wecombot":
            assert (parts.path, parse_qs(parts.query)) == (
                "/cgi-bin/webhook/send",
                {"key": [TOKEN]},
            )
            assert set(said) == {"msgtype", "text"}
        else:
            assert (parts.path, parts.query) == (f"/open-apis/bot/v2/hook/{TOKEN}", "")
            assert said["msg_type"] == "text"
            return str(said["content"]["text"])
        assert said["msgtype"] == "text"
        return str(said["text"]["content"])


@pytest.fixture(params=["dingtalk", "wecombot", "feishu"])
def vendor(
    request: pytest.FixtureRequest, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Vendor:
    point(monkeypatch, request.param, receiver)
    return Vendor(request.param, receiver)


def point(monkeypatch: pytest.MonkeyPatch, name: str, receiver: Receiver) -> None:
    robot = robots.ROBOTS[name]
    parts = urlsplit(robot.address)
    here = robot.address.replace(f"{parts.scheme}://{parts.netloc}", receiver.url)
    moved = {**robots.ROBOTS, name: replace(robot, address=here)}
    monkeypatch.setattr(robots, "ROBOTS", moved)


def test_robot_says_the_message_in_the_language_of_the_contact(vendor: Vendor) -> None:
    transport = channels(night_shift={"kind": "chat", "url": f"{vendor.name}://{TOKEN}"})
    transport.deliver(row("chat", "night-shift"))
    text = vendor.text()
    assert text.startswith("[东河园区] 盛泰: 绿电占比 43.1 %，低于路径 47.5 %\n")
    assert "模拟数据" in text
    assert "确认: http://web.example/ack/" in text
    assert "打开监测看板: http://grafana.example/d/" in text
    vendor.receiver.got.clear()
    transport.deliver(row("chat", "night-shift", language="en"))
    assert vendor.text().startswith("[Donghe park] Shengtai: green share 43.1 %")


def test_robot_that_refuses_with_200_has_not_taken_it(vendor: Vendor) -> None:
    vendor.receiver.answer(200, vendor.bad)
    transport = channels(night_shift={"kind": "chat", "url": f"{vendor.name}://{TOKEN}"})
    error = refusal(transport, row("chat", "night-shift"))
    assert not error.permanent
    assert "keywords not in content" in str(error)
    vendor.receiver.answer(200, b"<html>")
    assert not refusal(transport, row("chat", "night-shift")).permanent
    vendor.receiver.answer(404, f"no {TOKEN}".encode())
    assert not refusal(transport, row("chat", "night-shift")).permanent
    transport.deliver(row("chat", "night-shift"))


def test_dingtalk_signs(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    point(monkeypatch, "dingtalk", receiver)
    vendor = Vendor("dingtalk", receiver)
    url = f"dingtalk://SEC0123@{TOKEN}/13800000000"
    channels(x={"kind": "chat", "url": url}).deliver(row("chat", "x"))
    vendor.text()
    query = parse_qs(urlsplit(receiver.got[0].path).query)
    sent_at = str(int(NOW.timestamp() * 1000))
    wanted = hmac.digest(b"SEC0123", f"{sent_at}\nSEC0123".encode(), "sha256")
    assert query["timestamp"] == [sent_at]
    assert query["sign"] == [base64.b64encode(wanted).decode()]
    assert receiver.got[0].document["at"]["atMobiles"] == ["13800000000"]


def test_feishu_signs(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    point(monkeypatch, "feishu", receiver)
    vendor = Vendor("feishu", receiver)
    channels(x={"kind": "chat", "url": f"feishu://sec@{TOKEN}"}).deliver(row("chat", "x"))
    vendor.text()
    said = receiver.got[0].document
    sent_at = str(int(NOW.timestamp()))
    wanted = hmac.digest(f"{sent_at}\nsec".encode(), b"", "sha256")
    assert (said["timestamp"], said["sign"]) == (sent_at, base64.b64encode(wanted).decode())


@pytest.mark.parametrize(
    "address",
    [
        f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}",
        f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={TOKEN}",
        f"https://open.feishu.cn/open-apis/bot/v2/hook/{TOKEN}",
        f"wecombot://{TOKEN}",
        f"dingtalk://{TOKEN}",
    ],
)
def test_what_a_vendor_shows_is_an_address(address: str) -> None:
    found = robots.room(address)
    assert found is not None
    assert (found.token, found.secret) == (TOKEN, "")
    assert TOKEN not in repr(found)


def test_other_services_go_by_apprise(
    receiver: Receiver, root_log: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """`json://` of apprise leads to any host: no part of it is replaced."""
    url = receiver.url.replace("http:", "json:") + f"/{TOKEN}"
    transport = channels(desk={"kind": "chat", "url": url})
    transport.deliver(row("chat", "desk", language="en"))
    (got,) = receiver.got
    assert got.path == f"/{TOKEN}"
    assert got.document["title"].startswith("[Donghe park] Shengtai: green share 43.1 %")
    assert "Open the dashboard: http://grafana.example" in got.document["message"]
    receiver.answer(500, TOKEN.encode())
    error = refusal(transport, row("chat", "desk"))
    assert not error.permanent
    assert "500" in str(error)
    assert [line for line in root_log if line.startswith(("apprise", "urllib3"))] == []
    assert TOKEN not in "".join((*root_log, *capfd.readouterr()))


def test_apprise_follows_no_redirects(receiver: Receiver) -> None:
    with Receiver() as elsewhere:
        receiver.answer(307, Location=f"{elsewhere.url}/")
        url = receiver.url.replace("http:", "json:") + f"/{TOKEN}"
        refusal(channels(desk={"kind": "chat", "url": url}), row("chat", "desk"))
        assert elsewhere.got == []


def test_a_url_that_apprise_does_not_know(root_log: list[str]) -> None:
    transport = channels(desk={"kind": "chat", "url": f"nonsense://{TOKEN}"})
    assert not refusal(transport, row("chat", "desk")).permanent
    assert [line for line in root_log if line.startswith("apprise")] == []


def test_chat_text_is_short_and_keeps_its_links() -> None:
    others = tuple(samples.verdict(rule=f"rule_{n}") for n in range(19))
    long = {"zh": "盛" * 60, "en": "Shengtai" * 9}
    mail = row("chat", "x", kind="summary", others=others, name=long)
    page = make_page(mail, LINKS)
    text = chat_text(mail, page)
    assert len(text.encode()) <= 2000
    assert text.endswith(page.link)
    listed = text.count("\n- ")
    assert 1 <= listed <= 5
    assert f"另有 {20 - listed} 项" in text
    endless = replace(page, lead="长" * 2000)
    text = chat_text(mail, endless)
    assert len(text.encode()) <= 2000
    assert text.endswith(page.link)


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


# --- the file


def test_all_faults_of_the_file_at_once_and_no_secret() -> None:
    document = {
        "a": {"kind": "webhook", "url": f"ftp://{TOKEN}", "secret": TOKEN},
        "b": {"kind": "chat", "url": TOKEN},
        "c": {"kind": "fax", "url": TOKEN},
        "d": {"kind": "chat", "url": f"x://{TOKEN}", "colour": TOKEN},
        "e": {"kind": "webhook", "url": f"https://u:{TOKEN}@h", "secret": "whsec_" + TOKEN[:8]},
        "f": {"kind": "webhook", "url": "https://h"},
        "Not a name": {"kind": "chat", "url": f"x://{TOKEN}"},
        "g": TOKEN,
    }
    with pytest.raises(ConfigError) as caught:
        parse_channels(document, "channels.yaml")
    places = [fault.split(":")[0] for fault in caught.value.faults]
    assert " ".join(places) == (
        "a.url a.secret b.url c d.colour e.url e.secret f.secret Not a name g"
    )
    assert TOKEN not in str(caught.value)
    assert "openssl rand" in str(caught.value)


@pytest.mark.parametrize("text", [f"a: {{kind: chat, url: '{TOKEN}", f"a: [{TOKEN}", "- 1"])
def test_a_file_that_cannot_be_read_as_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "channels.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"channels\.yaml") as caught:
        load_channels(file)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_missing_file_reserved_name_and_empty_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_channels(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="email: is built in"):
        parse_channels({"email": {"kind": "chat", "url": "x://y"}}, "c")
    (tmp_path / "empty.yaml").write_text("", encoding="utf-8")
    assert load_channels(tmp_path / "empty.yaml") == {}


def test_secrets_are_not_in_the_repr() -> None:
    targets = channels(
        a={"kind": "webhook", "url": f"https://h/{TOKEN}", "secret": SECRET},
        b={"kind": "chat", "url": f"dingtalk://{TOKEN}"},
    ).targets
    assert TOKEN not in repr(targets)
    assert SECRET not in repr(targets)
