"""Registers that stood still and then jumped: the energy of the standstill comes in one step."""

from __future__ import annotations

import numpy as np

from analytics.metering.buckets import Bools, Floats, Starts

_STEPS = 2  # equal steps in a row that are a standstill, if they also last
_STANDSTILL_S = 1800.0
_TIMES = 2.5  # how far above the largest rate around it a jump has to be
NEIGHBOURS = 4
"""Steps before the standstill and after the jump that tell how fast the register usually rises."""
_BEFORE = 2  # least of them before the standstill


def catch_ups(
    t: Floats, step: Floats, limit: Floats, resolution: float | None
) -> list[tuple[int, int]]:
    """(first frozen reading, reading after the jump) of each standstill that was caught up.

    A jump counts that is above `limit`, or that comes between steady flows on both sides and is
    far larger than they explain. A plant that was off, a PV plant at night and a coarse register
    have a standstill too, but an ordinary step after it, or no steady flow around it.

    Args:
        t: epoch seconds of readings, ascending.
        step: rise between neighbours, raw unit; NaN where a segment begins.
        limit: highest possible step; NaN: not known.
        resolution: step of the last digit, raw unit, or None.
    """
    if len(step) < _STEPS + 1:
        return []
    zero = step == 0
    jump = np.flatnonzero((step[_STEPS:] > 0) & zero[1:-1] & zero[:-2]) + _STEPS
    if not len(jump):
        return []
    moving = np.flatnonzero(~zero)
    at = np.searchsorted(moving, jump) - 1
    first = np.where(at >= 0, moving[at] + 1, 0)
    lasting = t[jump] - t[first] >= _STANDSTILL_S
    sure = step[jump] > limit[jump]
    steady = _steady(step, first, jump)
    out = []
    for k in np.flatnonzero(lasting & (sure | steady)):
        s, m = int(first[k]), int(jump[k])
        if sure[k] or _stands_out(t, step, s, m, resolution or 0.0):
            out.append((s, m + 1))
    return out


def _steady(step: Floats, first: Starts, jump: Starts) -> Bools:
    """True where the nearest steps on both sides are positive; a cheap filter."""
    padded = np.concatenate([np.full(_BEFORE, np.nan), step, [np.nan]])
    good = padded[jump + 1 + _BEFORE] > 0
    for back in range(1, _BEFORE + 1):
        good &= padded[first - back + _BEFORE] > 0
    return np.asarray(good, dtype=bool)


def _stands_out(t: Floats, step: Floats, s: int, m: int, resolution: float) -> bool:
    near = [_known(step, range(s - 1, max(s - 1 - NEIGHBOURS, -1), -1))]
    near.append(_known(step, range(m + 1, min(m + 1 + NEIGHBOURS, len(step)))))
    if len(near[0]) < _BEFORE or not near[1]:
        return False
    around = np.array(near[0] + near[1])
    if np.any(step[around] == 0):
        return False
    rate = np.max(step[around] / (t[around + 1] - t[around]))
    return bool(step[m] > _TIMES * rate * (t[m + 1] - t[m]) + resolution)


def _known(step: Floats, numbers: range) -> list[int]:
    """The steps up to the next border of a segment."""
    out = []
    for n in numbers:
        if np.isnan(step[n]):
            break
        out.append(n)
    return out
