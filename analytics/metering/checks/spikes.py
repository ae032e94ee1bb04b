"""A quarter-hour that towers above its day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analytics.metering.buckets import noticed
from analytics.metering.checks.days import ESTIMATED, Days
from models.findings import Finding, Severity
from models.park import ValidationSettings
from models.periods import BUCKET_S

_COARSE_STEPS = 5


def spikes(days: Days, limits: ValidationSettings) -> Iterator[Finding]:
    """Days whose highest quarter-hour exceeds the third highest by more than the limit.

    Only amounts that were not estimated count; a day that is missing for the most part is not
    judged, of sun and wind whole days only. Where the third highest is but a few steps of the
    register, two steps are taken off, so that a coarse register does not make spikes.

    Source: CPUC VEE rules, "spike check": (h1 - h3) / h3 > 180 %.
    """
    usable = days.present & np.not_equal(days.quality, ESTIMATED)
    height = np.where(usable, days.value, -np.inf)
    top = np.partition(height, -3, axis=1)[:, -3:]
    third, first = top[:, 0], top[:, 2]
    with np.errstate(invalid="ignore"):
        excess = first - third - np.where(third < _COARSE_STEPS * days.step, 2 * days.step, 0)
        over = (usable.sum(axis=1) >= limits.spike_min_buckets) & (third > 0)
        over &= excess > limits.spike_ratio * third
    over &= 2 * days.count >= days.grid.expected
    if days.varies:  # a part of a day of sun or wind is a ramp
        over &= days.complete
    for row in days.rows:
        if over[row]:
            start_s = days.start_s(row, int(height[row].argmax()))
            yield noticed(
                "validation.spike",
                Severity.WARNING,
                start_s,
                start_s + BUCKET_S,
                days.named(highest=first[row], third_highest=third[row])
                | {
                    "excess_ratio": float(first[row] / third[row] - 1),
                    "limit_ratio": limits.spike_ratio,
                    "meaning": "one quarter-hour towers above its day: a false reading, or a load "
                    "that really ran; if it is false, edit the quarter-hour with a reason",
                },
            )
