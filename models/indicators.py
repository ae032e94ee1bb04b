"""An indicator value with everything that a reader needs to trust it."""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

GREEN_SHARE_PHYSICAL = "green_share_physical"
GREEN_SHARE_CLAIM = "green_share_claim"
ENERGY_INTENSITY = "energy_intensity"
WATER_INTENSITY = "water_intensity"

PeriodKind = Literal["day", "rolling_7d", "rolling_30d", "rolling_12m", "month", "ytd", "year"]
"""A month and a year are whole ones, provisional while they last; ytd ends with each day."""

Status = Literal["provisional", "final"]


class IndicatorValue(NamedTuple):
    """Value of an indicator for a subject and a half-open period of local days.

    Attributes:
        enterprise_id: None for the park as a whole.
        value: numerator / denominator in `unit`, or the numerator where there is no denominator;
            None when it cannot be told.
        completeness_ratio: closed balances (or complete days) / due ones.
        estimated_ratio: estimated part of the metered amounts.
        status: provisional while the period is not over or a settlement inside it is missing;
            how much data there is says completeness_ratio.
        note: why there is no value, or what it rests on; None: nothing to say.
    """

    indicator: str
    enterprise_id: int | None
    period_kind: PeriodKind
    period_start: date
    period_stop: date
    value: float | None
    numerator: float | None
    denominator: float | None
    unit: str
    completeness_ratio: float
    estimated_ratio: float
    status: Status
    note: str | None = None
