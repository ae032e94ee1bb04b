"""What a message says, in the reader's language: the facts of its alerts as texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.blocks import AlertTexts, Block
from alerts.context import Item, MailContext
from alerts.language import N_, Speech
from alerts.links import Links
from alerts.wording import BADGES, PREFIXES, REASONS
from storage.outbox import ClaimedMail

_LONGEST_HEADLINE = 3
_LONGEST_SUBJECT = 160
_MOST_BLOCKS = 16  # Gmail cuts off a mail whose HTML is beyond 102 kB
_MOST_PICTURES = 6
_BEFORE = timedelta(days=7)
_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Page:
    """Everything that the templates show, already in the reader's language.

    Attributes:
        preheader: what a list of mails shows beside the subject.
        tone: resolved, critical, warning or info.
        link, acknowledge: URLs; an empty one has no button.
    """

    language: str
    park: str
    subject: str
    preheader: str
    greeting: str
    lead: str
    simulated: bool
    tone: str
    badge: str
    blocks: tuple[Block, ...]
    more: str
    link: str
    acknowledge: str
    reason: str


def make_page(mail: ClaimedMail, links: Links) -> Page:
    """What the message says, in the recipient's language.

    Raises:
        ValueError: the row's context is not one that this program writes.
    """
    facts = MailContext.model_validate(mail.context)
    say, zone = Speech(mail.language), ZoneInfo(facts.timezone)
    park = facts.park.get(mail.language)
    about = facts.subject.get(mail.language) if facts.subject else park
    shown = facts.items[:_MOST_BLOCKS]
    texts = [AlertTexts(say, item, park, zone) for item in shown]
    headline = _headline(say, facts, texts)
    single = len(texts) == 1 and facts.kind not in ("digest", "summary")
    worst = texts[0].tone if texts and facts.kind != "digest" else "info"
    variant = "zh" if mail.language.startswith("zh") else "en"
    total = max(facts.total, len(facts.items))
    left = total - len(texts)
    more = say.text(N_("and %(count)s more: see the dashboard"), count=str(left)) if left else ""
    blocks = _blocks(mail.message_id, facts, texts, single=single)
    subject = f"[{park}] {about}: {headline}" if facts.subject else f"[{park}] {headline}"
    return Page(
        language=mail.language,
        park=park,
        simulated=facts.simulated,
        subject=_cut(subject),
        preheader=_preheader(say, blocks[0]) if single else "; ".join(b.title for b in blocks[:3]),
        greeting=say.text(N_("Dear %(name)s,"), name=mail.recipient_name),
        lead=texts[0].lead if single else say.text(_LEADS[facts.kind], count=str(total)),
        tone=worst,
        badge=texts[0].badge if single else say.text(BADGES.get(facts.kind, N_("Alerts"))),
        blocks=blocks,
        more=more,
        link=links.dashboard(f"greenpark-overview-{variant}", _view(facts, zone)),
        acknowledge=links.acknowledge(
            [
                i.alert_id
                for i in shown
                if i.alert_id and i.change != "resolved" and i.acknowledged_at is None
            ],
            mail.recipient,
            mail.language,
        ),
        reason=say.text(REASONS[facts.reason], subject=about, park=park),
    )


def _blocks(
    message_id: str, facts: MailContext, texts: Sequence[AlertTexts], *, single: bool
) -> tuple[Block, ...]:
    """All alerts; the first ones with a trend get a picture."""
    others = () if single else facts.items
    blocks: list[Block] = []
    pictures = 0
    for number, text in enumerate(texts, 1):
        name = f"chart{number}.{message_id.strip('<>')}" if pictures < _MOST_PICTURES else ""
        blocks.append(text.block(name, others))
        pictures += blocks[-1].picture is not None
    return tuple(blocks)


def _preheader(say: Speech, block: Block) -> str:
    """What the subject does not say yet: the gap, and why or what to do."""
    gap = f"{say.text(N_('Gap'))}: {block.gap}" if block.gap else ""
    return " · ".join(filter(None, (gap, *(block.causes or block.advice)[:1])))


def _cut(subject: str) -> str:
    """Mail programs show the beginning; the headlines stand in full above their alerts."""
    if len(subject) <= _LONGEST_SUBJECT:
        return subject
    return subject[: _LONGEST_SUBJECT - 1].rstrip() + "…"


def _view(facts: MailContext, zone: ZoneInfo) -> dict[str, str]:
    """Time range and variables of the dashboard: a week before the alerts up to their newest time.

    Told by the row alone, because the park's clock may not be that of the reader.
    """
    spans = [_span(item, zone) for item in facts.items]
    start = facts.period_start or min((first for first, _ in spans), default=None)
    stop = facts.period_stop or max((last for _, last in spans), default=None)
    view = {"var-park": facts.park_key} if facts.park_key else {}
    if facts.subject is not None and facts.items[0].enterprise:
        view["var-enterprise"] = facts.items[0].enterprise
    if start and stop:
        view |= {"from": _epoch_ms(start - _BEFORE), "to": _epoch_ms(stop + _AFTER)}
    return view


def _span(item: Item, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """First and last time that an alert is about; a forecast's period is still to come."""
    times = [t for t in (item.opened_at, item.resolved_at, item.acknowledged_at) if t]
    if "status" in item.evidence:
        days = (item.evidence.get("period_start"), item.evidence.get("period_stop"))
        times += [
            datetime.combine(date.fromisoformat(str(d)), time(), zone)
            for d in days
            if d is not None
        ]
    return min(times), max(times)


def _epoch_ms(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


_SEVERAL = N_("%(count)s alerts at once; each with its figures and next steps:")
_LEADS: Mapping[str, str] = {
    "opened": _SEVERAL,
    "worse": _SEVERAL,
    "resolved": N_("%(count)s alerts are resolved:"),
    "reminder": N_("%(count)s alerts are still open and not acknowledged:"),
    "escalated": N_("%(count)s alerts were not acknowledged in time:"),
    "digest": N_("What happened since the last digest, and what is still open (%(count)s):"),
    "summary": N_(
        "So many alerts came within an hour that the rest of them, %(count)s, share this mail:"
    ),
}


def _headline(say: Speech, facts: MailContext, texts: Sequence[AlertTexts]) -> str:
    if facts.kind == "digest":
        changes = [item.change for item in facts.items]
        stop = facts.period_stop or facts.items[0].opened_at
        return say.text(
            N_("digest of %(day)s: %(new)s new, %(resolved)s resolved, %(open)s still open"),
            day=say.day(stop.astimezone(ZoneInfo(facts.timezone)).date()),
            new=str(sum(c in ("opened", "worse", "escalated") for c in changes)),
            resolved=str(changes.count("resolved")),
            open=str(sum(c in ("open", "reminder") for c in changes)),
        )
    if facts.kind == "summary":
        return say.text(N_("%(count)s more alerts in one mail"), count=str(facts.total))
    if len(texts) == 1:
        headline = texts[0].headline
    else:
        listed = "; ".join(t.headline for t in texts[:_LONGEST_HEADLINE])
        dots = "; ..." if len(texts) > _LONGEST_HEADLINE else ""
        headline = say.text(
            N_("%(count)s alerts: %(listed)s"), count=str(facts.total), listed=listed + dots
        )
    prefix = PREFIXES.get(facts.kind)
    return say.text(prefix, headline=headline) if prefix else headline
