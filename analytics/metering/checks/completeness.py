"""How much of a finished day has values, and stretches of days that have none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analytics.metering.buckets import Bools, noticed
from analytics.metering.checks.days import Days
from models.findings import Finding, Severity
from models.park import ValidationSettings
from models.periods import BUCKET_S


@dataclass(frozen=True)
class Around:
    """What is beyond the loaded days.

    Attributes:
        since_s: from here on values are expected: first value ever, or the day of service.
        silent_from_s: midnight after the last value before the loaded days; None: there is none.
        silent_to_s: midnight before the first value after them, or the last finished one.
    """

    since_s: float
    silent_from_s: int | None
    silent_to_s: int


def completeness(days: Days, limits: ValidationSettings, around: Around) -> Iterator[Finding]:
    """Days with some, but not all, of their quarter-hours.

    The first day counts from its first value on. A day without any value is part of a silent
    stretch, see `silences`.
    """
    for row in days.rows:
        have = int(days.count[row])
        if have == 0:
            continue
        start_s = max(around.since_s, days.start_s(row))
        expected = int((days.start_s(row + 1) - start_s) // BUCKET_S)
        if have < expected:
            low = have < limits.min_completeness_ratio * expected
            yield days.of_day(
                row,
                "validation.completeness",
                Severity.WARNING if low else Severity.INFO,
                {
                    "buckets": have,
                    "expected_buckets": expected,
                    "completeness_ratio": have / expected,
                    "limit_ratio": limits.min_completeness_ratio,
                    "meaning": "quarter-hours of the day are missing: ask the gateway to send "
                    "again, or correct them by an edit with a reason",
                },
            )


def silences(days: Days, around: Around) -> Iterator[Finding]:
    """Stretches of whole local days without any value that touch a checked day, one each."""
    empty = np.equal(days.count, 0) & (days.grid.edge_s[1:] > around.since_s)
    for first, stop in _runs(empty):
        if first >= days.checked[1] or stop <= days.checked[0]:
            continue
        start_s, stop_s = days.start_s(first), days.start_s(stop)
        if first == 0 and around.silent_from_s is not None:
            start_s = min(start_s, around.silent_from_s)
        if stop == len(days.grid):
            stop_s = max(stop_s, around.silent_to_s)
        yield noticed(
            "validation.silent",
            Severity.WARNING,
            start_s,
            stop_s,
            {
                "silent_days": round((stop_s - start_s) / 86_400),
                "meaning": "not one value in these days: check the meter, its gateway and the "
                "broker credentials; if the meter was removed, take it out of park.yaml",
            },
        )


def _runs(mask: Bools) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
