"""What every rule looks at: one indicator value, and whether an alert is open already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


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

    def evidence(self, **more: Any) -> Mapping[str, Any]:
        """JSON-able facts for a verdict."""
        return {
            "value": self.value,
            "unit": self.unit,
            "period_start": self.period_start.isoformat(),
            "period_stop": self.period_stop.isoformat(),
            "completeness_ratio": self.completeness_ratio,
            "estimated_ratio": self.estimated_ratio,
            "status": self.status,
            **more,
        }
