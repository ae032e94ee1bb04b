"""A register or sensor that stands still although its load normally runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analytics.metering.buckets import Bools, Floats, Starts, noticed
from analytics.metering.checks.days import SLOTS, Days, Ints, by_local_time
from models.findings import Finding, Severity
from models.park import ValidationSettings
from models.periods import BUCKET_S

BEFORE_DAYS = 7
PAUSE_BUCKETS = 24
_ENOUGH = 0.5


@dataclass(frozen=True)
class Still:
    """A stretch that did not move; `[start_s, stop_s)`.

    Attributes:
        whole: the beginning was seen; False: it reaches back beyond the loaded days.
    """

    start_s: int
    stop_s: int
    buckets: int
    whole: bool


def still_mask(start_s: Starts, value: Floats, low: Floats, high: Floats, *, gauge: bool) -> Bools:
    """Buckets that did not move: zero amounts; of a gauge the same state as in the bucket before.

    A state of zero is a gauge that has nothing to measure.
    """
    if not gauge:
        return np.equal(value, 0)
    flat = (low == high) & (low != 0)
    same = np.zeros(len(value), dtype=np.bool_)
    same[1:] = flat[1:] & flat[:-1] & (low[1:] == low[:-1])
    same[1:] &= np.diff(start_s) <= PAUSE_BUCKETS * BUCKET_S
    return same


def stretches(days: Days) -> list[Still]:
    """Runs of still quarter-hours; a value that moves or six hours without values end them."""
    still = days.still
    if still is None or not still.any():
        return []
    row, column = np.nonzero(days.present)
    start_s = days.grid.edge_s[row] + column * BUCKET_S
    moves = ~still[row, column]
    breaks = moves.copy()
    breaks[1:] |= np.diff(start_s) > PAUSE_BUCKETS * BUCKET_S
    group = np.cumsum(breaks | np.concatenate(([False], moves[:-1])))
    edges = np.flatnonzero(np.diff(group)) + 1
    firsts = np.concatenate(([0], edges))
    lasts = np.concatenate((edges, [len(group)])) - 1
    return [
        Still(int(start_s[a]), int(start_s[b]) + BUCKET_S, int(b - a + 1), bool(a > 0))
        for a, b in zip(firsts.tolist(), lasts.tolist(), strict=True)
        if not moves[a]
    ]


def stuck(days: Days, limits: ValidationSettings, known: frozenset[int]) -> Iterator[Finding]:
    """One finding per stretch that touches a checked day, however long.

    The load runs normally if, on the 7 days before the stretch, fewer than the limit of the
    quarter-hours at the same local times stood still; at least half of them must be there.

    Args:
        known: starts of stretches found so far that begin before the first checked day; of those
            that begin too early for the loaded days to tell, they decide.
    """
    low_s, high_s = days.start_s(days.checked[0]), days.start_s(days.checked[1])
    tells_s = days.start_s(min(BEFORE_DAYS, len(days.grid)))
    for item in stretches(days):
        if item.start_s >= high_s or item.stop_s <= low_s or days.idle:
            continue
        start_s = item.start_s
        if not item.whole:
            start_s = max((s for s in known if s < start_s), default=0)
        if start_s < tells_s:
            found = start_s in known
        else:
            found = item.buckets > limits.stuck_buckets and _runs(days, item, limits)
        if found:
            yield noticed(
                "validation.stuck",
                Severity.WARNING,
                start_s,
                item.stop_s,
                {
                    "hours": (item.stop_s - start_s) / 3600,
                    "limit_hours": limits.stuck_buckets / 4,
                    "meaning": "the meter stands still although this load runs at these hours: is "
                    "the plant off, the meter frozen, or does the gateway repeat old readings",
                },
            )


def _runs(days: Days, item: Still, limits: ValidationSettings) -> bool:
    assert days.still is not None  # noqa: S101 - a stretch was found in it
    row, column = days.grid.place(np.array([item.start_s]))
    first = int(row[0])
    low = max(0, first - BEFORE_DAYS)
    wanted = np.zeros(SLOTS, dtype=np.bool_)
    slot = _slot(days, first, int(column[0]))
    wanted[(slot + np.arange(min(item.buckets, SLOTS))) % SLOTS] = True
    there = _wall(days, days.present)[low:first, wanted]
    still = _wall(days, days.still)[low:first, wanted]
    if there.sum() < _ENOUGH * BEFORE_DAYS * wanted.sum():
        return False
    return bool((there & still).sum() < limits.stuck_normal_ratio * there.sum())


def _slot(days: Days, row: int, column: int) -> int:
    slots: Ints | None = days.grid.odd.get(row)
    return column if slots is None else int(slots[column])


def _wall(days: Days, mask: Bools) -> Bools:
    return np.asarray(by_local_time(days.grid, mask, empty=False), dtype=np.bool_)
