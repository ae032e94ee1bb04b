"""Cumulative registers to 15-minute amounts: decided with hindsight, interpolated at borders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from analytics.metering import noted
from analytics.metering.buckets import NOTHING, Bools, Buckets, Floats, Starts
from analytics.metering.catch_up import catch_ups
from analytics.metering.courses import Course, Pieces, Shapes, course_pieces
from analytics.metering.departures import POWER_MARGIN, DepartureRules, decide
from analytics.metering.devices import Facts, split
from analytics.metering.reach import reach
from models.findings import Finding
from models.installations import Installation
from models.periods import BUCKET_S
from models.reach import Reach

__all__ = ["Installation", "RegisterSpec", "register_buckets"]

_NO_SHAPES: Shapes = {}
_DIGITS = 6  # finest step that is read off the decimals of a reading
IMPOSSIBLE_RATIO = 2.0
"""Times rated power above which a rise is not believed. A load may run above its nameplate or its
contract for a while; a wrong unit, multiplier or reading is far beyond. House rule."""

_SAME_S = 1e-3


@dataclass(frozen=True)
class RegisterSpec:
    """What has to be known of a register.

    Attributes:
        factor: raw unit to canonical unit, multiplier included.
        modulus: raw value at which the display wraps, or None.
        period_s: nominal sampling period [s].
        rated_per_h: highest possible amount per hour [canonical unit/h], or None.
        resolution: step of the last digit, raw unit; None: from the readings.
        unit: raw unit, for the findings.
        glitch_samples: most readings in a row that may leave the register and return.
        glitch_s: or the longest time [s] until it is back.
        straight_s: longest pause [s] that a straight line may bridge.
        installations: dated records, ascending; the facts above hold before the first.
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
        """Longest pause between readings [s] that is no gap.

        One and a half nominal periods, at least one bucket; interpolation across it is a
        measurement unless it is longer than `straight_s`: that tells no shape. House rule,
        configuration by `period_s`; domain facts 7.2 leave the parameter to the operator.
        """
        return max(1.5 * self.period_s, BUCKET_S)

    def reach(
        self, at_s: Sequence[float], values: Sequence[float], start_s: float, stop_s: float
    ) -> Reach:
        """What new readings in `[start_s, stop_s]` can change, and what decides that."""
        return reach(np.asarray(at_s), np.asarray(values), (start_s, stop_s), self)


def register_buckets(
    at_s: Floats,
    raw: Floats,
    spec: RegisterSpec,
    low_s: float,
    high_s: float,
    shapes: Shapes = _NO_SHAPES,
) -> Buckets:
    """15-minute amounts of the buckets of `[low_s, high_s)` that readings bound on both sides.

    The sum over the buckets between two readings on borders is the register difference times the
    factor. Nothing is computed beyond the last reading or across the border of a segment; what
    left the register and returned is passed over. A bucket is absent unless all of its 900 s are
    covered.

    Args:
        at_s: epoch seconds of the readings, strictly ascending.
        raw: register readings, raw unit.
        low_s, high_s: multiples of 900; readings outside of the range help to bound it.
        shapes: for a pause (start, stop) relative amounts of its quarter-hours.
    """
    span = (low_s, high_s)
    facts = Facts.of((spec.factor, spec.modulus, spec.rated_per_h), spec.installations)
    notes = _Notes(noted.replacements(spec, span))
    pieces = []
    for t, x in split(at_s, raw, spec.installations):
        for course in _courses(_decided(t, x, spec, facts, span, notes), spec, facts, span, notes):
            part = course_pieces(course, facts, span, spec.straight_s, shapes)
            if part:
                pieces.append(part)
    return _whole_buckets(pieces, notes)


@dataclass(frozen=True)
class _Notes:
    """What is collected on the way: findings, and pauses that like days may shape."""

    findings: list[Finding]
    long_gaps: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class _Device:
    """Readings of one device that count; `step` [raw unit] is NaN where a segment begins."""

    t: Floats
    x: Floats
    wraps: Floats
    modulus: Floats
    rated_per_s: Floats
    step: Floats


def _decided(
    t: Floats,
    x: Floats,
    spec: RegisterSpec,
    facts: Facts,
    span: tuple[float, float],
    notes: _Notes,
) -> _Device:
    """The readings of a device that count, and which falls are roll-overs or resets."""
    until = facts.before(t)
    modulus = facts.modulus[until]
    rated = facts.rated_per_h[until] / 3600 / facts.factor[until]
    rules = DepartureRules(spec.glitch_samples, spec.glitch_s, modulus, rated)
    decided = decide(t, x, rules)
    notes.findings.extend(noted.departures(t, x, decided, spec, span))
    keep = decided.kept
    wraps, breaks = decided.wraps, decided.breaks
    if not keep.all():
        t, x, modulus, rated = t[keep], x[keep], modulus[keep], rated[keep]
        wraps, breaks = wraps[keep], breaks[keep]
    modulus = np.nan_to_num(modulus)
    step = np.diff(x) + modulus[1:] * wraps[1:]
    step[breaks[1:]] = np.nan
    amount = step * facts.factor[facts.before(t[1:])]
    notes.findings.extend(noted.falls(t, x, (wraps, breaks), amount, spec, span))
    impossible = _impossible(t, x, step, rated, spec)
    notes.findings.extend(noted.impossible(t, x, impossible, spec, span))
    step[impossible] = np.nan
    return _Device(t, x, np.cumsum(wraps).astype(float), modulus, rated, step)


