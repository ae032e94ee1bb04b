"""A parent meter against the meters below it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analytics.metering.buckets import Bools, Floats
from analytics.metering.checks.days import Days
from models.findings import Finding, Severity
from models.park import ValidationSettings


def parent_gaps(
    days: Days,
    children: Floats,
    complete: Bools,
    limits: ValidationSettings,
    loss_ratio: float | None = None,
) -> Iterator[Finding]:
    """Complete days on which parent less children leaves the loss band.

    Args:
        days: the channel of the parent.
        children: sum of the same channel of all children, per day, canonical unit.
        complete: days on which every child is complete.
        loss_ratio: most that may be lost, if this parent has a limit of its own.

    Source: domain facts 7.2, loss band 3 % (ours); 1 % for the errors of the meters (class 1).
    """
    most = limits.parent_loss_ratio if loss_ratio is None else loss_ratio
    lost = days.total - children
    slack = 2 * days.step
    over = lost > most * days.total + slack
    over |= lost < -limits.parent_gain_ratio * days.total - slack
    over &= days.complete & complete & (np.maximum(days.total, children) > slack)
    for row in days.rows:
        if over[row]:
            total = float(days.total[row])
            facts = days.named(parent=total, children=children[row], lost=lost[row])
            if total > 0:
                facts["lost_ratio"] = float(lost[row]) / total
            yield days.of_day(
                row,
                "validation.parent",
                Severity.WARNING,
                facts
                | {
                    "band_ratio": [-limits.parent_gain_ratio, most],
                    "meaning": _MORE if lost[row] < 0 else _LESS,
                },
            )


_MORE = (
    "the meters below count more than their parent: check multipliers and installation dates, "
    "and whether a meter hangs below another parent"
)
_LESS = (
    "more is lost below this meter than the band allows: a consumer without a meter, a wrong "
    "multiplier, or theft; raise losses_ratio if the losses are real"
)
