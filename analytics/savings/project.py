"""What is asked: a project, its periods, its records and the limits it is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal

import pandas as pd

Granularity = Literal["day", "month"]
Calendar = Literal["none", "days_off"]


@dataclass(frozen=True)
class Span:
    """Local dates `[start, stop)`."""

    start: date
    stop: date

    def __post_init__(self) -> None:
        if self.stop <= self.start:
            raise ValueError(f"span: stop {self.stop} is not after start {self.start}")

    @property
    def days(self) -> int:
        """Length [d]."""
        return (self.stop - self.start).days

    def index(self, granularity: Granularity) -> pd.DatetimeIndex:
        """Starts of the whole days or whole calendar months inside."""
        if granularity == "day":
            return pd.date_range(self.start, self.stop, freq="D", inclusive="left")
        starts = pd.date_range(self.start, self.stop, freq="MS", inclusive="left")
        return starts[starts + pd.offsets.MonthBegin(1) <= pd.Timestamp(self.stop)]


@dataclass(frozen=True)
class Adjustment:
    """A non-routine adjustment, added to the saving [unit of the meter].

    Source: IPMVP Core Concepts 2022, non-routine adjustments; each needs its reason.
    """

    amount: float
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError(f"adjustment of {self.amount}: a reason is needed")


@dataclass(frozen=True)
class MeterRecord:
    """A declared change of a meter, transformer or unit on a local date.

    `handled` says that the given values are already in one unit on both sides of it: then a step
    there is no longer taken for a silent change.
    """

    on: date
    handled: bool
    note: str = ""


@dataclass(frozen=True)
class Limits:
    """Where a baseline or a saving is refused; shares are of 1.

    Source: ASHRAE Guideline 14-2014 clause 4.3.2.1 (CV(RMSE) 20, 25, 30 % when reporting lasts
    under 12, up to 60, above 60 months; uncertainty under 50 % of the saving at 68 %) and 4.2.11
    (NMBE). IPMVP: R2 above 0.75 and |t| of at least 2 are guide values, so they make remarks.
    Those called ours have no published source.
    """

    cv_by_months: Mapping[int, float] = field(
        default_factory=lambda: MappingProxyType({12: 0.20, 61: 0.25, 10**6: 0.30})
    )
    cv_daily: float = 0.50  # ours: Guideline 14 has none for days; their months obey the above
    nmbe: float = 0.05
    fsu: float = 0.50
    r2_guide: float = 0.75
    t_guide: float = 2.0
    coverage: float = 0.90  # CalTRACK 2.0, 2.2
    cycle_days: int = 347  # ours: 95 % of a year
    points: int = 12
    days: int = 28  # ours
    beyond_range: float = 0.10
    beyond_share: float = 0.05  # ours: a single very cold day is no reason
    step_ratio: float = 1.15  # ours: smaller steps inside a period are remarks
    commissioning_ratio: float = 1.4  # ours

    def cv(self, reporting_months: float) -> float:
        """Highest CV(RMSE) of monthly values for a reporting period of that length."""
        whole = round(reporting_months)  # 365 days are twelve months
        return next(v for stop, v in sorted(self.cv_by_months.items()) if whole < stop)


@dataclass(frozen=True)
class Project:
    """A measure and its data.

    Args:
        measure: name of the measure.
        measured: use per period [unit of the meter], index of naive local midnights (days) or
            first days (months). A missing or NaN period is missing, never zero.
        baseline: before the measure.
        commissioned: works and commissioning, left out of both sides.
        reporting: after the measure.
        drivers: amounts per period (tonnes, shifts, ...), same index; columns named for the model.
        temperature_degc: outdoor temperature [degC], naive local index, hourly or daily means.
            Hourly values give degree hours / 24, daily means degree days of the mean.
        days_off: holidays; Saturdays and Sundays are added when `calendar` is `days_off`.
        calendar: whether days off may differ (days only).
        meter_changes: declared records.
        granularity: what one period is.
    """

    measure: str
    measured: pd.Series[float]
    baseline: Span
    commissioned: Span
    reporting: Span
    drivers: pd.DataFrame | None = None
    temperature_degc: pd.Series[float] | None = None
    days_off: frozenset[date] = frozenset()
    calendar: Calendar = "days_off"
    adjustments: tuple[Adjustment, ...] = ()
    meter_changes: tuple[MeterRecord, ...] = ()
    granularity: Granularity = "day"
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        gap, then = self.commissioned.start, self.commissioned.stop
        if self.baseline.stop > gap or self.reporting.start < then:
            raise ValueError("periods: baseline, commissioning and reporting overlap")
        index = self.measured.index
        if not isinstance(index, pd.DatetimeIndex) or index.tz is not None:
            raise ValueError("measured: a naive index of local dates is needed")
        if index.has_duplicates:
            raise ValueError("measured: a period occurs twice")
