"""Chat rooms against HTTP servers on the loopback that hold the contracts of their vendors."""

from __future__ import annotations

import base64
import hmac
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from alerts import robots
from alerts.chat import chat_text
from alerts.pages import make_page
from tests.receivers import Receiver
from tests.unit.alerts import samples
from tests.unit.alerts.channel_support import (
    LINKS,
    NOW,
    TOKEN,
    channels,
    refusal,
    row,
)

# apprise loads all its services at once; one of them imports a module that Python drops in 3.13
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

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
