"""A small park, verdicts and outbox rows for the tests of alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alerts.context import make_mails
from models.document import Names
from models.findings import Severity
from models.park import Contact, Enterprise, Park, parse_park
from models.verdicts import Outcome, Verdict
from storage.alerts import OpenAlert
from storage.outbox import ClaimedMail, MailKind

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


def open_alert(severity: str = "warning", **evidence: Any) -> OpenAlert:
    return OpenAlert(7, "green_share_ytd", 1, "firing", severity, green(**evidence), OPENED_AT)


def claimed(
    language: str = "zh-CN",
    kind: MailKind = "opened",
    park: Park | None = None,
    said: Verdict | None = None,
    contact: dict[str, str] | None = None,
    name: dict[str, str] | None = None,
) -> ClaimedMail:
    """The outbox row of a message to one contact."""
    park = park or make_park()
    person = Contact.model_validate((contact or ZHANG) | {"language": language})
    changes: dict[str, Any] = {"contacts": (person,)}
    if name:
        changes["name"] = Names.model_validate(name)
    said = said or verdict()
    about: Enterprise | None = None
    if said.enterprise_id is not None:
        about = park.enterprises[0].model_copy(update=changes)
    (mail,) = make_mails(park, about, open_alert(), said, RESOLVED_AT, kind)
    fields = {f: getattr(mail, f) for f in mail.__dataclass_fields__}
    return ClaimedMail(**fields, outbox_id=1, created_at=CREATED_AT, attempts=1)
