"""What a message says of one alert, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.causes import likely_causes, number
from alerts.chart import Chart, is_chart
from alerts.context import Item, Trend
from alerts.language import N_, Speech
from alerts.wording import BADGES, GREEN_ADVICE, GREEN_DEFINITION, SEVERITIES, STATUSES, wording
from models.rules import rule_definitions

_LONGEST_FACT = 300


@dataclass(frozen=True)
class Picture:
    """A chart of a message.

    Attributes:
        content_id: by which the HTML names it.
    """

    chart: Chart
    content_id: str


@dataclass(frozen=True)
class Block:
    """One alert of a message.

    Attributes:
        tone: resolved, critical, warning or info.
        course: the trend in words; it stands for the picture where none is shown.
        picture: None: no trend is known, or the message has enough pictures.
    """

    title: str
    tone: str
    badge: str
    lead: str
    value: str
    value_label: str
    target: str
    target_label: str
    gap: str
    facts: tuple[tuple[str, str], ...]
    course: str
    picture: Picture | None
    causes: tuple[str, ...]
    advice: tuple[str, ...]


class AlertTexts:
    """The texts of one alert."""

    def __init__(self, say: Speech, item: Item, park: str, zone: ZoneInfo) -> None:
        self._say, self._item, self._zone = say, item, zone
        self.resolved = item.change == "resolved"
        evidence = item.evidence
        unit = str(evidence.get("unit") or "")
        value, target = number(evidence, "value"), number(evidence, "target")
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
        self._unit = unit
        has_gap = all(self._has) and unit != "h"  # 26 h of silence are not "+1200 %" of 2 h
        self.gap = say.gap(value, target, unit) if has_gap else ""
        words = self._words
        self.headline = self._text(words.resolved if self.resolved else words.opened)
        self.lead = self._text(words.resolved_lead if self.resolved else words.opened_lead)
        self.tone = "resolved" if self.resolved else item.severity
        badge = BADGES.get(item.change)
        self.badge = say.text(badge if badge else SEVERITIES[item.severity])

    def _text(self, msgid: str) -> str:
        return self._say.text(msgid, **self._values) if msgid else ""

    def block(self, content_id: str, others: Sequence[Item]) -> Block:
        """The alert as the templates show it; with others beside it, with its own sentence.

        Args:
            content_id: of its picture; empty: it gets none.
            others: all alerts of a message that has several.
        """
        words, item = self._words, self._item
        advice = GREEN_ADVICE.get(str(item.evidence.get("share", "")), words.advice)
        has_value, has_target = self._has
        label, target_label = self._text(words.indicator) or self.name, self._text(words.target)
        picture = None
        if content_id and item.trend is not None and is_chart(item.trend):
            title = label[:1].upper() + label[1:]
            picture = Picture(Chart(item.trend, self._unit, title, target_label), content_id)
        return Block(
            title=f"{self._values['subject']}: {self.headline}" if others else "",
            tone=self.tone,
            badge=self.badge,
            lead=self.lead if others else "",
            value=self._values["value"] if has_value else "",
            value_label=label,
            target=self._values["target"] if has_target else "",
            target_label=target_label,
            gap=self.gap,
            facts=tuple(self._facts()),
            course=_course(self._say, item.trend, self._unit),
            picture=picture,
            causes=likely_causes(self._say, item, others),
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
            (N_("Details"), _details(evidence.get("found"))),
            (N_("Source of the limit"), str(evidence.get("limit_source") or "")),
        ]
        for label, key in (
            (N_("Data completeness"), "completeness_ratio"),
            (N_("Estimated data"), "estimated_ratio"),
        ):
            if key in evidence:
                rows.append((label, say.percent(number(evidence, key))))
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
        goal = number(self._item.evidence, "year_end_target")
        if goal is None:
            return ""
        return self._say.text(
            N_("%(value)s at the end of %(year)s"),
            value=self._say.percent(goal),
            year=str(self._item.evidence.get("period_start"))[:4],
        )


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
    text = "; ".join(f"{name}: {_plain(value)}" for name, value in found.items())
    return text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT]}..."


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
