"""What a message says, in the reader's language: the facts of its alerts as texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.context import Item, MailContext, Trend
from alerts.language import N_, Speech
from alerts.links import Links
from alerts.wording import (
    BADGES,
    GREEN_ADVICE,
    GREEN_DEFINITION,
    PREFIXES,
    REASONS,
    SEVERITIES,
    STATUSES,
    RuleWording,
    wording,
)
from models.rules import rule_definitions
from storage.outbox import ClaimedMail

_COLOURS = {"resolved": "#1a7f4b", "critical": "#b3261e", "warning": "#b45f06", "info": "#2f5d8a"}
_LONGEST_HEADLINE = 3
_LONGEST_FACT = 300


@dataclass(frozen=True)
class Block:
    """One alert of a message."""

    title: str
    colour: str
    badge: str
    lead: str
    value: str
    value_label: str
    target: str
    target_label: str
    gap: str
    facts: tuple[tuple[str, str], ...]
    advice: tuple[str, ...]


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
    say = Speech(mail.language)
    park = facts.park.get(mail.language)
    about = facts.subject.get(mail.language) if facts.subject else park
    texts = [_Texts(say, item, park, ZoneInfo(facts.timezone)) for item in facts.items]
    headline = _headline(say, facts, texts)
    single = len(texts) == 1 and facts.kind not in ("digest", "summary")
    worst = texts[0].colour if texts else _COLOURS["info"]
    variant = "zh" if mail.language.startswith("zh") else "en"
    total = max(facts.total, len(texts))
    left = total - len(texts)
    more = say.text(N_("and %(count)s more: see the dashboard"), count=str(left)) if left else ""
    return Page(
        language=mail.language,
        park=park,
        simulated=facts.simulated,
        subject=f"[{park}] {about}: {headline}" if facts.subject else f"[{park}] {headline}",
        greeting=say.text(N_("Dear %(name)s,"), name=mail.recipient_name),
        lead=texts[0].lead if single else say.text(_LEADS[facts.kind], count=str(total)),
        colour=worst if facts.kind not in ("digest",) else _COLOURS["info"],
        badge=texts[0].badge if single else say.text(BADGES.get(facts.kind, N_("Alerts"))),
        blocks=tuple(t.block(alone=single) for t in texts),
        more=more,
        link=links.dashboard(f"greenpark-overview-{variant}"),
        acknowledge=links.acknowledge(
            [
                i.alert_id
                for i in facts.items
                if i.alert_id and i.change != "resolved" and i.acknowledged_at is None
            ],
            mail.recipient,
            mail.language,
        ),
        reason=say.text(REASONS[facts.reason], subject=about, park=park),
    )


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


def _headline(say: Speech, facts: MailContext, texts: Sequence[_Texts]) -> str:
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


class _Texts:
    """The texts of one alert."""

    def __init__(self, say: Speech, item: Item, park: str, zone: ZoneInfo) -> None:
        self._say, self._item, self._zone = say, item, zone
        self.resolved = item.change == "resolved"
        evidence = item.evidence
        unit = str(evidence.get("unit") or "")
        value, target = _number(evidence, "value"), _number(evidence, "target")
        definition = rule_definitions().get(item.rule)
        self._words = wording(item.rule, has_value=value is not None)
        name = definition.name.get(say.language) if definition else item.rule
        subject = item.about.get(say.language) if item.about else park
        self.name = name
        thing = item.object_name.get(say.language) if item.object_name else item.object_key
        self._values = {
            "subject": subject,
            "name": name,
            "rule": item.rule,
            "object": thing or subject,
            "value": say.amount(value, unit, target),
            "target": say.amount(target, unit, value),
        }
        self._has = (value is not None, target is not None)
        self._gap = say.gap(value, target, unit) if all(self._has) else ""
        words = self._words
        self.headline = self._text(words.resolved if self.resolved else words.opened)
        self.lead = self._text(words.resolved_lead if self.resolved else words.opened_lead)
        self.colour = _COLOURS["resolved" if self.resolved else item.severity]
        badge = BADGES.get(item.change)
        self.badge = say.text(badge if badge else SEVERITIES[item.severity])

    def _text(self, msgid: str) -> str:
        return self._say.text(msgid, **self._values) if msgid else ""

    def block(self, *, alone: bool) -> Block:
        """The alert as the templates show it; with others beside it, with its own sentence."""
        words: RuleWording = self._words
        advice = GREEN_ADVICE.get(str(self._item.evidence.get("share", "")), words.advice)
        has_value, has_target = self._has
        return Block(
            title="" if alone else f"{self._values['subject']}: {self.headline}",
            colour=self.colour,
            badge=self.badge,
            lead="" if alone else self.lead,
            value=self._values["value"] if has_value else "",
            value_label=self._text(words.indicator) or self.name,
            target=self._values["target"] if has_target else "",
            target_label=self._text(words.target),
            gap=self._gap,
            facts=tuple(self._facts()),
            advice=() if self.resolved else tuple(self._say.text(step) for step in advice),
        )

    def _facts(self) -> list[tuple[str, str]]:
        """Label and value of the facts below the figures; what is not known has no row."""
        say, item, evidence = self._say, self._item, self._item.evidence
        rows = [
            (N_("About"), item.object_key and self._values["object"]),
            (N_("Period"), _period(say, evidence)),
            (N_("Off course since"), self._instant(item.opened_at)),
            (N_("Resolved at"), self._instant(item.resolved_at)),
            (N_("Acknowledged"), self._acknowledged()),
            (N_("Last heard"), self._instant(evidence.get("last_at"))),
            (N_("Year-end goal"), self._goal()),
            (N_("Definition"), self._text(GREEN_DEFINITION.get(str(evidence.get("share")), ""))),
            (N_("Course"), _course(say, item.trend, str(evidence.get("unit") or ""))),
            (N_("Details"), _details(evidence.get("found"))),
            (N_("Source of the limit"), str(evidence.get("limit_source") or "")),
        ]
        for label, key in (
            (N_("Data completeness"), "completeness_ratio"),
            (N_("Estimated data"), "estimated_ratio"),
        ):
            if key in evidence:
                rows.append((label, say.percent(_number(evidence, key))))
        if status := evidence.get("status"):
            rows.append((N_("Status of the figures"), say.text(STATUSES.get(status, status))))
        if item.is_flapping:
            remark = N_("it comes and goes: it stays open until it has been calm for a while")
            rows.append((N_("Remark"), say.text(remark)))
        return [(say.text(label), value) for label, value in rows if value]

    def _instant(self, at: object) -> str:
        if isinstance(at, str):
            at = datetime.fromisoformat(at)
        return self._say.instant(at, self._zone) if isinstance(at, datetime) else ""

    def _acknowledged(self) -> str:
        at = self._instant(self._item.acknowledged_at)
        return f"{self._item.acknowledged_by}, {at}" if at else ""

    def _goal(self) -> str:
        goal = _number(self._item.evidence, "year_end_target")
        if goal is None:
            return ""
        return self._say.text(
            N_("%(value)s at the end of %(year)s"),
            value=self._say.percent(goal),
            year=str(self._item.evidence.get("period_start"))[:4],
        )


def _number(evidence: Mapping[str, object], key: str) -> float | None:
    value = evidence.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


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


def _course(say: Speech, trend: Trend | None, unit: str) -> str:
    """The newest values in words: from, to, lowest and highest."""
    known = (
        [(d, v) for d, v in zip(trend.days, trend.values, strict=True) if v is not None]
        if (trend)
        else []
    )
    if len(known) < 2:
        return ""
    amounts = [v for _, v in known]
    return say.text(
        N_("%(first)s on %(day)s, now %(last)s; lowest %(low)s, highest %(high)s"),
        first=say.amount(amounts[0], unit),
        day=say.day(known[0][0]),
        last=say.amount(amounts[-1], unit),
        low=say.amount(min(amounts), unit),
        high=say.amount(max(amounts), unit),
    )


def _details(found: object) -> str:
    """What a finding says of itself, as `name: value`."""
    if not isinstance(found, dict):
        return ""
    text = "; ".join(f"{name}: {value}" for name, value in found.items())
    return text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT]}..."
