"""A lasting constant ratio to the days before: a multiplier that changed without a record."""

from __future__ import annotations

from collections.abc import Iterator, Set
from datetime import date

import numpy as np

from analytics.metering.buckets import Floats
from analytics.metering.checks.days import SLOTS, Days, Ints, like_rows
from models.findings import Finding, Severity
from models.park import ValidationSettings

QUIET_DAYS = 7
"""The same ratio again within this many days is the same change."""
_EXAMPLES = 3
_FEWEST_AFTER = 2
_SAME = 0.2
_NICE = (1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 8, 10, 12, 15, 16, 20, 25, 30, 40, 50, 60, 80, 100, 1000)
_NEAR = 0.03


def ratio_jumps(
    days: Days, limits: ValidationSettings, declared: Set[date] = frozenset()
) -> Iterator[Finding]:
    """Days from which on the profile is a constant multiple of that of the like days before.

    The profile before is, per quarter-hour, the median of the three latest like days. The day and
    the next one must both differ from what was before the day, by nearly the same ratio, in nearly
    every quarter-hour alike. A plant that runs harder has another shape; a multiplier has not.
    For the next day two like days will do: the first Saturday of a history has no more.

    Args:
        declared: days of installation records: they explain every day that is compared with days
            before them.

    Source: domain facts 7.1, multiplier change without event; the thresholds are ours.
    """
    if days.varies or len(days.grid) < 3:
        return
    examples = like_rows(days, _EXAMPLES)
    ratio = _constant_ratio(days, examples, limits, _EXAMPLES)
    next_to = like_rows(days, _EXAMPLES, skip=1)
    after = _constant_ratio(days, next_to, limits, _FEWEST_AFTER)
    lasting = np.full(len(ratio), np.nan)
    with np.errstate(invalid="ignore"):
        alike = np.abs(after[1:] / ratio[:-1] - 1) <= _SAME
    lasting[:-1] = np.where(alike, ratio[:-1], np.nan)
    for row in days.rows:
        if np.isnan(lasting[row]) or _known(lasting, row):
            continue
        if any(day in declared for day in _compared(days, examples[row], row)):
            continue
        yield days.of_day(row, "validation.ratio_jump", Severity.WARNING, _facts(lasting[row]))


def _constant_ratio(days: Days, before: Ints, limits: ValidationSettings, fewest: int) -> Floats:
    """Ratio of each day to its like days, NaN where it is no constant one beyond the limit."""
    out = np.full(len(days.grid), np.nan)
    totals = np.where(before >= 0, days.total[before], np.nan)
    enough = (before >= 0).sum(axis=1) >= fewest
    usual_total = np.full(len(days.grid), np.nan)
    # not the mean: one of them may have changed in the middle of the day
    usual_total[enough] = np.nanmedian(totals[enough], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rough = days.total / usual_total
    far = (rough > limits.ratio_jump) | (rough < 1 / limits.ratio_jump)
    for row in np.flatnonzero(far & (usual_total > 0)):
        usual = np.median(days.wall[before[row][before[row] >= 0]], axis=0)
        now = days.wall[row]
        with np.errstate(invalid="ignore"):
            good = (now > 0) & (usual > 0)
        if good.sum() < SLOTS // 2:
            continue
        low, middle, high = np.percentile(now[good] / usual[good], (25, 50, 75))
        if (high - low) < limits.ratio_spread * middle and not (
            1 / limits.ratio_jump <= middle <= limits.ratio_jump
        ):
            out[row] = middle
    return out


def _known(lasting: Floats, row: int) -> bool:
    earlier = lasting[max(0, row - QUIET_DAYS) : row]
    return bool((np.abs(earlier / lasting[row] - 1) <= _SAME).any())


def _compared(days: Days, examples: Ints, row: int) -> list[date]:
    """From the day before the oldest example to the day after this one."""
    oldest = int(examples.min())
    return [days.grid.day(n) for n in range(oldest - 1, row + 2)]


def _facts(ratio: float) -> dict[str, object]:
    size = max(ratio, 1 / ratio)
    near = [n for n in _NICE if abs(size / n - 1) <= _NEAR]
    facts: dict[str, object] = {"after_to_before_ratio": float(ratio)}
    if near:
        facts["near_ratio"] = near[0] if ratio > 1 else 1 / near[0]
    return facts | {
        "meaning": "from this day on all quarter-hours are a constant multiple of what they were: "
        "probably the multiplier (CT or PT) was changed without a record; if so, record it with "
        "`greenpark meter`"
    }
