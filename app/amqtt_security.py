"""Logins and rights of amqtt, from the files that broker-config makes for Mosquitto."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.brokerconf.acl import allowed, parse_acl
from app.brokerconf.passwords import parse_passwords, verify

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from amqtt.contexts import Action
    from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin


class PasswordFile(BaseAuthPlugin):  # type: ignore[misc]
    """Lets in who knows a password of the file; nobody is anonymous."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._stored = parse_passwords(_read(self.config.path))

    async def authenticate(self, *, session: Any) -> bool:
        """Whether user and password belong together."""
        return verify(session.password or "", self._stored.get(session.username or "", ""))

    @dataclass
    class Config:
        """Where the file is."""

        path: str = ""


class AccessList(BaseTopicPlugin):  # type: ignore[misc]
    """Refuses every topic that the access list does not allow to the user."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._rights = parse_acl(_read(self.config.path))

    async def topic_filtering(
        self, *, session: Any = None, topic: str | None = None, action: Any = None
    ) -> bool:
        """Whether the user of the session may do this."""
        access = "write" if action == Action.PUBLISH else "read"
        user = (session and session.username) or ""
        return allowed(self._rights, user, access, topic or "")

    @dataclass
    class Config:
        """Where the file is."""

        path: str = ""


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
