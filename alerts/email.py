"""The e-mail channel: delivery over SMTP, and what a refusal means."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Literal, Self

from alerts.links import Links
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


@dataclass
class EmailChannel:
    """Delivers outbox rows as e-mails; within `with` one session serves many of them.

    Attributes:
        sender: From, with or without a name.
        links: where the links of the messages lead.
    """

    server: SmtpServer
    sender: str
    links: Links
    _keep: bool = field(default=False, init=False, repr=False)
    _open: smtplib.SMTP | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> Self:
        self._keep = True
        return self

    def __exit__(self, *_exc: object) -> None:
        self._keep = False
        self._close()

    def deliver(self, mail: ClaimedMail) -> None:
        """Hand one message to the mail server; returning means that it has taken it.

        Raises:
            NotifyError: permanent if the server refuses this sender, recipient or message for
                good; retryable if it cannot be reached or says "later".
        """
        message = build_message(mail, self.sender, self.links)
        smtp = self._session(mail.recipient)
        try:
            _send(smtp, message, parseaddr(self.sender)[1], mail.recipient)
        except NotifyError:
            self._close()  # whatever state it is in, the next message gets a new one
            raise
        if not self._keep:
            self._close()

    def _session(self, recipient: str) -> smtplib.SMTP:
        """A greeted, secured and logged-in session; what fails here is not the message's fault."""
        if self._open is not None:
            with suppress(smtplib.SMTPException, OSError):
                if self._open.rset()[0] == 250:  # the server may have closed an idle session
                    return self._open
            self._close()
        self._open = _greeted(self.server, recipient)
        return self._open

    def _close(self) -> None:
        """End the session; a message that was taken stays taken."""
        smtp, self._open = self._open, None
        if smtp is not None:
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()


def hand_over(server: SmtpServer, message: EmailMessage, sender: str, recipient: str) -> None:
    """Hand over one message in a session of its own, past the outbox.

    Raises:
        NotifyError: the mail server did not take it.
    """
    smtp = _greeted(server, recipient)
    try:
        _send(smtp, message, parseaddr(sender)[1], recipient)
    finally:
        smtp.close()


def _greeted(server: SmtpServer, recipient: str) -> smtplib.SMTP:
    """A session, or who did not answer and how."""
    try:
        return _connect(server)
    except (smtplib.SMTPException, OSError) as exc:
        cause = f"mail server {server.host}:{server.port}: {_reply(exc)}"
        raise NotifyError(recipient, cause, permanent=False) from exc


def _connect(server: SmtpServer) -> smtplib.SMTP:
    tls = None if server.security == "none" else ssl.create_default_context()
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
