"""Reactive energy while the same meter counts no active energy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analytics.metering.buckets import Floats, noticed
from analytics.metering.checks.days import Days
from models.findings import Finding, Severity
from models.park import ValidationSettings
from models.periods import BUCKET_S


def reactive_alone(days: Days, active: Floats, limits: ValidationSettings) -> Iterator[Finding]:
    """The longest row of such quarter-hours of a day, if it is long enough and more than two steps.

    Args:
        days: the reactive channel.
        active: (days, 100) active energy of the meter, all directions [kWh]; NaN where one of
            them is missing.

    Source: domain facts 7.2, "kvarh present without kWh".
    """
    with np.errstate(invalid="ignore"):
        alone = days.present & (days.value > 0) & np.equal(active, 0)
    for row in days.rows:
        if alone[row].sum() < limits.reactive_buckets:
            continue
        edges = np.flatnonzero(np.diff(np.concatenate(([0], alone[row].astype(np.int8), [0]))))
        firsts, stops = edges[::2], edges[1::2]
        longest = int((stops - firsts).argmax())
        first, stop = int(firsts[longest]), int(stops[longest])
        amount = days.value[row, first:stop].sum()
        if stop - first < limits.reactive_buckets or amount <= 2 * days.step[row]:
            continue
        yield noticed(
            "validation.reactive",
            Severity.WARNING,
            days.start_s(row, first),
            days.start_s(row, first) + (stop - first) * BUCKET_S,
            days.named(reactive=amount)
            | {
                "active_kwh": 0.0,
                "buckets": stop - first,
                "quarter_hours_of_the_day": int(alone[row].sum()),
                "meaning": "reactive energy without active energy: check the wiring of voltage "
                "and current of the meter; an idle transformer or capacitors look like this too",
            },
        )
