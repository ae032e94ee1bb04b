"""The e-mail channel: delivery over SMTP, and what a refusal means."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Literal

from alerts.messages import build_message
from models.errors import NotifyError
from storage.outbox import ClaimedMail

# Refusals that an operator repairs, after which the same message is welcome.
_OUR_FAULT = (530, 534, 535, 538)


@dataclass(frozen=True)
class SmtpServer:
    """Where mails are handed over; an empty `username` means no login."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"] = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 20.0


@dataclass(frozen=True)
class EmailChannel:
    """Delivers outbox rows as e-mails.

    Attributes:
        sender: From, with or without a name.
        grafana_url: base of the dashboard links.
    """

    server: SmtpServer
    sender: str
    grafana_url: str

    def deliver(self, mail: ClaimedMail) -> None:
        """Hand one message to the mail server; returning means that it has taken it.

        Raises:
            NotifyError: permanent if the server refuses this sender, recipient or message for
                good; retryable if it cannot be reached or says "later".
        """
        message = build_message(mail, self.sender, self.grafana_url)
        with _session(self.server, mail.recipient) as smtp:
            _send(smtp, message, parseaddr(self.sender)[1], mail.recipient)


@contextmanager
def _session(server: SmtpServer, recipient: str) -> Iterator[smtplib.SMTP]:
    """A greeted, secured and logged-in session; whatever fails here is not the message's fault."""
    try:
        smtp = _connect(server)
    except (smtplib.SMTPException, OSError) as exc:
        cause = f"mail server {server.host}:{server.port}: {_reply(exc)}"
        raise NotifyError(recipient, cause, permanent=False) from exc
    try:
        yield smtp
    finally:
        with suppress(smtplib.SMTPException, OSError):  # a taken message stays taken
            smtp.quit()
        smtp.close()


def _connect(server: SmtpServer) -> smtplib.SMTP:
    tls = ssl.create_default_context()
    smtp = (
        smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=tls)
        if server.security == "tls"
        else smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    )
    try:
        if server.security == "starttls":
            smtp.starttls(context=tls)
        if server.username:
            smtp.login(server.username, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _send(smtp: smtplib.SMTP, message: EmailMessage, sender: str, recipient: str) -> None:
    try:
        smtp.send_message(message, from_addr=sender, to_addrs=[recipient])
    except smtplib.SMTPRecipientsRefused as exc:
        code, text = next(iter(exc.recipients.values()))
        raise _refused(recipient, code, text) from exc
    except smtplib.SMTPResponseException as exc:
        raise _refused(recipient, exc.smtp_code, exc.smtp_error) from exc
    except (smtplib.SMTPNotSupportedError, UnicodeError) as exc:
        raise NotifyError(recipient, _reply(exc), permanent=True) from exc
    except (smtplib.SMTPException, OSError) as exc:
        raise NotifyError(recipient, _reply(exc), permanent=False) from exc


def _refused(recipient: str, code: int, text: bytes | str) -> NotifyError:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    permanent = 500 <= code < 600 and code not in _OUR_FAULT
    return NotifyError(recipient, f"the mail server says {code} {said}", permanent=permanent)


def _reply(exc: Exception) -> str:
    if isinstance(exc, smtplib.SMTPResponseException):
        said = exc.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return f"{exc.smtp_code} {text}"
    return f"{type(exc).__name__}: {exc}"
