"""Readings that are not the register: false zeros, spikes. Recognised when the register returns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

GLITCH_SAMPLES = 3
"""Most readings in a row that may be a glitch; a longer departure is a new segment."""

_REACH = 2 * GLITCH_SAMPLES  # how far one pass looks, in the readings that it sees
_STRIDE = GLITCH_SAMPLES + 1  # how far apart two neighbours can be after a pass
CONTEXT_SAMPLES = _REACH * _STRIDE + _REACH + _STRIDE**2
"""Readings on each side that can decide what one reading is, and between which it is bridged."""


def find_glitches(raw: Floats) -> Bools:
    """True for readings that leave the register and return to it.

    Up to three readings in a row are a glitch if the reading before them is not above the one
    after them and they lie outside of the two: first those below (`100, 0, 101`), then, among the
    rest, those above (`100, 9999, 101`). Of a longer row nothing is taken out. What lies between
    two equal spikes is passed over with them; the total is kept. What a reading is depends on the
    readings within `CONTEXT_SAMPLES` only, so that any part of history gives the same answer.

    Source: hindsight rule of domain facts 7.1 (never negative, never a silent zero); the number
    of samples is a house rule.
    """
    found = np.zeros(len(raw), dtype=bool)
    if not np.any(np.diff(raw) < 0):  # the usual case costs nothing
        return found
    found |= _departures(raw, below=True)
    rest = np.flatnonzero(~found)
    found[rest[_departures(raw[rest], below=False)]] = True
    return found


def _departures(raw: Floats, *, below: bool) -> Bools:
    """Readings on one side of two neighbours of which the first is not above the second."""
    marked = np.zeros(len(raw), dtype=bool)
    for width in range(1, min(GLITCH_SAMPLES, len(raw) - 2) + 1):
        before, after = raw[: -width - 1], raw[width + 1 :]
        outside = before <= after
        for inner in range(1, width + 1):
            value = raw[inner : len(raw) - width - 1 + inner]
            outside &= (value < before) if below else (value > after)
        for start in np.flatnonzero(outside):
            marked[start + 1 : start + 1 + width] = True
    return marked & ~_long_runs(marked)


def _long_runs(marked: Bools) -> Bools:
    """True inside rows of marked readings longer than `GLITCH_SAMPLES`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    out = np.zeros(len(marked), dtype=bool)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start > GLITCH_SAMPLES:
            out[start:stop] = True
    return out
