"""A mail server for tests that can refuse, and a transport that dies after the hand-over."""

from __future__ import annotations

import email
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from alerts.email import EmailChannel, SmtpServer
from alerts.links import Links
from app.mailsink import MailSink
from storage.outbox import ClaimedMail


class Sink(MailSink):
    """A MailSink with a list of recipients that it answers with a refusal."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.refuses: dict[str, str] = {}

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if answer := self.refuses.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def mails(self) -> list[EmailMessage]:
        """What arrived, oldest first."""
        paths = sorted(self.folder.glob("*.eml"), key=lambda p: int(p.name.split("-")[2]))
        return [email.message_from_bytes(p.read_bytes(), policy=policy.default) for p in paths]

    def channel(self, **server: Any) -> EmailChannel:
        """An e-mail channel that hands over to this sink."""
        smtp = SmtpServer(self.host, self.port, timeout_s=5, **server)
        return EmailChannel(
            smtp, "greenpark <greenpark@park.example>", Links("http://grafana.example")
        )


class Crash(BaseException):
    """The process dies: nothing catches it."""


@dataclass
class DiesAfterDelivery:
    """Hands over, then dies before anything can be marked."""

    channel: EmailChannel
    died: list[int] = field(default_factory=list)

    def deliver(self, mail: ClaimedMail) -> None:
        self.channel.deliver(mail)
        self.died.append(mail.outbox_id)
        raise Crash
