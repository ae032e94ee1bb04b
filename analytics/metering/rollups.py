"""Sums and means of quarter-hours per period, to the bit the same however they come about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ESTIMATED, EDITED = 1, 2


@dataclass(frozen=True)
class Rolled:
    """One entry per period, ascending.

    Attributes:
        first: number of the first quarter-hour of each period.
        value: amount, or mean of a state.
        estimated_value, edited_value: the part of it with that quality.
        low, high, last: states only.
    """

    first: Ints
    buckets: Ints
    value: Floats
    estimated_buckets: Ints
    estimated_value: Floats
    edited_buckets: Ints
    edited_value: Floats
    extremes: tuple[Floats, Floats, Floats] | None


def roll_up(
    period: Ints,
    value: Floats,
    quality: npt.NDArray[Any],
    extremes: tuple[Floats, Floats, Floats] | None = None,
) -> Rolled:
    """Quarter-hours to periods: amounts are summed in the order given, of states the mean is taken.

    Args:
        period: number of the period of each quarter-hour, equal ones together.
        quality: 0 measured, 1 estimated, 2 edited.
        extremes: low, high and last of states.
    """
    first = np.flatnonzero(np.diff(period, prepend=period[:1] - 1))
    count = np.diff(first, append=len(period))
    parts = []
    for code in (ESTIMATED, EDITED):
        is_it = quality == code
        parts.append((np.add.reduceat(is_it, first, dtype=np.int64), np.where(is_it, value, 0.0)))
    share = count if extremes is not None else np.ones(len(first))
    return Rolled(
        first,
        count,
        _sums(value, first, count) / share,
        parts[0][0],
        _sums(parts[0][1], first, count) / share,
        parts[1][0],
        _sums(parts[1][1], first, count) / share,
        None
        if extremes is None
        else (
            np.minimum.reduceat(extremes[0], first),
            np.maximum.reduceat(extremes[1], first),
            extremes[2][first + count - 1],
        ),
    )


def _sums(value: Floats, first: Ints, count: Ints) -> Floats:
    """One after the other, as a loop would: a sum in pairs has other last bits."""
    if not value.any():
        return np.zeros(len(first))
    total = value[first]
    for step in range(1, int(count.max(initial=0))):
        more = np.flatnonzero(count > step)
        total[more] += value[first[more] + step]
    return total
