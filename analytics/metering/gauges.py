"""Readings of a state (power, temperature) to 15-minute means, with lowest, highest and last."""

from __future__ import annotations

import numpy as np

from analytics.metering.buckets import Buckets, Floats
from models.periods import BUCKET_S


def gauge_buckets(at_s: Floats, raw: Floats, factor: float, low_s: float, high_s: float) -> Buckets:
    """Mean of the readings in each bucket of `[low_s, high_s)` that a later reading has closed.

    Beside the mean stand the lowest, the highest and the last reading of the bucket. A bucket
    without a reading is absent: a state is never carried forward into it.

    Args:
        at_s: epoch seconds of the readings, strictly ascending.
        raw: readings, raw unit; factor turns them into the canonical unit.
    """
    closed_s = np.floor(at_s[-1] / BUCKET_S) * BUCKET_S if len(at_s) else low_s
    inside = (at_s >= low_s) & (at_s < min(high_s, closed_s))
    value = (raw[inside] * factor).astype(np.float64)
    bucket = (np.floor(at_s[inside] / BUCKET_S) * BUCKET_S).astype(np.int64)
    starts, first, position = np.unique(bucket, return_index=True, return_inverse=True)
    if not len(starts):
        none = np.zeros(0)
        return Buckets(starts, none, np.zeros(0, dtype=np.uint8), none, none, none)
    sums = np.bincount(position, weights=value, minlength=len(starts))
    counts = np.bincount(position, minlength=len(starts))
    last = np.append(first[1:], len(value)) - 1
    return Buckets(
        starts,
        sums / counts,
        np.zeros(len(starts), dtype=np.uint8),
        np.minimum.reduceat(value, first),
        np.maximum.reduceat(value, first),
        value[last],
    )
