"""Amounts per period (load profiles, NEM12, daily totals) to 15-minute amounts."""

from __future__ import annotations

import numpy as np

from analytics.metering.buckets import Bools, Buckets, Floats, bucket_pieces, noticed, touched
from models.findings import Finding, Severity
from models.periods import BUCKET_S
from models.quality import EVEN, MEASURED, SOURCE

_SAME_S = 1e-3  # closer than this, two instants are one


def amount_buckets(
    at_s: Floats,
    raw: Floats,
    factor: float,
    period_s: int,
    low_s: float,
    high_s: float,
    marked: Bools | None = None,
) -> Buckets:
    """15-minute amounts of the buckets of `[low_s, high_s)` that periods cover completely.

    A reading is the amount of `[at, at + period)` and is spread evenly over it. A bucket is
    measured when its periods lie inside of it (periods of up to 15 minutes), else estimated: the
    total of the period is measured, its shape is not. A bucket is absent as long as a part of it
    is missing (missing is never zero), and where periods overlap: which one is right cannot be
    told, and both would count twice.

    Args:
        at_s: epoch seconds of the period starts, strictly ascending; at least those whose period
            reaches into the range.
        raw: amounts, raw unit; factor turns them into the canonical unit.
        period_s: length of all periods [s].
        marked: readings that their source calls estimated: so is every bucket they reach into.
    """
    first = np.floor((at_s + _SAME_S) / BUCKET_S).astype(np.int64)
    stop = np.ceil((at_s + period_s - _SAME_S) / BUCKET_S).astype(np.int64)
    reading, bucket_s = bucket_pieces(first, stop)
    at = at_s[reading]
    part_s = np.minimum(bucket_s + BUCKET_S, at + period_s) - np.maximum(bucket_s, at)
    inside = (bucket_s >= low_s) & (bucket_s < high_s)
    starts, position = np.unique(bucket_s[inside], return_inverse=True)
    amount = raw[reading] * factor * (part_s / period_s)
    sums = np.bincount(position, weights=amount[inside], minlength=len(starts))
    covered_s = np.bincount(position, weights=part_s[inside], minlength=len(starts))
    method = np.full(len(starts), MEASURED, dtype=np.uint8)
    method[position[(stop - first > 1)[reading][inside]]] = EVEN
    if marked is not None:
        method[position[marked[reading][inside]]] = SOURCE
    overlaps = _overlaps(at_s, period_s)
    good = (np.abs(covered_s - BUCKET_S) < _SAME_S * 10) & ~touched(
        starts, *np.array(overlaps).reshape(-1, 2).T
    )
    return Buckets(
        starts[good],
        sums.astype(np.float64)[good],
        method[good],
        findings=[_found(a, b, period_s) for a, b in overlaps if low_s <= a < high_s],
    )


def _overlaps(at_s: Floats, period_s: int) -> list[tuple[float, float]]:
    """Where two neighbouring periods cover the same time."""
    early = np.flatnonzero(np.diff(at_s) < period_s - _SAME_S)
    return [(float(at_s[i + 1]), float(at_s[i] + period_s)) for i in early]


def _found(start_s: float, stop_s: float, period_s: int) -> Finding:
    evidence = {
        "overlap_s": stop_s - start_s,
        "period_s": period_s,
        "meaning": "two amounts cover the same time: which one is right cannot be told, "
        "the quarter-hours stay missing; is period_s of the channel right?",
    }
    return noticed("interval.overlap", Severity.WARNING, start_s, stop_s, evidence)
