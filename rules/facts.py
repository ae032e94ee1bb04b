"""What every rule looks at: one indicator value, and whether an alert is open already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from models.findings import Severity
from models.indicators import IndicatorValue
from models.verdicts import Outcome, Verdict
from rules.snapshot import Snapshot, Subject


@dataclass(frozen=True)
class Measured:
    """Newest value of an indicator for one subject.

    Attributes:
        enterprise_id: None for the park.
        value: None when it could not be told.
        is_open: an alert of this rule is open for the subject; the limit to close it is tighter
            than the one to open it (hysteresis).
        age_days: days from the end of the period to today, 0 for a period that ends with
            yesterday or today.
    """

    park_id: int
    enterprise_id: int | None
    period_start: date
    period_stop: date
    value: float | None
    unit: str
    completeness_ratio: float
    estimated_ratio: float
    status: str
    is_open: bool
    age_days: int

    def doubt(self, *, min_completeness_ratio: float, max_age_days: int) -> str:
        """Why nothing can be told from this value; empty when it can be judged."""
        if self.age_days > max_age_days:
            return "old_data"
        if self.completeness_ratio < min_completeness_ratio:
            return "incomplete_data"
        return "no_value" if self.value is None else ""

    def verdict(
        self, rule: str, outcome: Outcome, severity: Severity = Severity.WARNING, **facts: Any
    ) -> Verdict:
        """A verdict about the subject, with the value's own facts as evidence."""
        evidence = {
            "value": self.value,
            "unit": self.unit,
            "period_start": self.period_start.isoformat(),
            "period_stop": self.period_stop.isoformat(),
            "completeness_ratio": self.completeness_ratio,
            "estimated_ratio": self.estimated_ratio,
            "status": self.status,
            **facts,
        }
        return Verdict(rule, self.park_id, self.enterprise_id, outcome, severity, evidence)

    def against_limit(
        self,
        rule: str,
        excess: float,
        *,
        tolerance: float,
        critical: float,
        clear: float,
        **facts: Any,
    ) -> Verdict:
        """Breach above the tolerance, critical far above; an open alert clears below `clear` of it.

        Args:
            excess: how far the value is on the wrong side of its target; same unit as the limits.
        """
        if excess > tolerance:
            severity = Severity.CRITICAL if excess > critical else Severity.WARNING
            return self.verdict(rule, Outcome.BREACH, severity, **facts)
        if self.is_open and excess > tolerance * clear:
            return self.verdict(rule, Outcome.HOLD, **facts)
        return self.verdict(rule, Outcome.CLEAR, **facts)


def measured(snapshot: Snapshot, rule: str, subject: Subject, value: IndicatorValue) -> Measured:
    """A stored value as a rule about it sees it."""
    return Measured(
        snapshot.park_id,
        subject,
        value.period_start,
        value.period_stop,
        value.value,
        value.unit,
        value.completeness_ratio,
        value.estimated_ratio,
        value.status,
        (rule, subject, "") in snapshot.open,
        max((snapshot.today - value.period_stop).days, 0),
    )
