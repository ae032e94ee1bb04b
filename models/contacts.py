"""Who is told of an alert, how, and when not."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, field_validator, model_validator

from models.document import Model
from models.findings import Severity
from models.rules import rule_definitions
from models.sources import Key

Language = Literal["zh-CN", "en"]


class Contact(Model):
    """Somebody who is told of alerts, by e-mail or on other channels."""

    name: str = Field(min_length=1)
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$")]
    channels: tuple[Key, ...] = Field(
        default=("email",),
        min_length=1,
        description="email, or names of the channels file (GREENPARK_CHANNELS_FILE)",
    )
    language: Language = "zh-CN"
    digest: Literal["daily", "weekly"] = Field(
        default="daily", description="when what is not told at once is told"
    )
    at_once: Severity | None = Field(
        default=Severity.WARNING,
        description="told at once from this severity on; null: everything in the digest",
    )
    only_escalated: bool = Field(
        default=False, description="hears only of what nobody acknowledged in time"
    )


class BySeverity(Model):
    """Hours for each severity; 0: never."""

    info: float = Field(default=0, ge=0, le=8760)
    warning: float = Field(default=0, ge=0, le=8760)
    critical: float = Field(default=0, ge=0, le=8760)

    def hours(self, severity: str) -> float:
        """The hours of a severity."""
        return float(getattr(self, severity))


class AlertSettings(Model):
    """How alerts behave once a rule has spoken; house rules, all of them.

    Times of day are local to the park.
    """

    group_minutes: float = Field(
        default=0, ge=0, le=1440, description="alerts of an enterprise within it share a message"
    )
    quiet_from: time = time(21, 0)
    quiet_to: time = time(7, 0)
    quiet_up_to: Severity | None = Field(
        default=Severity.WARNING, description="waits for the morning; null: no quiet hours"
    )
    digest_at: time = Field(default=time(8, 0), description="weekly ones on Monday")
    remind_after_hours: BySeverity = BySeverity(warning=168, critical=24)
    escalate_after_hours: BySeverity = BySeverity(warning=72, critical=4)
    messages_per_hour: int = Field(
        default=10, ge=1, le=1000, description="more to one recipient become one summary"
    )
    flap_changes: int = Field(
        default=4, ge=2, le=100, description="this many changes in the window: the alert flaps"
    )
    flap_window_hours: float = Field(default=168, gt=0, le=8760)
    flap_hold_hours: float = Field(
        default=48, ge=0, le=8760, description="a flapping alert is resolved after this calm"
    )


class Maintenance(Model):
    """A planned time in which nobody is told; what is found is recorded all the same."""

    start: AwareDatetime
    stop: AwareDatetime
    enterprise: Key | None = Field(default=None, description="not set: the whole park")
    rules: tuple[str, ...] = Field(default=(), description="codes of rules; none: all of them")
    reason: str = Field(min_length=1)

    @field_validator("rules")
    @classmethod
    def _known(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(codes) - set(rule_definitions()))
        if unknown:
            msg = f"no rule {', '.join(unknown)}; see greenpark rules list"
            raise ValueError(msg)
        return codes

    @model_validator(mode="after")
    def _ordered(self) -> Maintenance:
        if self.stop <= self.start:
            msg = f"stop {self.stop.isoformat()} is not after start {self.start.isoformat()}"
            raise ValueError(msg)
        return self

    def covers(self, rule: str, enterprise: str | None, at: datetime) -> bool:
        """True if an alert of this rule and enterprise (None: the park) is muted at `at`."""
        return (
            self.start <= at < self.stop
            and (self.enterprise is None or self.enterprise == enterprise)
            and (not self.rules or rule in self.rules)
        )
