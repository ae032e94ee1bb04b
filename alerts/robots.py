"""Group robots of DingTalk, WeCom and Feishu.

They answer 200 to what they refuse and say so in the body only, which apprise does not read: a
message with a wrong token or beyond the allowed rate would be lost. So they are asked here.
Source: the vendors' pages on custom robots: DingTalk `robot/send`, WeCom 91770, Feishu custom bot.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from alerts.posting import Place, encode, post, redact
from models.errors import NotifyError

_MOST_SHOWN = 200


@dataclass(frozen=True)
class Call:
    """What one robot is asked: a text to say, signed if the room wants that."""

    text: str
    secret: str
    phones: tuple[str, ...]
    now: datetime


@dataclass(frozen=True)
class Robot:
    """How robots of one vendor are asked.

    Attributes:
        address: the URL up to the token.
        code, why: fields of the answer: how it went (0: well), and what is wrong.
        request: what is added to the query, and the document.
    """

    address: str
    code: str
    why: str
    request: Callable[[Call], tuple[Mapping[str, str], Mapping[str, Any]]]


@dataclass(frozen=True)
class Room:
    """A robot in a room, as the channels file names it."""

    robot: Robot
    token: str = field(repr=False)
    secret: str = field(default="", repr=False)
    phones: tuple[str, ...] = ()

    def say(self, channel: str, text: str, now: datetime) -> None:
        """Say a text in the room.

        Raises:
            NotifyError: retryable, whatever the robot has against it: people correct its settings.
        """
        query, document = self.robot.request(Call(text, self.secret, self.phones, now))
        url = self.robot.address + self.token + (f"&{urlencode(query)}" if query else "")
        hide = (url, self.token, self.secret)
        answer = post(Place(channel, url, hide, keeps_trying=True), encode(document), {})
        try:
            said = json.loads(answer)
            code, why = said[self.robot.code], said.get(self.robot.why, "")
        except (ValueError, LookupError, TypeError, AttributeError):
            code, why = "nothing", "that a robot says: is its address right?"
        if code != 0:
            cause = f"the robot says {code} {redact(str(why), hide)[:_MOST_SHOWN]}"
            raise NotifyError(channel, cause, permanent=False)


def room(url: str) -> Room | None:
    """The room of an address; None: it is no robot's.

    `dingtalk://TOKEN`, `dingtalk://SECRET@TOKEN/PHONE`, `wecombot://KEY`, `feishu://TOKEN`,
    `feishu://SECRET@TOKEN`, `lark://...`, or what the vendor shows (`https://oapi.dingtalk...`).
    """
    for scheme, robot in ROBOTS.items():
        if url.startswith(robot.address):
            return Room(robot, url.removeprefix(robot.address).strip("/"))
        if url.startswith(f"{scheme}://"):
            parts = urlsplit(url)
            secret, _, token = parts.netloc.rpartition("@")
            asked = dict(parse_qsl(parts.query))
            return Room(
                robot,
                asked.get("token") or asked.get("key") or unquote(token),
                asked.get("secret") or unquote(secret),
                tuple(p for p in parts.path.split("/") if p),
            )
    return None


def _dingtalk(call: Call) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    query = {}
    if call.secret:
        sent_at = str(int(call.now.timestamp() * 1000))
        signature = _hmac(call.secret, f"{sent_at}\n{call.secret}")
        query = {"timestamp": sent_at, "sign": signature}
    called = {"atMobiles": list(call.phones), "isAtAll": False}
    return query, {"msgtype": "text", "text": {"content": call.text}, "at": called}


def _wecom(call: Call) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    return {}, {"msgtype": "text", "text": {"content": call.text}}


def _feishu(call: Call) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    document: dict[str, Any] = {"msg_type": "text", "content": {"text": call.text}}
    if call.secret:
        sent_at = str(int(call.now.timestamp()))
        document |= {"timestamp": sent_at, "sign": _hmac(f"{sent_at}\n{call.secret}", "")}
    return {}, document


def _hmac(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


ROBOTS: Mapping[str, Robot] = {
    "dingtalk": Robot(
        "https://oapi.dingtalk.com/robot/send?access_token=", "errcode", "errmsg", _dingtalk
    ),
    "wecombot": Robot(
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", "errcode", "errmsg", _wecom
    ),
    "feishu": Robot("https://open.feishu.cn/open-apis/bot/v2/hook/", "code", "msg", _feishu),
    "lark": Robot("https://open.larksuite.com/open-apis/bot/v2/hook/", "code", "msg", _feishu),
}
