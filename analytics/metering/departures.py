"""Falling registers, decided with hindsight: glitch, roll-over, reset, or not yet to be told."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from analytics.metering.buckets import Bools, Floats, Starts

# A roll-over starts in the last and ends in the first tenth of the display (domain facts 7.1).
_NEAR_END = 0.9
_NEAR_START = 0.1
POWER_MARGIN = 1.1
_DAY_S = 86_400.0  # a departure this long may as well be a reset that has caught up
_JUMP = 3.0  # times the rate of the step after it
_HALF = 0.5 - 1e-6  # of a fall: what a step must bring back to be a jump


@dataclass(frozen=True)
class DepartureRules:
    """How long readings may leave the register, and what bounds a roll-over.

    Attributes:
        samples: most readings in a row that may be a glitch.
        within_s: or longest time [s] until the register is back.
        modulus: value at which the display wraps, per reading, raw unit; NaN: none.
        rated_per_s: highest possible rise per second, per reading, raw unit; NaN: not known.
    """

    samples: int
    within_s: float
    modulus: Floats
    rated_per_s: Floats


@dataclass
class Decided:
    """What became of the readings of one device.

    Attributes:
        kept: False for readings that are passed over.
        wraps: True where a reading comes after a roll-over.
        breaks: True where a reading begins a new segment.
        glitches: (first, last) reading of each departure that returned.
        held: first reading of a fall that cannot be told yet, or None.
    """

    kept: Bools
    wraps: Bools
    breaks: Bools
    glitches: list[tuple[int, int]] = field(default_factory=list)
    held: int | None = None


def decide(t: Floats, x: Floats, rules: DepartureRules) -> Decided:
    """What every fall of one device is, from left to right.

    A fall is tried in this order: a departure below that comes back, a departure above that came
    back (the one with fewer readings first; at a tie the one below, unless it came back to a
    reading that is left at once; a constant departure of any length last), a roll-over, a reset
    that counts on; a fall after which nothing rose is held back.

    Args:
        t: epoch seconds, strictly ascending. x: register, raw unit.

    Source: hindsight rule of domain facts 7.1 (never negative, never a silent zero).
    """
    n = len(t)
    out = Decided(np.ones(n, dtype=bool), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
    falls = np.flatnonzero(np.diff(x) < 0) + 1
    p, i, floor = 0, 1, 0  # last reading that counts, the next, the first of the same course
    while i < n:
        if x[i] >= x[p]:  # in step: on to the next fall
            at = int(np.searchsorted(falls, i, side="right"))
            i = int(falls[at]) if at < len(falls) else n
            p = i - 1
            continue
        back = _way_back(t, x, p, i, rules)
        above = _way_up(t, x, out.kept, (floor, p, i), rules)
        if back is not None and (above is None or _below_is_likelier(x, back, len(above))):
            out.kept[i : back[0]] = False
            out.glitches.append((i, back[0] - 1))
            i = back[0]
            continue
        if above is not None:
            out.kept[above] = False
            out.glitches.append((int(above[0]), int(above[-1])))
        elif _is_rollover(t, x, p, i, rules):
            out.wraps[i], floor = True, i
        elif _rises(x, i):
            out.breaks[i], floor = True, i
        else:
            out.kept[i:], out.held = False, i
            break
        p, i = i, i + 1
    return out


def _below_is_likelier(x: Floats, back: tuple[int, float], above: int) -> bool:
    """Fewer false readings; as many: unless the reading that came back is left at once again."""
    over, below = back
    return below < above or (below == above and not np.any(x[over + 1 : over + 2] < x[over]))


def _rises(x: Floats, start: int) -> bool:
    """True if any reading after `start` is above the one before it."""
    size = 64
    while start < len(x) - 1:
        if np.any(np.diff(x[start : start + size]) > 0):
            return True
        start, size = start + size - 1, size * 4
    return False


def _way_back(
    t: Floats, x: Floats, p: int, i: int, rules: DepartureRules
) -> tuple[int, float] | None:
    """Reading at which a departure below is over, and how long it was, in readings.

    A constant departure longer than the bounds counts as infinitely long.
    """
    stop = max(i + rules.samples, int(np.searchsorted(t, t[i] + rules.within_s, side="right")) - 1)
    near = np.flatnonzero(x[i : stop + 1] >= x[p])
    if len(near):
        j, length = i + int(near[0]), float(near[0])
    else:
        other = _first(x, i, x[i])
        if other is None or x[other] < x[p]:
            return None
        j, length = other, np.inf
    if t[j] - t[p] > _DAY_S and _ordinary(t, x, j):
        return None
    depth = x[p] - x[i:j].min()
    return (j, length) if np.diff(x[i : j + 1]).max() >= _HALF * depth else None


def _ordinary(t: Floats, x: Floats, j: int) -> bool:
    """True if the step to reading j is no jump beside the next one: so does a new count rise.

    Of readings days apart a reset is above the old count again before the next reading.
    """
    if j + 1 >= len(x) or x[j + 1] <= x[j]:
        return False
    rate, after = np.diff(x[j - 1 : j + 2]) / np.diff(t[j - 1 : j + 2])
    return bool(rate <= _JUMP * after)


def _first(x: Floats, start: int, value: float) -> int | None:
    """First reading after `start` that is not `value`."""
    size = 64
    while start < len(x):
        other = np.flatnonzero(x[start : start + size] != value)
        if len(other):
            return start + int(other[0])
        start, size = start + size, size * 4
    return None


def _way_up(
    t: Floats, x: Floats, kept: Bools, span: tuple[int, int, int], rules: DepartureRules
) -> Starts | None:
    """Readings of a departure above that is over at reading i, or None."""
    floor, p, i = span
    early = int(np.searchsorted(t, t[i] - rules.within_s, side="left"))
    low, count = p, 0
    while low >= floor:
        if kept[low]:
            if x[low] <= x[i]:
                break
            count += 1
            if count > rules.samples and low < early:
                return None
        low -= 1
    if low < floor:
        return None
    above = low + 1 + np.flatnonzero(kept[low + 1 : i])
    course = np.concatenate([x[low : low + 1], x[above]])
    if t[i] - t[low] > _DAY_S and low > floor:
        steps = np.array([low - 1, low, above[0]])
        before, rate = np.diff(x[steps]) / np.diff(t[steps])
        if before > 0 and rate <= _JUMP * before:  # see `_ordinary`
            return None
    height = course.max() - course[0]
    return above if np.diff(course).max() >= _HALF * height else None


def _is_rollover(t: Floats, x: Floats, p: int, i: int, rules: DepartureRules) -> bool:
    modulus, rated = rules.modulus[i], rules.rated_per_s[i]
    if not (x[p] > _NEAR_END * modulus and x[i] < _NEAR_START * modulus):  # NaN: never
        return False
    return bool(np.isnan(rated) or modulus - x[p] + x[i] <= rated * (t[i] - t[p]) * POWER_MARGIN)
