"""An outbox row becomes an e-mail: headers, text and HTML."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from jinja2 import TemplateError

from alerts.chart import draw_chart
from alerts.headers import MailPolicy, one_line
from alerts.language import Speech
from alerts.links import Links
from alerts.pages import make_page
from alerts.rendering import render
from models.errors import NotifyError
from storage.outbox import ClaimedMail

# A line never ends between a number and its percent sign.
_BEFORE_PERCENT = re.compile(r"(?<=\d) (?=%)")
# Body parts are encoded for 7-bit transport, so that every mail server takes them.
_POLICY = MailPolicy(linesep="\r\n", cte_type="7bit")


def build_message(mail: ClaimedMail, sender: str, links: Links) -> EmailMessage:
    """The e-mail of an outbox row; the same row gives the same Message-ID and Date.

    Raises:
        NotifyError: permanent for an unusable address, retryable if the text cannot be made.
    """
    try:
        page = make_page(mail, links)
        text = render("alert.txt.j2", page)
        html = _BEFORE_PERCENT.sub("\u00a0", render("alert.html.j2", page))
        pictures = [
            (block.picture.content_id, draw_chart(block.picture.chart, Speech(page.language)))
            for block in page.blocks
            if block.picture
        ]
        in_reply_to = mail.context.get("in_reply_to")
    except (TemplateError, LookupError, TypeError, ValueError, ArithmeticError) as exc:
        cause = f"the message cannot be written: {exc!r}"
        raise NotifyError(mail.recipient, cause, permanent=False) from exc
    message = EmailMessage(policy=_POLICY)
    name, address = parseaddr(sender)
    message["From"] = _address(name, address)
    message["To"] = _address(mail.recipient_name, mail.recipient)
    message["Subject"] = one_line(page.subject)
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = mail.message_id
    if in_reply_to:
        message["In-Reply-To"] = message["References"] = in_reply_to
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["List-Unsubscribe"] = f"<mailto:{address}?subject=unsubscribe>"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    _attach(message, pictures)
    message["Content-Language"] = page.language  # last: set_content drops Content- headers
    _fix_boundaries(message)
    return message


def _attach(message: EmailMessage, pictures: Sequence[tuple[str, bytes]]) -> None:
    """Put the pictures beside the HTML that shows them."""
    html = message.get_body(("html",))
    for number, (content_id, png) in enumerate(pictures, 1):
        html.add_related(  # type: ignore[union-attr]
            png,
            "image",
            "png",
            cid=f"<{content_id}>",
            filename=f"chart{number}.png",
            disposition="inline",
        )


def _fix_boundaries(message: EmailMessage) -> None:
    """Boundaries made of the Message-ID instead of random ones: the same at every attempt."""
    number = hashlib.sha256(message["Message-ID"].encode()).hexdigest()[:24]
    for level, part in enumerate(p for p in message.walk() if p.is_multipart()):
        part.set_boundary(f"=_{number}.{level}")


def _address(name: str, address: str) -> Address:
    try:
        return Address(display_name=one_line(name), addr_spec=address)
    except (MessageError, ValueError, IndexError) as exc:
        cause = f"is not an e-mail address: {exc}"
        raise NotifyError(address, cause, permanent=True) from exc