def _courses(
    device: _Device, spec: RegisterSpec, facts: Facts, span: tuple[float, float], notes: _Notes
) -> Iterator[Course]:
    """Segments of a device near the span; frozen readings of a catch-up are passed over."""
    t, step = device.t, device.step
    limit = device.rated_per_s[1:] * np.diff(t) * POWER_MARGIN
    for i in np.flatnonzero(step > limit):
        limit[i] += resolution(device.x[i], device.x[i + 1], spec)
    late = catch_ups(t, step, limit, spec.resolution)
    notes.findings.extend(noted.catch_ups(t, device.x, step, late, spec, facts, span))
    gap = np.diff(t) > spec.max_gap_s
    pause = gap.copy()
    keep = np.ones(len(t), dtype=bool)
    for first, after in late:
        keep[first + 1 : after] = False
        pause[after - 1], gap[after - 1] = True, False
    left = keep[1:]
    t, pause, gap, begins = t[keep], pause[left], gap[left], np.isnan(step)[left]
    x, wraps, modulus = device.x[keep], device.wraps[keep], device.modulus[keep]
    gaps = noted.overlapping(t, np.flatnonzero(gap & ~begins), span)
    notes.findings.extend(noted.gaps(gaps, spec))
    pauses = noted.overlapping(t, np.flatnonzero(pause & ~begins), span)
    notes.long_gaps.extend((a, b) for a, b in pauses if b - a > spec.straight_s)
    pause |= np.diff(t) > spec.straight_s  # as planned, and yet it tells no shape
    ends = [0, *(np.flatnonzero(begins) + 1).tolist(), len(t)]
    for a, b in pairwise(ends):
        if b - a > 1 and t[b - 1] > span[0] and t[a] < span[1]:
            yield Course(t[a:b], x[a:b], wraps[a:b], modulus[a:b], pause[a : b - 1])


def _impossible(t: Floats, x: Floats, step: Floats, rated: Floats, spec: RegisterSpec) -> Starts:
    """Steps that rated power forbids over the whole time since the register last changed."""
    risky = np.flatnonzero(step > rated[1:] * np.diff(t) * IMPOSSIBLE_RATIO)
    if not len(risky):
        return risky
    moving = np.flatnonzero(step != 0)
    at = np.searchsorted(moving, risky) - 1
    since = t[np.where(at >= 0, moving[at] + 1, 0)]
    most = rated[risky + 1] * (t[risky + 1] - since) * IMPOSSIBLE_RATIO
    slack = np.array([resolution(x[i], x[i + 1], spec) for i in risky])
    return np.asarray(risky[step[risky] > most + slack], dtype=np.int64)


def resolution(old: float, new: float, spec: RegisterSpec) -> float:
    """Step of the last digit, raw unit: as declared, or from the decimals of two readings."""
    if spec.resolution is not None:
        return spec.resolution
    for digits in range(_DIGITS):
        if round(old, digits) == old and round(new, digits) == new:
            return float(10.0**-digits)
    return float(10.0**-_DIGITS)


def _whole_buckets(pieces: Sequence[Pieces], notes: _Notes) -> Buckets:
    """Buckets all of whose 900 s are covered, from the pieces of all segments."""
    if not pieces:
        return replace(NOTHING, findings=notes.findings, long_gaps=notes.long_gaps)
    start = np.concatenate([p.start_s for p in pieces])
    stop = np.concatenate([p.stop_s for p in pieces])
    value = np.concatenate([p.value for p in pieces])
    method = np.concatenate([p.method for p in pieces])
    bucket = (np.floor(start / BUCKET_S) * BUCKET_S).astype(np.int64)
    first: Bools = np.ones(len(bucket), dtype=bool)
    first[1:] = np.diff(bucket) != 0
    heads = np.flatnonzero(first)
    covered = np.add.reduceat(stop - start, heads)
    whole = np.abs(covered - BUCKET_S) < _SAME_S
    return Buckets(
        bucket[heads][whole],
        np.add.reduceat(value, heads)[whole],
        np.maximum.reduceat(method, heads)[whole],
        findings=notes.findings,
        long_gaps=notes.long_gaps,
    )
