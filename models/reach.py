"""How far new readings of a register reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """What new readings change, as far as the given readings can tell.

    Attributes:
        low_s, high_s: the buckets of `[low_s, high_s)` have to be computed anew; infinite where
            the given readings do not tell, unless there are no others on that side.
        first, stop: the readings `[first:stop]` decide them.
        constant: value at which the register stood all the time up to the last reading, new ones
            included, or None: whether it began with a fall decides, unless it is known.
    """

    low_s: float
    high_s: float
    first: int
    stop: int
    constant: float | None = None
