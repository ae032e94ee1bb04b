"""A small park, verdicts and outbox rows for the tests of alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from alerts.packing import Parcel, Writer, message_id
from models.contacts import Contact
from models.document import Names
from models.findings import Severity
from models.park import Park, parse_park
from models.verdicts import Outcome, Verdict
from storage.alerts import Alert
from storage.db import Conn
from storage.outbox import ClaimedMail, Waiting

OPENED_AT = datetime(2026, 3, 15, 0, 15, tzinfo=UTC)  # 08:15 in Shanghai
RESOLVED_AT = datetime(2026, 3, 18, 2, 0, tzinfo=UTC)
CREATED_AT = datetime(2026, 11, 22, 10, 0, 5, tzinfo=UTC)

ZHANG = {"name": "张伟", "email": "zhang@shengtai.example", "language": "zh-CN"}
SMITH = {"name": "Ann Smith", "email": "smith@shengtai.example", "language": "en"}
OFFICE = {"name": "能源办", "email": "office@park.example", "language": "zh-CN"}
METER = {
    "name": {"zh": "总表", "en": "main"},
    "channels": {
        "import_kwh": {
            "quantity": "active_energy",
            "unit": "kWh",
            "kind": "register",
            "role": "grid_import",
        }
    },
}


def make_park(**changes: Any) -> Park:
    document = {
        "key": "donghe",
        "name": {"zh": "东河园区", "en": "Donghe park"},
        "simulated": True,
        "contacts": [OFFICE],
        "enterprises": [
            {
                "key": "shengtai",
                "name": {"zh": "盛泰", "en": "Shengtai"},
                "contacts": [ZHANG, SMITH],
                "meters": [METER | {"key": "st-1"}],
            },
            {
                "key": "huize",
                "name": {"zh": "汇泽", "en": "Huize"},
                "meters": [METER | {"key": "hz-1"}],
            },
        ],
    }
    return parse_park(document | changes, "test")


def green(value: float | None = 0.431, target: float = 0.475, **more: Any) -> dict[str, Any]:
    return {
        "value": value,
        "target": target,
        "unit": "ratio",
        "period_start": "2026-01-01",
        "period_stop": "2026-03-15",
        "completeness_ratio": 0.992,
        "estimated_ratio": 0.0134,
        "status": "provisional",
        "year_end_target": 0.5,
        "share": "S3",
    } | more


def verdict(
    outcome: Outcome = Outcome.BREACH,
    evidence: dict[str, Any] | None = None,
    *,
    enterprise_id: int | None = 1,
    rule: str = "green_share_ytd",
    severity: Severity = Severity.WARNING,
) -> Verdict:
    return Verdict(rule, 1, enterprise_id, outcome, severity, evidence or green())


def open_alert(severity: str = "warning", state: str = "firing", **evidence: Any) -> Alert:
    return Alert(
        alert_id=7,
        rule="green_share_ytd",
        enterprise_id=1,
        about="",
        state=state,
        severity=severity,
        evidence=green(**evidence),
        opened_at=OPENED_AT,
        evaluated_at=OPENED_AT,
        fired_at=None if state == "pending" else OPENED_AT,
    )


def waiting(
    said: Verdict | None = None, number: int = 1, contact: Contact | None = None, **changes: Any
) -> Waiting:
    """A notice that somebody is to be told of an alert."""
    said = said or verdict()
    person = contact or Contact.model_validate(ZHANG)
    facts: dict[str, Any] = {
        "alert_id": number,
        "rule": said.rule,
        "enterprise_id": said.enterprise_id,
        "about": said.about,
        "state": "firing",
        "severity": said.severity.value,
        "evidence": said.evidence,
        "opened_at": OPENED_AT,
        "fired_at": OPENED_AT,
        "resolved_at": None,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "is_flapping": False,
        "notice_id": number,
        "change": "opened",
        "at": OPENED_AT,
        "channel": "email",
        "recipient": person.email,
        "recipient_name": person.name,
        "language": person.language,
        "reason": "contact",
        "way": "at_once",
    }
    return Waiting(**facts | changes)


def claimed(
    language: str = "zh-CN",
    kind: str = "opened",
    park: Park | None = None,
    said: Verdict | None = None,
    contact: dict[str, str] | None = None,
    name: dict[str, str] | None = None,
    others: tuple[Verdict, ...] = (),
    **changes: Any,
) -> ClaimedMail:
    """The outbox row of a message to one contact."""
    park = park or make_park()
    person = Contact.model_validate((contact or ZHANG) | {"language": language})
    said = said or verdict()
    if name:
        named = park.enterprises[0].model_copy(update={"name": Names.model_validate(name)})
        park = park.model_copy(update={"enterprises": (named, *park.enterprises[1:])})
    for_park = said.enterprise_id is None
    facts: dict[str, Any] = {
        "change": kind,
        "reason": "park_contact" if for_park else "contact",
        "state": "resolved" if kind == "resolved" else "firing",
        "resolved_at": RESOLVED_AT if kind == "resolved" else None,
    } | changes
    if kind == "summary":
        facts["change"] = "opened"
    notices = tuple(
        waiting(v, number, person, **facts) for number, v in enumerate((said, *others), 1)
    )
    opened = Parcel("opened", tuple(replace(n, change="opened") for n in notices))
    thread = "" if kind in ("opened", "summary") else message_id(park.key, opened)
    writer = Writer(cast("Conn", None), 1, park, {1: "shengtai", 2: "huize"}, RESOLVED_AT, {})
    message = writer.message(Parcel(kind, notices, thread))
    return ClaimedMail(
        outbox_id=1,
        channel=message.channel,
        kind=message.kind,
        recipient=message.recipient,
        recipient_name=message.recipient_name,
        language=message.language,
        message_id=message.message_id,
        context=message.context,
        created_at=CREATED_AT,
        attempts=1,
    )


def course(days: int = 60, **changes: Any) -> dict[str, Any]:
    """A trend to the day before the period ends, with a gap, and its path."""
    last = date(2026, 3, 14)
    shown = [last - timedelta(days=n) for n in range(days)][::-1]
    values = [None if 20 <= n < 26 else 0.415 + n * 0.016 / (days - 1) for n in range(days)]
    trend = {
        "days": [day.isoformat() for day in shown],
        "values": values,
        "targets": [0.45 + n * 0.025 / (days - 1) for n in range(days)],
    }
    return trend | changes


def with_trends(mail: ClaimedMail, *trends: dict[str, Any] | None) -> ClaimedMail:
    """The message with the trends of its first alerts."""
    items = mail.context["items"]
    drawn = [item | {"trend": trend} for item, trend in zip(items, trends, strict=False)]
    return replace(mail, context={**mail.context, "items": drawn + items[len(trends) :]})


def as_digest(mail: ClaimedMail) -> ClaimedMail:
    """The message as a daily digest, which is written by the database only."""
    start = datetime(2026, 3, 15, tzinfo=UTC)  # 08:00 in Shanghai
    period = {"period_start": start.isoformat(), "period_stop": (start + timedelta(1)).isoformat()}
    items = [dict(item) for item in mail.context["items"]]
    items[-1]["change"] = "open"
    context = {**mail.context, "kind": "digest", "items": items} | period
    return replace(mail, kind="digest", context=context)
