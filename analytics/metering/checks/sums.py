"""The quarter-hours of a day against the raw register, computed apart from the interval code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analytics.metering.buckets import Bools, Floats, Starts
from analytics.metering.checks.days import EDITED, Days
from models.findings import Finding, Severity
from models.park import ValidationSettings
from models.periods import BUCKET_S

_DIGITS = 5


@dataclass(frozen=True)
class Raw:
    """Raw readings of one channel, ascending: epoch seconds of measurement and arrival."""

    at_s: Floats
    value: Floats
    received_s: Floats


def register_steps(raw: Raw, edge_s: Starts, declared: float | None) -> Floats:
    """Step of the last digit per day, raw unit: declared, or the fewest decimals that fit the day.

    More than four decimals count as no step at all: 0.
    """
    if declared is not None:
        return np.full(len(edge_s) - 1, declared)
    digits = np.full(len(raw.value), _DIGITS)
    for n in range(_DIGITS - 1, -1, -1):
        fits = np.abs(np.round(raw.value, n) - raw.value) <= 1e-9 * np.maximum(1, np.abs(raw.value))
        digits[fits] = n
    row = np.searchsorted(edge_s, raw.at_s, side="right") - 1
    inside = (row >= 0) & (row < len(edge_s) - 1)
    most = np.zeros(len(edge_s) - 1, dtype=np.int64)
    np.maximum.at(most, row[inside], digits[inside])
    seen = np.bincount(row[inside], minlength=len(edge_s) - 1) > 0
    return np.where(seen & (most < _DIGITS), 10.0**-most, 0.0)


def sums(
    days: Days, raw: Raw, factor: Floats, limits: ValidationSettings, broken: Bools, reach_s: float
) -> Iterator[Finding]:
    """Complete days whose quarter-hours do not add up to the register difference.

    The register at midnight is the straight line between the readings around it, if they are at
    most `reach_s` apart; else the day cannot be checked.

    Args:
        factor: raw reading to canonical unit, per day.
        broken: days in which the register is not one row: falls, installation records.

    Source: CPUC VEE rules, sum check; tolerance domain facts 7.2, two register steps.
    """
    if len(raw.at_s) < 2:
        return
    edges = days.grid.edge_s
    after = np.searchsorted(raw.at_s, edges, side="left")
    known = (after < len(raw.at_s)) & ((after > 0) | (raw.at_s[0] == edges))
    hit = np.minimum(after, len(raw.at_s) - 1)
    exact = known & (raw.at_s[hit] == edges)
    before = np.maximum(hit - 1, 0)
    known &= exact | (raw.at_s[hit] - raw.at_s[before] <= reach_s)
    at_edge = np.interp(edges, raw.at_s, raw.value)
    wanted = np.diff(at_edge) * factor
    tolerance = limits.sum_steps * days.step + 1e-6 * np.abs(wanted) + 1e-9
    can_tell = known[1:] & known[:-1] & days.complete & ~broken
    off = can_tell & (np.abs(days.total - wanted) > tolerance)
    for row in days.rows:
        if off[row]:
            edited = int(np.equal(days.quality[row], EDITED).sum())
            yield days.of_day(
                row,
                "validation.sum",
                Severity.CRITICAL,
                days.named(
                    intervals=days.total[row],
                    register=wanted[row],
                    difference=days.total[row] - wanted[row],
                    tolerance=tolerance[row],
                )
                | {"edited_buckets": edited, "meaning": _EDITED if edited else _COMPUTED},
            )


def falls(raw: Raw, edge_s: Starts) -> Bools:
    """Days that hold a falling register, or lie in the pause across which it fell."""
    broken = np.zeros(len(edge_s) - 1, dtype=np.bool_)
    for n in np.flatnonzero(np.diff(raw.value) < 0):
        first = np.searchsorted(edge_s, raw.at_s[n], side="right") - 1
        last = np.searchsorted(edge_s, raw.at_s[n + 1], side="left")
        broken[max(0, first) : max(0, last)] = True
    return broken


def reach_of(period_s: int) -> float:
    """Readings that are at most this far apart [s] tell the register between them."""
    return max(1.5 * period_s, BUCKET_S)


_EDITED = (
    "edited quarter-hours of the day no longer add up to the register: correct the edit (kind "
    "total keeps the sum) or undo it"
)
_COMPUTED = (
    "the quarter-hours of the day do not add up to the register: run `greenpark recompute` for "
    "this day; if it stays, report it"
)
