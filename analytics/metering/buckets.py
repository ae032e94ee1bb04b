"""15-minute values of one channel, as every kind of channel yields them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from models.findings import Finding, Severity
from models.periods import BUCKET_S, from_s
from models.quality import MEASURED

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Starts = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Buckets:
    """15-minute values of one channel, ascending; buckets without a value are absent.

    Attributes:
        start_s: epoch seconds of the bucket starts.
        value: amounts, or means of a gauge; canonical unit.
        method: number in `METHODS`; 0 is measured, all others are estimates.
        low, high, last: gauges only: extremes and last reading, canonical unit.
        findings: what was noticed on the way, without the channel.
        long_gaps: pauses (start, stop) in epoch seconds whose shape like days may tell.
    """

    start_s: Starts
    value: Floats
    method: Codes
    low: Floats | None = None
    high: Floats | None = None
    last: Floats | None = None
    findings: list[Finding] = field(default_factory=list)
    long_gaps: list[tuple[float, float]] = field(default_factory=list)

    @property
    def estimated(self) -> Bools:
        """True where the value is an estimate."""
        return np.not_equal(self.method, MEASURED)


NOTHING = Buckets(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.uint8))


def noticed(
    code: str, severity: Severity, start_s: float, stop_s: float, evidence: Mapping[str, Any]
) -> Finding:
    """A finding over epoch seconds, without its channel."""
    return Finding(code, severity, from_s(start_s), from_s(stop_s), evidence=evidence)


def bucket_pieces(first: Starts, stop: Starts) -> tuple[Starts, Starts]:
    """Spans of whole bucket numbers `[first, stop)` cut at the bucket borders.

    Returns:
        For each piece the number of its span, and the start of its bucket [epoch s].
    """
    pieces = stop - first
    item = np.repeat(np.arange(len(first)), pieces)
    begin = np.cumsum(pieces) - pieces  # number of the first piece of each span
    return item, (first[item] + np.arange(len(item)) - begin[item]) * BUCKET_S


def touched(starts: Starts, low_s: Floats, high_s: Floats) -> Bools:
    """True for buckets that one of the spans `(low_s, high_s)` reaches into."""
    change = np.zeros(len(starts) + 1, dtype=np.int64)
    np.add.at(change, np.searchsorted(starts + BUCKET_S, low_s, side="right"), 1)
    np.add.at(change, np.searchsorted(starts, high_s, side="left"), -1)
    return np.cumsum(change)[:-1] > 0
