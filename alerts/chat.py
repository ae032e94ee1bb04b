"""The chat channel: a short text in a room, by the robots of `alerts.robots` or by apprise."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from alerts.context import MailContext
from alerts.language import N_, Speech
from alerts.pages import Page
from alerts.posting import NoAnswer, pieces, redact
from alerts.robots import room
from models.delivery import ChatTarget
from storage.outbox import ClaimedMail

_ALERTS = 5
_MOST_BYTES = 2000  # a text of WeCom has 2048
_MOST_SHOWN = 300


@dataclass(frozen=True)
class Chat:
    """Says messages in one room."""

    target: ChatTarget
    wall_now: Callable[[], datetime]

    def deliver(self, mail: ClaimedMail, page: Page) -> None:
        """Say the message; returning means that the service has taken it.

        Raises:
            NotifyError: retryable: it has not.
        """
        url = self.target.url.get_secret_value()
        text = chat_text(mail, page)
        robots_room = room(url)
        if robots_room is None:
            _by_apprise(mail.recipient, url, text)
        else:
            robots_room.say(mail.recipient, text, self.wall_now())


def chat_text(mail: ClaimedMail, page: Page) -> str:
    """Subject, what it is about, the first alerts and the links; short enough for every service."""
    facts = MailContext.model_validate(mail.context)
    say, total = Speech(page.language), max(facts.total, len(facts.items))
    shown = min(_ALERTS, len(page.blocks))
    links = _links(say, page)
    room_left = _MOST_BYTES - len(links.encode())
    while len((said := _said(say, page, shown, total)).encode()) > room_left and shown:
        shown -= 1
    return said.encode()[: max(room_left, 0)].decode("utf-8", "ignore") + links


def _said(say: Speech, page: Page, shown: int, total: int) -> str:
    lines = [page.subject, page.lead]
    if page.simulated:
        lines.append(say.text(N_("Simulated data, not of a real enterprise.")))
    if total == 1:
        block = page.blocks[0]
        pairs = ((block.value_label, block.value), (block.target_label, block.target))
        lines += [f"{label}: {value}" for label, value in pairs if value and label]
    else:
        lines += [f"- {block.title} ({block.badge})" for block in page.blocks[:shown]]
        if left := total - shown:
            lines.append(say.text(N_("and %(count)s more: see the dashboard"), count=str(left)))
    return "\n".join(lines)


def _links(say: Speech, page: Page) -> str:
    labels = ((N_("Acknowledge"), page.acknowledge), (N_("Open the dashboard"), page.link))
    return "".join(f"\n{say.text(label)}: {link}" for label, link in labels if link)


def _by_apprise(channel: str, url: str, text: str) -> None:
    """Let apprise say it; it tells of failures in its log only."""
    with _heard() as said:
        import apprise

        service = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False))
        title, _, body = text.partition("\n")
        if not service.add(url):
            raise NoAnswer(channel, "apprise does not know such a URL (not shown); correct it")
        taken = service.notify(body, title, body_format=apprise.NotifyFormat.TEXT)
    if not taken:
        cause = redact("; ".join(said), pieces(url))[:_MOST_SHOWN] or "apprise does not say why"
        raise NoAnswer(channel, cause)


class _Lines(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What apprise logs goes here and nowhere else: it may hold a token, as do requests."""
    said: list[str] = []
    theirs, handler = logging.getLogger("apprise"), _Lines(said)
    theirs.propagate = False
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    theirs.addHandler(handler)
    try:
        yield said
    finally:
        theirs.removeHandler(handler)
