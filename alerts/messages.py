"""An outbox row becomes an e-mail: subject, headers, text and HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError, select_autoescape

from alerts.context import MailContext
from alerts.headers import MailPolicy, one_line
from alerts.language import N_, Speech, translations
from alerts.wording import (
    GREEN_ADVICE,
    GREEN_DEFINITION,
    REASONS,
    SEVERITIES,
    STATUSES,
    wording,
)
from models.errors import NotifyError
from storage.outbox import ClaimedMail

# Body parts are encoded for 7-bit transport, so that every mail server takes them.
_POLICY = MailPolicy(linesep="\r\n", cte_type="7bit")
_COLOURS = {"resolved": "#1a7f4b", "critical": "#b3261e", "warning": "#b45f06", "info": "#2f5d8a"}


@dataclass(frozen=True)
class Page:
    """Everything that the templates show, already in the reader's language."""

    language: str
    park: str
    subject: str
    greeting: str
    lead: str
    simulated: bool
    colour: str
    badge: str
    value: str
    value_label: str
    target: str
    target_label: str
    gap: str
    facts: tuple[tuple[str, str], ...]
    advice: tuple[str, ...]
    link: str
    reason: str


def build_message(mail: ClaimedMail, sender: str, grafana_url: str) -> EmailMessage:
    """The e-mail of an outbox row; the same row gives the same Message-ID and Date.

    Raises:
        NotifyError: permanent for an unusable address, retryable if the text cannot be made.
    """
    try:
        page = make_page(mail, grafana_url)
        text, html = _render("alert.txt.j2", page), _render("alert.html.j2", page)
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
    message["Content-Language"] = page.language
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


def make_page(mail: ClaimedMail, grafana_url: str) -> Page:
    """What the mail says, in the recipient's language.

    Raises:
        ValueError: the row's context is not one that this program writes.
    """
    facts = MailContext.model_validate(mail.context)
    say = Speech(mail.language)
    words = wording(facts.rule)
    unit = str(facts.evidence.get("unit", ""))
    value, target = facts.evidence.get("value"), facts.evidence.get("target")
    park = facts.park.get(mail.language)
    subject = facts.about.get(mail.language) if facts.about else park
    values = {"subject": subject, "rule": facts.rule, "park": park}
    values["value"] = say.amount(value, unit, target)
    values["target"] = say.amount(target, unit, value)
    resolved = facts.kind == "resolved"
    headline = say.text(words.resolved if resolved else words.opened, **values)
    advice = GREEN_ADVICE.get(facts.evidence.get("share", ""), words.advice)
    variant = "zh" if mail.language.startswith("zh") else "en"
    return Page(
        language=mail.language,
        park=park,
        simulated=facts.simulated,
        subject=f"[{park}] {subject}: {headline}" if facts.about else f"[{park}] {headline}",
        greeting=say.text(N_("Dear %(name)s,"), name=mail.recipient_name),
        lead=say.text(words.resolved_lead if resolved else words.opened_lead, **values),
        colour=_COLOURS["resolved" if resolved else facts.severity],
        badge=say.text(N_("Resolved") if resolved else SEVERITIES[facts.severity]),
        value=values["value"],
        value_label=say.text(words.indicator),
        target=values["target"],
        target_label=say.text(words.target),
        gap=say.gap(value, target, unit),
        facts=_fact_rows(say, facts),
        advice=() if resolved else tuple(say.text(step) for step in advice),
        link=f"{grafana_url.rstrip('/')}/d/greenpark-overview-{variant}",
        reason=say.text(REASONS[facts.reason], **values),
    )


def _fact_rows(say: Speech, facts: MailContext) -> tuple[tuple[str, str], ...]:
    """Label and value of the facts below the figures; what is not known has no row."""
    evidence, zone = facts.evidence, ZoneInfo(facts.timezone)
    rows = [
        (N_("Period"), _period(say, evidence)),
        (N_("Off course since"), say.instant(facts.opened_at, zone)),
    ]
    if facts.resolved_at:
        rows.append((N_("Resolved at"), say.instant(facts.resolved_at, zone)))
    if (goal := evidence.get("year_end_target")) is not None:
        year = str(evidence.get("period_start"))[:4]
        text = N_("%(value)s at the end of %(year)s")
        rows.append((N_("Year-end goal"), say.text(text, value=say.percent(goal), year=year)))
    if definition := GREEN_DEFINITION.get(evidence.get("share", "")):
        rows.append((N_("Definition"), say.text(definition)))
    rows += [
        (N_("Data completeness"), say.percent(evidence.get("completeness_ratio"))),
        (N_("Estimated data"), say.percent(evidence.get("estimated_ratio"))),
    ]
    if status := evidence.get("status"):
        rows.append((N_("Status of the figures"), say.text(STATUSES.get(status, status))))
    return tuple((say.text(label), value) for label, value in rows if value)


def _period(say: Speech, evidence: Mapping[str, object]) -> str:
    """First and last day of the half-open period, as people say it."""
    start, stop = evidence.get("period_start"), evidence.get("period_stop")
    if not start or not stop:
        return ""
    last = date.fromisoformat(str(stop)) - timedelta(days=1)
    return say.text(
        N_("%(first)s to %(last)s"),
        first=say.day(date.fromisoformat(str(start))),
        last=say.day(last),
    )


def _address(name: str, address: str) -> Address:
    try:
        return Address(display_name=one_line(name), addr_spec=address)
    except (MessageError, ValueError, IndexError) as exc:
        cause = f"is not an e-mail address: {exc}"
        raise NotifyError(address, cause, permanent=True) from exc


@cache
def _environment(language: str) -> Environment:
    made = Environment(
        loader=PackageLoader("alerts"),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    return made


def _render(template: str, page: Page) -> str:
    return _environment(page.language).get_template(template).render(page=page)
