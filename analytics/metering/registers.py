"""Cumulative registers to 15-minute amounts: differences, interpolated to the bucket boundaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.metering.buckets import (
    LINEAR,
    MEASURED,
    Bools,
    Buckets,
    Codes,
    Floats,
    Starts,
    noticed,
)
from analytics.metering.glitches import find_glitches
from models.findings import Severity
from models.installations import Installation
from models.periods import BUCKET_S

__all__ = ["Installation", "RegisterSpec", "register_buckets"]

Shapes = Mapping[tuple[float, float], Floats]
_NO_SHAPES: Shapes = {}

# A roll-over starts in the last and ends in the first tenth of the display (domain facts 7.1).
_NEAR_END = 0.9
_NEAR_START = 0.1
_POWER_MARGIN = 1.1


@dataclass(frozen=True)
class RegisterSpec:
    """What has to be known of a register.

    Attributes:
        factor: raw unit to canonical unit, multiplier included.
        modulus: raw value at which the display wraps, or None.
        period_s: nominal sampling period [s].
        rated_per_h: highest possible amount per hour [canonical unit/h], or None.
    """

    factor: float
    modulus: float | None
    period_s: int
    rated_per_h: float | None
    resolution: float | None = None
    unit: str = ""
    glitch_samples: int = 3
    glitch_s: float = 900.0
    straight_s: float = 7200.0
    installations: tuple[Installation, ...] = ()

    @property
    def max_gap_s(self) -> float:
        """Longest pause between readings [s] across which interpolation still is a measurement.

        One and a half nominal periods, at least one bucket. House rule, configuration by
        `period_s`; domain facts 7.2 leave the parameter to the operator.
        """
        return max(1.5 * self.period_s, BUCKET_S)


@dataclass(frozen=True)
class Fall:
    """A register that fell without being a roll-over: the segment ends here."""

    at_s: float
    old: float
    new: float


def find_breaks(
    at_s: Floats, raw: Floats, spec: RegisterSpec
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[Fall]]:
    """Where a register wrapped and where it fell for another reason.

    A falling register is a roll-over if it fell from the last tenth of the modulus to the first
    and the amount between is possible at rated power; otherwise a new segment begins.

    Returns:
        wraps: roll-overs before each reading.
        segment: number of the segment of each reading.
        falls: the falls that began a new segment.

    Source: roll-over rule of domain facts 7.1 (DL/T 645-2007 register width gives the modulus).
    """
    falling = np.flatnonzero(np.diff(raw) < 0)
    wrapped = np.zeros(len(raw), dtype=bool)
    broken = np.zeros(len(raw), dtype=bool)
    for i in falling:
        is_wrap = _is_rollover(raw[i], raw[i + 1], at_s[i + 1] - at_s[i], spec)
        (wrapped if is_wrap else broken)[i + 1] = True
    falls = [Fall(float(at_s[i]), float(raw[i - 1]), float(raw[i])) for i in np.flatnonzero(broken)]
    return np.cumsum(wrapped, dtype=np.int64), np.cumsum(broken, dtype=np.int64), falls


def _is_rollover(old: float, new: float, elapsed_s: float, spec: RegisterSpec) -> bool:
    if spec.modulus is None or old <= _NEAR_END * spec.modulus or new >= _NEAR_START * spec.modulus:
        return False
    if spec.rated_per_h is None:
        return True
    amount = (spec.modulus - old + new) * spec.factor
    return amount <= spec.rated_per_h * elapsed_s / 3600 * _POWER_MARGIN


def register_buckets(
    at_s: Floats,
    raw: Floats,
    spec: RegisterSpec,
    low_s: float,
    high_s: float,
    shapes: Shapes = _NO_SHAPES,
) -> Buckets:
    """15-minute amounts of the buckets of `[low_s, high_s)` that readings bound on both sides.

    Args:
        at_s: epoch seconds of the readings, strictly ascending.
        raw: register readings, raw unit.
        low_s, high_s: multiples of 900; readings outside of the range help to bound it.

    The sum over the buckets between two readings on boundaries is the register difference times
    the factor. Nothing is computed beyond the last reading or across a fall; glitches are passed
    over.
    """
    glitch = find_glitches(raw)
    found = [
        noticed("register.glitch", Severity.WARNING, at, at, {"value": value, "unit": spec.unit})
        for at, value in zip(at_s[glitch].tolist(), raw[glitch].tolist(), strict=True)
        if low_s <= at < high_s
    ]
    at_s, raw = at_s[~glitch], raw[~glitch]
    if len(at_s) < 2:
        return Buckets(*_empty(), findings=found)
    wraps, segment, falls = find_breaks(at_s, raw, spec)
    long = (np.diff(at_s) > spec.max_gap_s) & (np.diff(segment) == 0)
    found += [
        noticed("register.reset", Severity.WARNING, f.at_s, f.at_s, {"old": f.old, "new": f.new})
        for f in falls
        if low_s <= f.at_s < high_s
    ]
    gaps = [(float(at_s[i]), float(at_s[i + 1])) for i in np.flatnonzero(long)]
    gaps = [(a, b) for a, b in gaps if b > low_s and a < high_s]
    found += [noticed("interval.gap", Severity.INFO, a, b, {"gap_s": b - a}) for a, b in gaps]
    gaps_long = [(a, b) for a, b in gaps if b - a > spec.straight_s]
    starts, values, estimated = [], [], []
    for number in range(int(segment[-1]) + 1):
        mine = segment == number
        t = at_s[mine]
        first = max(np.ceil(t[0] / BUCKET_S) * BUCKET_S, low_s)
        last = min(np.floor(t[-1] / BUCKET_S) * BUCKET_S, high_s)
        if last - first < BUCKET_S:
            continue
        edges = np.arange(first, last + 1, BUCKET_S)
        values.append(_amounts(edges, t, raw[mine], wraps[mine], spec))
        inside = _inside_gaps(edges, gaps)
        estimated.append(inside[:-1] | inside[1:])
        starts.append(edges[:-1].astype(np.int64))
    if not starts:
        return Buckets(*_empty(), findings=found, long_gaps=gaps_long)
    joined = (np.concatenate(starts), np.concatenate(values))
    method = np.where(np.concatenate(estimated), LINEAR, MEASURED).astype(np.uint8)
    return Buckets(*joined, method, findings=found, long_gaps=gaps_long)


def _amounts(
    edges: Floats, t: Floats, raw: Floats, wraps: npt.NDArray[np.int64], spec: RegisterSpec
) -> Floats:
    """Amounts between boundaries of one segment [canonical unit].

    The register at a boundary depends on the two readings around it and on nothing else, so that
    any part of history, computed again alone, gives the same bits.
    """
    modulus = spec.modulus or 0.0
    before = np.searchsorted(t, edges, side="right") - 1
    after = np.minimum(before + 1, len(t) - 1)
    rise = raw[after] - raw[before] + modulus * (wraps[after] - wraps[before])
    span = np.where(after > before, t[after] - t[before], 1.0)
    register = raw[before] + rise * ((edges - t[before]) / span)
    steps = np.diff(register) + modulus * np.diff(wraps[before])
    return np.maximum(steps, 0.0) * spec.factor


def _inside_gaps(edges: Floats, gaps: list[tuple[float, float]]) -> Bools:
    """True for boundaries strictly inside a long pause: their register value is interpolated."""
    inside = np.zeros(len(edges), dtype=bool)
    for start, stop in gaps:
        inside |= (edges > start) & (edges < stop)
    return inside


def _empty() -> tuple[Starts, Floats, Codes]:
    return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.uint8)
