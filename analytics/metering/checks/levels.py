"""A day against the days of its kind before: too high, too low, nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from analytics.metering.checks.days import Days, like_range, like_rows
from models.findings import Finding, Severity
from models.park import ValidationSettings


def levels(days: Days, limits: ValidationSettings) -> Iterator[Finding]:
    """Complete days outside the band around the mean of the latest like days.

    A day that lies between the like days of the last two weeks, give or take two steps of the
    register, is not told: where days differ that much, it is one of them, and the return from some
    low days is no high one. Compared is
    the mean quarter-hour, so that a day of 23 hours is no low one. A whole day of zero is
    `validation.zero`, a warning from the second one on, and not `validation.low` as well.

    Source: CPUC VEE rules, high/low check against the same period before; the band is ours.
    """
    rows = like_rows(days, limits.like_days)
    mean = days.total / np.maximum(days.grid.expected, 1)
    usual = mean[rows].mean(axis=1)
    floor = 2 * days.step / days.grid.expected
    can_tell = days.complete & (rows >= 0).all(axis=1) & (usual > floor)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = mean / usual
    zero = can_tell & np.equal(days.total, 0) & (not days.idle)
    lowest, highest = like_range(days, mean)
    slack = floor + 1e-6 * mean
    off = (ratio > 1 + limits.level_ratio) & (mean > highest + slack)
    off |= (ratio < 1 - limits.level_ratio) & (mean < lowest - slack)
    off &= can_tell & (days.total > 0) & (not days.varies)
    for row in days.rows:
        if not (zero[row] or off[row]):
            continue
        facts: dict[str, Any] = {
            **days.named(day=days.total[row], like_days=usual[row] * days.grid.expected[row]),
            "like_days": [days.grid.day(int(n)).isoformat() for n in rows[row]],
        }
        if zero[row]:
            again = row > 0 and days.complete[row - 1] and days.total[row - 1] == 0
            severity = Severity.WARNING if again else Severity.INFO
            yield days.of_day(row, "validation.zero", severity, facts | {"meaning": _ZERO})
        else:
            high = ratio[row] > 1
            facts |= {
                "day_to_like_days_ratio": float(ratio[row]),
                "limit_ratio": limits.level_ratio,
                "meaning": _LEVEL.format("more" if high else "less"),
            }
            code = "validation.high" if high else "validation.low"
            yield days.of_day(row, code, Severity.WARNING, facts)


_ZERO = (
    "nothing was counted all day although the days of its kind before had consumption: is the "
    "plant off, or has the meter lost a phase, its pulse or its supply"
)
_LEVEL = (
    "the day has much {} than the latest days of its kind: ask what ran; if nothing changed, "
    "look for a false reading or a changed multiplier"
)
