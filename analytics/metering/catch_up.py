"""Registers that stood still and then jumped: the energy of the standstill comes in one step."""

from __future__ import annotations

import numpy as np

from analytics.metering.buckets import Floats

_STEPS = 2  # equal steps in a row that are a standstill, if they also last
_STANDSTILL_S = 1800.0
_TIMES = 2.5  # how far above the largest rate around it a jump has to be
NEIGHBOURS = 4
"""Steps before the standstill and after the jump that tell how fast the register usually rises."""
_LEAST = 3  # of them, in all; without any after the jump the full number before
_STEADY = 5.0  # largest to smallest rate of a steady flow
_BROUGHT = 0.6, 20.0  # jump to what the flow would have brought: a morning uses more than a night


def catch_ups(
    t: Floats, step: Floats, limit: Floats, resolution: float | None
) -> list[tuple[int, int]]:
    """(first frozen reading, reading after the jump) of each standstill that was caught up.

    A jump counts that is above `limit`, or that is at least what a steady flow around it would have
    brought in the whole time, and far more than in its own step. A plant that was off, a PV plant
    at night, the other tariff and a coarse register have a standstill too, but an ordinary step
    after it, or no steady flow around it, or a jump of another size.

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
    flowing = np.concatenate([[False], step > 0])[first]
    out = []
    for k in np.flatnonzero(lasting & (sure | flowing)):
        s, m = int(first[k]), int(jump[k])
        if sure[k] or _stands_out(t, step, s, m, resolution or 0.0):
            out.append((s, m + 1))
    return out


def _stands_out(t: Floats, step: Floats, s: int, m: int, resolution: float) -> bool:
    before = _known(step, range(s - 1, max(s - 1 - NEIGHBOURS, -1), -1))
    after = _known(step, range(m + 1, min(m + 1 + NEIGHBOURS, len(step))))
    around = np.array(before + after, dtype=np.int64)
    if not before or len(around) < (_LEAST if after else NEIGHBOURS):
        return False
    rate = step[around] / (t[around + 1] - t[around])
    if rate.min() <= 0 or rate.max() > _STEADY * rate.min():
        return False
    brought = np.median(rate) * (t[m + 1] - t[s])
    low, high = (share * brought for share in _BROUGHT)
    own = _TIMES * rate.max() * (t[m + 1] - t[m])
    return bool(low - resolution <= step[m] <= high + resolution and step[m] > own + resolution)


def _known(step: Floats, numbers: range) -> list[int]:
    """The steps up to the next border of a segment."""
    out = []
    for n in numbers:
        if np.isnan(step[n]):
            break
        out.append(n)
    return out
