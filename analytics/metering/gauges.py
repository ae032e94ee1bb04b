"""Readings of a state (power, temperature) to 15-minute means."""

from __future__ import annotations

import numpy as np

from analytics.metering.registers import Buckets, Floats
from models.periods import BUCKET_S


def gauge_buckets(at_s: Floats, raw: Floats, factor: float, low_s: float, high_s: float) -> Buckets:
    """Mean of the readings in each bucket of `[low_s, high_s)` that a later reading has closed.

    Args:
        at_s: epoch seconds of the readings, strictly ascending.
        raw: readings, raw unit; factor turns them into the canonical unit.

    A bucket without a reading is absent: a state is never carried forward into it.
    """
    closed_s = np.floor(at_s[-1] / BUCKET_S) * BUCKET_S if len(at_s) else low_s
    inside = (at_s >= low_s) & (at_s < min(high_s, closed_s))
    bucket = (np.floor(at_s[inside] / BUCKET_S) * BUCKET_S).astype(np.int64)
    starts, position = np.unique(bucket, return_inverse=True)
    sums = np.bincount(position, weights=raw[inside] * factor, minlength=len(starts))
    counts = np.bincount(position, minlength=len(starts))
    means = sums / counts if len(starts) else np.zeros(0)
    return Buckets(starts, means, np.zeros(len(starts), dtype=bool))
