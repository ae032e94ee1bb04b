"""All channels as one transport: each message goes the way that its row and the file say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from jinja2 import TemplateError

from alerts.chat import Chat
from alerts.email import EmailChannel
from alerts.pages import Page, make_page
from alerts.posting import NoAnswer
from alerts.webhook import Webhook
from models.delivery import EMAIL, Target, WebhookTarget
from models.errors import NotifyError
from storage.outbox import ClaimedMail


@dataclass
class Channels:
    """E-mail, and the channels of the channels file by name.

    Attributes:
        source: the file, or what is wrong with it; told when a name is missing.
    """

    email: EmailChannel
    wall_now: Callable[[], datetime]
    targets: Mapping[str, Target] = field(default_factory=dict)
    source: str = "GREENPARK_CHANNELS_FILE (not set)"
    _silent: set[str] = field(default_factory=set, init=False, repr=False)

    def __enter__(self) -> Self:
        self._silent.clear()
        self.email.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.email.__exit__(*exc)

    def deliver(self, mail: ClaimedMail) -> None:
        """Hand one message over; returning means that it was taken.

        A channel that does not answer is left alone until the next `with`: its messages are put
        back at once and keep nobody waiting.

        Raises:
            NotifyError: it was not taken.
        """
        if mail.channel == EMAIL:
            self.email.deliver(mail)
            return
        if mail.recipient in self._silent:
            raise NotifyError(
                mail.recipient, "did not answer a moment ago, not asked again yet", permanent=False
            )
        channel = self._channel(mail)
        try:
            channel.deliver(mail, self._page(mail))
        except NoAnswer:
            self._silent.add(mail.recipient)
            raise

    def _channel(self, mail: ClaimedMail) -> Webhook | Chat:
        target = self.targets.get(mail.recipient)
        if target is None:
            cause = (
                f"contact {mail.recipient_name} has the channel {mail.recipient}, which is not in "
                f"{self.source}; add it there, or take it from the contact in park.yaml"
            )
            raise NotifyError(mail.recipient, cause, permanent=False)
        if isinstance(target, WebhookTarget):
            return Webhook(target, self.wall_now)
        return Chat(target, self.wall_now)

    def _page(self, mail: ClaimedMail) -> Page:
        try:
            return make_page(mail, self.email.links)
        except (TemplateError, LookupError, TypeError, ValueError, ArithmeticError) as exc:
            cause = f"the message cannot be written: {exc!r}"
            raise NotifyError(mail.recipient, cause, permanent=False) from exc
