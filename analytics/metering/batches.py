"""Amounts of events (weighbridge slips, charges of a furnace) to 15-minute amounts."""

from __future__ import annotations

import numpy as np

from analytics.metering.buckets import Buckets, Floats
from models.periods import BUCKET_S
from models.quality import MEASURED


def batch_buckets(at_s: Floats, raw: Floats, factor: float, low_s: float, high_s: float) -> Buckets:
    """Sum of the events in each bucket of `[low_s, high_s)`.

    A bucket counts at once: no later reading has to close it, and a late event changes it. A bucket
    without an event is absent; an amount of 0 says that the scale is alive and had nothing to
    weigh. Two events at one instant cannot be told from a repetition: give them distinct times.

    Args:
        at_s: epoch seconds of the events, strictly ascending.
        raw: amounts, raw unit; factor turns them into the canonical unit.
    """
    inside = (at_s >= low_s) & (at_s < high_s)
    bucket = (np.floor(at_s[inside] / BUCKET_S) * BUCKET_S).astype(np.int64)
    starts, position = np.unique(bucket, return_inverse=True)
    sums = np.bincount(position, weights=raw[inside] * factor, minlength=len(starts))
    method = np.full(len(starts), MEASURED, dtype=np.uint8)
    return Buckets(starts, sums.astype(np.float64), method)
