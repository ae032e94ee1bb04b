"""What every format takes and gives: a message in, raw values and problems out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from models.errors import PayloadError
from models.periods import from_us as from_us
from models.periods import sole_instant
from models.periods import to_us as to_us

OLDEST_US = 946_684_800_000_000  # 2000-01-01: an older time is a clock that was reset
_NEWEST_US = 253_402_300_800_000_000  # year 10000
# what fromisoformat takes beyond the contract (weeks, commas, no colons) is refused
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


class Incoming(NamedTuple):
    """A message on its way into the database, with the receiver's clock.

    Attributes:
        fresh: False for a message that waited (retained, or queued at the broker while we were
            away): its arrival says nothing about the time of measurement.
        mid, generation: packet id (0: nothing to acknowledge) and the number of the connection
            that delivered it; an acknowledgement is only good on that connection.
    """

    topic: str
    payload: bytes
    received_at: datetime
    fresh: bool = True
    mid: int = 0
    generation: int = 0


class Publication(NamedTuple):
    """A message that the collector itself sends, e.g. a Sparkplug rebirth request."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


RawTuple = tuple[str, str, int, float, bool, str | None]


class RawValue(NamedTuple):
    """A value before it is known to whom it belongs.

    Attributes:
        device: meter key; in a foreign format the device's own name, see `models.sources`.
        channel: name of the value in the message.
        ts_us: time of measurement, microseconds since 1970 UTC.
        unit: unit that the message or template names, in the catalogue's spelling; None: the
            channel's own.
    """

    device: str
    channel: str
    ts_us: int
    value: float
    correction: bool = False
    unit: str | None = None


@dataclass(slots=True)
class Decoded:
    """What a payload held.

    Attributes:
        values: `RawValue`s, or plain tuples in their order where thousands a second are made.
        problems: each cost one value or one item, not the message.
        replies: what the protocol wants to be sent back.
    """

    values: list[RawTuple] = field(default_factory=list)
    problems: list[PayloadError] = field(default_factory=list)
    replies: list[Publication] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """What a source says about its messages; None: the template's own, else UTF-8."""

    timezone: ZoneInfo | None = None
    encoding: str | None = None


def epoch_ms_us(value: int, field: str = "ts") -> int:
    """Microseconds of integer epoch milliseconds.

    Raises:
        PayloadError: before 2000 (seconds sent as milliseconds, a clock that was reset) or absurd.
    """
    at_us = value * 1000
    if not OLDEST_US <= at_us < _NEWEST_US:
        raise PayloadError("time_range", field, value, "epoch milliseconds from 2000 on")
    return at_us


@lru_cache(maxsize=4096)  # all meters of a gateway share the instant
def rfc3339_us(value: str, field: str = "ts") -> int:
    """Microseconds since 1970 of RFC 3339 text with an offset.

    Raises:
        PayloadError: no zone, another form, or before 2000 (a clock that was reset).
    """
    expected = "RFC 3339 with offset or epoch milliseconds"
    try:
        if _RFC_3339.fullmatch(value) is None:
            raise ValueError
        at_us = to_us(datetime.fromisoformat(value.upper()))
    except ValueError:
        code = "no_zone" if _has_no_zone(value) else "time_format"
        raise PayloadError(code, field, value, expected) from None
    if not OLDEST_US <= at_us < _NEWEST_US:
        raise PayloadError("time_range", field, value, "a time from 2000 on")
    return at_us


def local_us(at: datetime, zone: ZoneInfo, field: str = "ts") -> int:
    """Microseconds since 1970 of a device's local time, the zone named by template or source.

    Raises:
        PayloadError: before 2000, or an hour that the zone skips or has twice.
    """
    only = sole_instant(at, zone)
    if only is None:
        raise PayloadError(
            "local_time", field, at.isoformat(), f"a time that exists once in {zone.key}"
        )
    at_us = to_us(only)
    if not OLDEST_US <= at_us < _NEWEST_US:
        raise PayloadError("time_range", field, at.isoformat(), "a time from 2000 on")
    return at_us


def _has_no_zone(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is None
    except ValueError:
        return False
