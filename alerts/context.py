"""What a message will say: a snapshot of the facts, taken when it is put into the outbox."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from models.document import Names

Change = Literal["opened", "worse", "reminder", "escalated", "resolved", "open"]
"""What happened to an alert; `open`: nothing new, it is listed because it is still open."""

MailKind = Literal["opened", "worse", "reminder", "escalated", "resolved", "digest", "summary"]
"""A digest covers a day or a week, a summary stands for messages that were too many."""

Reason = Literal["contact", "park_contact", "no_contact", "escalated"]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Trend(_Facts):
    """Newest values of the indicator by last day of their period, oldest first; None: missing.

    `targets`: the limit at each of the days; empty: none is known.
    """

    days: tuple[date, ...]
    values: tuple[float | None, ...]
    targets: tuple[float | None, ...] = ()


class Item(_Facts):
    """One alert in a message.

    Attributes:
        about: enterprise that the alert is about; None: the park itself.
        object_key, object_name: the meter, project... that it is about; empty: the whole subject.
        opened_at, resolved_at, acknowledged_at: park clock.
        is_flapping: it came and went several times; it stays open until it has been calm.
    """

    alert_id: int
    rule: str
    severity: str
    change: Change
    about: Names | None = None
    enterprise: str | None = None
    object_key: str = ""
    object_name: Names | None = None
    evidence: dict[str, Any]
    opened_at: datetime
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    is_flapping: bool = False
    trend: Trend | None = None


class MailContext(_Facts):
    """Facts of one message, stored as JSON in its outbox row.

    Attributes:
        items: its alerts, the worst first; a summary lists the first ones of `total`.
        total: number of alerts that it is about.
        reason: why this recipient gets it; `no_contact` stands in for an enterprise without one.
        period_start, period_stop: what a digest covers.
        in_reply_to: Message-ID of the first message of the same alerts to the same recipient.
    """

    kind: MailKind
    park: Names
    park_key: str = ""
    timezone: str
    simulated: bool
    reason: Reason
    items: tuple[Item, ...]
    total: int = 0
    period_start: datetime | None = None
    period_stop: datetime | None = None
    in_reply_to: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_one_alert(cls, facts: Any) -> Any:
        """Rows of version 0.1 had the facts of their only alert beside the others."""
        if isinstance(facts, dict) and "items" not in facts and "rule" in facts:
            item = {"alert_id": 0, "change": facts.get("kind")} | facts
            return facts | {"items": [item], "total": 1}
        return facts

    @property
    def subject(self) -> Names | None:
        """The one enterprise that all items are about; None: the park or several."""
        about = {item.enterprise for item in self.items}
        return self.items[0].about if len(about) == 1 else None
