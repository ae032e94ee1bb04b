"""15-minute values of one channel, as every kind of channel yields them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from models.findings import Finding, Severity
from models.quality import EVEN, FLAT, LIKE_DAYS, LINEAR, MEASURED, METHODS, SOURCE

__all__ = [
    "EVEN",
    "FLAT",
    "LIKE_DAYS",
    "LINEAR",
    "MEASURED",
    "METHODS",
    "NOTHING",
    "SOURCE",
    "Bools",
    "Buckets",
    "Codes",
    "Floats",
    "Starts",
    "noticed",
    "utc",
]

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
    return Finding(code, severity, utc(start_s), utc(stop_s), evidence=evidence)


def utc(seconds: float) -> datetime:
    """The aware time of epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)
