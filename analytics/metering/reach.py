"""How far new readings of a register reach, and which readings decide what they reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytics.metering.buckets import Floats, Starts
from analytics.metering.catch_up import NEIGHBOURS
from models.periods import BUCKET_S
from models.reach import Reach

if TYPE_CHECKING:
    from analytics.metering.registers import RegisterSpec

_APART = NEIGHBOURS + 1  # readings between a calm place and what a catch-up beyond it can change


def reach(at_s: Floats, raw: Floats, new: tuple[float, float], rules: RegisterSpec) -> Reach:
    """What readings in `[new[0], new[1]]` change.

    A calm place is a rise at the end of readings that never fall, are more than may be a glitch,
    last longer than one and hold no replacement. What lies before them does not depend on what
    comes after it, and the other way round: every departure, reset or spike that began earlier is
    decided by then. A firm place has calm readings after it too, so that its rise is real whatever
    else is there: no standstill reaches across it. A catch-up reaches four readings farther.
    """
    first_new = int(np.searchsorted(at_s, new[0], side="left"))
    last_new = int(np.searchsorted(at_s, new[1], side="right")) - 1
    places = _places(at_s, raw, rules)
    low_s, first = _left(at_s, places, first_new)
    high_s, stop = _right(at_s, places, last_new)
    constant = None
    if low_s == -np.inf and _long_constant(at_s, raw, first_new, rules):
        constant = float(raw[0])
    return Reach(low_s, high_s, first, stop, constant)


@dataclass(frozen=True)
class _Places:
    """Calm places with the latest reading where the calm before each can begin; firm ones likewise.

    `firm_end`: the earliest reading at which the calm after a firm place can end.
    """

    calm: Starts
    begin: Starts
    firm: Starts
    firm_begin: Starts
    firm_end: Starts


def _places(at_s: Floats, raw: Floats, rules: RegisterSpec) -> _Places:
    n, count = len(at_s), max(rules.glitch_samples, NEIGHBOURS) + 2
    if n < count:
        return _Places(*[np.zeros(0, np.int64)] * 5)
    rises = np.diff(raw)
    rough = rises < 0
    cut = [r.at_s for r in rules.installations if r.replaced]
    at = np.searchsorted(at_s, cut, side="left")
    rough[at[(at > 0) & (at < n)] - 1] = True
    place = np.arange(n)
    begin = np.searchsorted(at_s, at_s - rules.glitch_s, side="left") - 1
    begin = np.minimum(begin, place - (count - 1))
    end = np.searchsorted(at_s, at_s + rules.glitch_s, side="right")
    end = np.maximum(end, place + (count - 1))
    falls = np.concatenate([[0], np.cumsum(rough)])  # up to each reading
    good = (begin >= 0) & (falls[np.maximum(begin, 0)] == falls)
    good[1:] &= rises > 0
    good[0] = False
    calm = np.flatnonzero(good)
    firm = np.flatnonzero(good & (end < n) & (falls[np.minimum(end, n - 1)] == falls))
    return _Places(calm, begin[calm], firm, begin[firm], end[firm])


def _left(at_s: Floats, p: _Places, first_new: int) -> tuple[float, int]:
    """Start of what changes and the first reading that decides it; (-inf, 0): not in here."""
    none = (-np.inf, 0)
    k = int(np.searchsorted(p.calm, first_new, side="left")) - 1
    if k < 0:
        return none
    unchanged = min(
        int(np.searchsorted(p.firm, p.begin[k] - _APART, side="right")),
        int(np.searchsorted(p.firm_end, first_new, side="left")),
    )
    if not unchanged:
        return none
    low_s = float(at_s[p.firm[unchanged - 1]] // BUCKET_S * BUCKET_S)
    bound = int(np.searchsorted(at_s, low_s, side="right")) - 1
    k = int(np.searchsorted(p.firm, bound, side="right")) - 1
    if k < 0:
        return none
    k = int(np.searchsorted(p.firm, p.firm[k] - _APART, side="right")) - 1
    return (low_s, int(p.firm_begin[k])) if k >= 0 else none


def _right(at_s: Floats, p: _Places, last_new: int) -> tuple[float, int]:
    """End of what changes and the stop of the readings that decide it; (inf, n): not in here."""
    none = (np.inf, len(at_s))
    k = int(np.searchsorted(p.begin, last_new, side="right"))
    if k >= len(p.calm):
        return none
    k = int(np.searchsorted(p.firm, p.calm[k] + _APART, side="left"))
    if k >= len(p.firm):
        return none
    high_s = float(at_s[p.firm[k]] // BUCKET_S * BUCKET_S + BUCKET_S)
    bound = int(np.searchsorted(at_s, high_s, side="left"))
    k = int(np.searchsorted(p.firm, bound, side="left"))
    if k >= len(p.firm):
        return none
    k = int(np.searchsorted(p.begin, max(p.firm[k] + _APART, p.firm_end[k]), side="left"))
    return (high_s, int(p.calm[k]) + 1) if k < len(p.calm) else none


def _long_constant(at_s: Floats, raw: Floats, first_new: int, rules: RegisterSpec) -> bool:
    """True if all readings are one value, known for longer than a glitch before the new ones."""
    count = max(rules.glitch_samples, NEIGHBOURS) + 2
    return bool(
        first_new >= count
        and at_s[first_new - 1] - at_s[0] > rules.glitch_s
        and np.all(raw == raw[0])
        and not any(r.replaced and r.at_s > at_s[0] for r in rules.installations)
    )
