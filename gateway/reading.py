"""What every source gives: values of one meter at one instant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The present instant, UTC."""


class Reading(NamedTuple):
    """Raw values of a meter, channel key to number; a missing value is absent, never zero."""

    meter: str
    ts_ms: int
    values: Mapping[str, float]

    def body(self) -> str:
        """The item of the public contract as JSON, without `seq`."""
        item = {"m": self.meter, "ts": self.ts_ms, "values": dict(self.values)}
        return json.dumps(item, separators=(",", ":"), allow_nan=False)


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970 of an aware time."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_ms(at_ms: int) -> datetime:
    """The aware UTC time of milliseconds since 1970."""
    return _EPOCH + at_ms * timedelta(milliseconds=1)
