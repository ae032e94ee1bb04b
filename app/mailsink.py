"""A mail server for the demo and the tests: keeps every mail as a file, forwards nothing."""

from __future__ import annotations

import itertools
import re
from asyncio import Server
from datetime import UTC
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller

from app.clock import RealClock
from models.periods import Clock

_WALL = RealClock()
_UNSAFE = re.compile(r"[^A-Za-z0-9@.+_-]+")


class _Controller(Controller):
    """Listens on the port that the system gives for port 0."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)  # noqa: S101 - it listens by now
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class MailSink:
    """SMTP server on `host` that stores mails as `YYYYMMDD-HHMMSS-<n>-<recipient>.eml` (UTC).

    Port 0 takes any free port; `port` is the real one after `start`. Subclasses may add aiosmtpd
    hooks such as `handle_RCPT` to refuse recipients.
    """

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = _WALL,
        **smtp: Any,
    ) -> None:
        self.folder, self.host, self.port = folder, host, port
        self._clock, self._smtp = clock, smtp
        self._numbers = itertools.count(1)
        self._controller: _Controller | None = None

    def start(self) -> MailSink:
        """Begin to listen; returns when connections are accepted.

        Raises:
            OSError: the port is taken.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._controller = _Controller(
            self, hostname=self.host, port=self.port, ready_timeout=10, **self._smtp
        )
        self._controller.start()
        self.port = self._controller.port
        return self

    def stop(self) -> None:
        """Stop listening and close open conversations; safe to repeat."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep one file per recipient; called by aiosmtpd."""
        for recipient in envelope.rcpt_tos:
            self._store(recipient, envelope.content)
        return "250 kept"

    def _store(self, recipient: str, content: bytes) -> None:
        """Write the whole file under another name first, so that nobody reads half a mail."""
        stamp = self._clock.now().astimezone(UTC).strftime("%Y%m%d-%H%M%S")
        safe = _UNSAFE.sub("_", recipient)[:100]
        for number in self._numbers:
            path = self.folder / f"{stamp}-{number}-{safe}.eml"
            if not path.exists():
                part = path.with_suffix(".part")
                part.write_bytes(content)
                part.rename(path)
                return
