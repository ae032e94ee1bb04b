"""The page behind an acknowledge link: what it is about, one button, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.language import N_, Speech
from alerts.links import LINK_DAYS, Pass
from alerts.rendering import render
from models.park import Park
from models.rules import rule_definitions
from storage.alerts import AlertRow

Moment = Literal["ask", "done"]
_STATES: Mapping[str, str] = {
    "pending": N_("not firing yet"),
    "firing": N_("open"),
    "acknowledged": N_("acknowledged"),
    "resolved": N_("resolved"),
}


@dataclass(frozen=True)
class Line:
    """One alert on the page."""

    subject: str
    name: str
    about: str
    since: str
    state: str


@dataclass(frozen=True)
class AnswerPage:
    """What the template shows; `button` empty: there is nothing left to acknowledge."""

    language: str
    title: str
    lead: str
    lines: tuple[Line, ...] = ()
    button: str = ""
    hint: str = ""


def answer_page(
    link: Pass, alerts: Sequence[AlertRow], parks: Mapping[str, Park], moment: Moment
) -> str:
    """The page as HTML: before (`ask`) or after (`done`) the button was pressed."""
    say = Speech(link.language)
    still_open = any(a.state == "firing" for a in alerts)
    if moment == "done":
        title = N_("Acknowledged")
        lead = N_("Thank you. There will be no more reminders unless it gets worse.")
    elif still_open:
        title = N_("Acknowledge alerts")
        lead = N_(
            "You tell the others that you look after this. The alerts stay open until the cause "
            "is gone."
        )
    else:
        title = N_("Nothing left to acknowledge")
        lead = N_("These alerts are acknowledged or resolved already.")
    return render(
        "answer.html.j2",
        AnswerPage(
            language=link.language,
            title=say.text(title),
            lead=say.text(lead),
            lines=tuple(_line(say, a, parks.get(a.park_key)) for a in alerts),
            button=say.text(N_("Acknowledge")) if moment == "ask" and still_open else "",
            hint=say.text(N_("recorded as %(name)s"), name=link.recipient),
        ),
    )


def refusal_page(*, expired: bool) -> str:
    """The page for a link that is not valid, in both languages: nothing is known of the reader."""
    return _both(
        (
            N_("This link has expired: it is valid for %(days)s days.")
            if expired
            else N_("This link is not valid. Was it copied completely?")
        ),
        N_("Use the link of a newer mail, or: greenpark alerts ack"),
        days=str(LINK_DAYS),
    )


def trouble_page() -> str:
    """The page while the database is away, in both languages."""
    return _both(
        N_("The acknowledgement could not be stored."),
        N_("Nothing is lost: please open the link again in a few minutes."),
    )


def _both(title: str, lead: str, **values: str) -> str:
    zh, en = Speech("zh-CN"), Speech("en")
    return render(
        "answer.html.j2",
        AnswerPage(
            language="zh-CN",
            title=f"{zh.text(title, **values)} / {en.text(title, **values)}",
            lead=f"{zh.text(lead)} / {en.text(lead)}",
        ),
    )


def _line(say: Speech, alert: AlertRow, park: Park | None) -> Line:
    definition = rule_definitions().get(alert.rule)
    enterprises = park.enterprises if park else ()
    named = next((e for e in enterprises if e.key == alert.enterprise_key), None) or park
    state = say.text(_STATES.get(alert.state, alert.state))
    if alert.state == "acknowledged" and alert.acknowledged_by:
        state += f" ({alert.acknowledged_by})"
    return Line(
        subject=named.name.get(say.language) if named else alert.enterprise_key or alert.park_key,
        name=definition.name.get(say.language) if definition else alert.rule,
        about=alert.about,
        since=say.instant(alert.opened_at, ZoneInfo(park.timezone if park else "UTC")),
        state=state,
    )
