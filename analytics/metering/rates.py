"""Readings of a rate (power, flow) to 15-minute amounts: the area under the line between them."""

from __future__ import annotations

import numpy as np

from analytics.metering.buckets import (
    NOTHING,
    Bools,
    Buckets,
    Codes,
    Floats,
    Starts,
    bucket_pieces,
    noticed,
    touched,
)
from models.findings import Finding, Severity
from models.periods import BUCKET_S
from models.quality import LINEAR, MEASURED

_HOUR_S = 3600


def rate_buckets(
    at_s: Floats,
    raw: Floats,
    factor: float,
    period_s: int,
    low_s: float,
    high_s: float,
    straight_s: float = 7200.0,
) -> Buckets:
    """15-minute amounts of the buckets of `[low_s, high_s)` that readings enclose without a gap.

    Between two readings the rate is taken to be the straight line from one to the other, also at
    the bucket borders (trapezoidal rule). Negative rates count negative: the amount is net. A pause
    of up to one and a half nominal periods (at least 900 s) is measured, up to `straight_s`
    estimated; a longer one is a gap: no register knows what flowed in it, so every bucket that
    it reaches into is absent. A bucket is what the readings from the last at or before its start
    to the first at or after its end say, and nothing else.

    Args:
        at_s: epoch seconds of the readings, strictly ascending; at least one at or before and one
            at or after the range, where there are such.
        raw: rates, raw unit; factor turns them into the canonical unit per hour.
        period_s: nominal sampling period [s].
        straight_s: longest pause that a straight line may bridge [s].

    Source: trapezoidal rule; limit of the straight line as domain facts 7.2 (2 h, a parameter).
    """
    if len(at_s) < 2:
        return NOTHING
    step_s = np.diff(at_s)
    measured_s = max(1.5 * period_s, BUCKET_S)
    long = step_s > measured_s
    gap = step_s > max(measured_s, straight_s)
    near = (at_s[1:] > low_s) & (at_s[:-1] < high_s)
    starts, value, method = _areas(at_s, raw * factor, long, np.flatnonzero(~gap & near))
    good = (starts >= low_s) & (starts < high_s)
    good &= (
        (starts >= at_s[0])
        & (starts + BUCKET_S <= at_s[-1])
        & ~touched(starts, at_s[:-1][gap], at_s[1:][gap])
    )
    found = [
        _found(float(at_s[i]), float(at_s[i + 1]), period_s, gap=bool(gap[i]))
        for i in np.flatnonzero(long & near)
    ]
    return Buckets(starts[good], value[good], method[good], findings=found)


def _areas(at_s: Floats, rate: Floats, long: Bools, steps: Starts) -> tuple[Starts, Floats, Codes]:
    """Area below the line of some steps by bucket, and how each bucket was made."""
    first = np.floor(at_s[steps] / BUCKET_S).astype(np.int64)
    stop = np.ceil(at_s[steps + 1] / BUCKET_S).astype(np.int64)
    item, bucket_s = bucket_pieces(first, stop)
    step = steps[item]
    from_s = np.maximum(bucket_s, at_s[step])
    to_s = np.minimum(bucket_s + BUCKET_S, at_s[step + 1])
    slope = (rate[step + 1] - rate[step]) / (at_s[step + 1] - at_s[step])
    middle = rate[step] + slope * ((from_s + to_s) / 2 - at_s[step])  # of a line: its mean
    starts, position = np.unique(bucket_s, return_inverse=True)
    area = middle * ((to_s - from_s) / _HOUR_S)
    value = np.bincount(position, weights=area, minlength=len(starts)).astype(np.float64)
    method = np.full(len(starts), MEASURED, dtype=np.uint8)
    method[position[long[step]]] = LINEAR
    return starts, value, method


def _found(start_s: float, stop_s: float, period_s: int, *, gap: bool) -> Finding:
    meaning = (
        "no reading in between and no register that knows the amount: the quarter-hours stay "
        "missing"
        if gap
        else "no reading in between: the rate is taken to be a straight line, nothing measured the "
        "total"
    )
    evidence = {"gap_s": stop_s - start_s, "nominal_period_s": period_s, "meaning": meaning}
    code, severity = ("rate.gap", Severity.WARNING) if gap else ("interval.gap", Severity.INFO)
    return noticed(code, severity, start_s, stop_s, evidence)
