"""A device clock that is wrong: a steady lag between measurement and arrival."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analytics.metering.checks.days import Days
from analytics.metering.checks.sums import Raw
from models.findings import Finding, Severity
from models.park import ValidationSettings

_ENOUGH = 4
_NEAR_S = 60
_WHOLE_MIN = (60, 30, 15)


def clock_skews(
    days: Days, raw: Raw, limits: ValidationSettings, period_s: int = 0
) -> Iterator[Finding]:
    """Days whose readings arrive with a lag that is long and always the same.

    Bursts after an outage and imports have lags that differ by hours and stay quiet.

    Args:
        period_s: an amount of a period may arrive at any time of it.

    Source: domain facts 7.2, alarm at 3 minutes; the spread is ours.
    """
    row_of = np.searchsorted(days.grid.edge_s, raw.at_s, side="right") - 1
    lag_s = raw.received_s - raw.at_s
    lag_s -= np.clip(lag_s, 0, period_s)
    lag_s = lag_s[np.lexsort((lag_s, row_of))]
    edges = np.searchsorted(row_of, np.arange(len(days.grid) + 1))
    for row in days.rows:
        mine = lag_s[edges[row] : edges[row + 1]]
        n = len(mine)
        if n < _ENOUGH:
            continue
        low, middle, high = mine[n // 10], mine[n // 2], mine[n - 1 - n // 10]
        if abs(middle) <= limits.skew_s or high - low >= limits.skew_spread_s:
            continue
        facts = {
            "median_lag_s": float(middle),
            "spread_s": float(high - low),
            "limit_s": limits.skew_s,
            "readings": len(mine),
        }
        near = _whole_minutes(float(middle))
        if near:
            facts["near_whole_minutes"] = near
        yield days.of_day(
            row,
            "clock.skew",
            Severity.WARNING,
            facts | {"meaning": _meaning(float(middle), near)},
        )


def _whole_minutes(lag_s: float) -> int:
    """The lag in minutes if it is near a multiple of 15, else 0."""
    for step in _WHOLE_MIN:
        whole = round(lag_s / 60 / step) * step
        if whole and abs(lag_s - 60 * whole) <= _NEAR_S:
            return whole
    return 0


def _meaning(lag_s: float, near: int) -> str:
    way = "behind" if lag_s > 0 else "ahead of"
    zone = ", by a whole number of quarter-hours: check the time zone too" if near else ""
    return (
        f"the device clock is {way} the time of arrival by a steady amount{zone}; set it by NTP, "
        "or, if the gateway holds messages back, let it send the time of measurement"
    )
