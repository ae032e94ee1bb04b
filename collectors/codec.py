"""Native JSON of the public contract: bytes in, values or reasons out.

A problem with one value costs that value only; the others of the message are kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from models.errors import PayloadError

MAX_ITEMS = 1000
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
_OLDEST_MS = OLDEST.timestamp() * 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Item(msgspec.Struct, gc=False):
    """One time stamp of one meter."""

    ts: str | int
    values: dict[str, Any]
    m: str | None = None
    correction: bool = False
    q: int = 0
    seq: int | None = None


# what fromisoformat takes beyond the contract (weeks, commas, no colons) is refused
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_DECODER = msgspec.json.Decoder(list[Item] | Item)


@dataclass(slots=True)
class RawValue:
    """A value before it is known to whom it belongs."""

    meter: str
    channel: str
    ts: datetime
    value: float
    correction: bool


@dataclass(slots=True)
class Decoded:
    """What a payload held: values, and problems that cost single values or items."""

    values: list[RawValue] = field(default_factory=list)
    problems: list[PayloadError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Address:
    """Parts of a topic of the public contract; `meter` is None for a gateway batch."""

    park: str
    enterprise: str
    meter: str | None


def parse_topic(topic: str) -> Address:
    """Split `park/<park>/<enterprise>[/<meter>]`.

    Raises:
        PayloadError: another form.
    """
    parts = topic.split("/")
    if parts[0] != "park" or len(parts) not in (3, 4) or not all(parts):
        raise PayloadError("topic", "topic", topic, "park/<park>/<enterprise>[/<meter>]")
    return Address(parts[1], parts[2], parts[3] if len(parts) == 4 else None)


def decode(address: Address, payload: bytes) -> Decoded:
    """Decode a native JSON payload: one object or a list of up to 1,000.

    Raises:
        PayloadError: nothing of the payload can be used.
    """
    items = _decode_items(payload)
    out = Decoded()
    for item in items:
        try:
            ts = parse_ts(item.ts)
            meter = _meter_of(address, item)
        except PayloadError as exc:
            out.problems.append(exc)
            continue
        out.values.extend(_values_of(item, meter, ts, out.problems))
    return out


def _decode_items(payload: bytes) -> Iterable[Item]:
    try:
        decoded = _DECODER.decode(payload.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        code = "schema" if isinstance(exc, msgspec.ValidationError) else "json"
        raise PayloadError(code, "payload", payload[:80], f"native JSON ({exc})") from exc
    items = decoded if isinstance(decoded, list) else [decoded]
    if not 1 <= len(items) <= MAX_ITEMS:
        raise PayloadError("items", "payload", f"{len(items)} items", f"1 to {MAX_ITEMS} items")
    return items


def _meter_of(address: Address, item: Item) -> str:
    if address.meter is None:
        if item.m is None:
            raise PayloadError("no_meter", "m", None, "the meter key in a gateway batch")
        return item.m
    if item.m is not None and item.m != address.meter:
        raise PayloadError("meter_mismatch", "m", item.m, f"{address.meter!r} as in the topic")
    return address.meter


def _values_of(
    item: Item, meter: str, ts: datetime, problems: list[PayloadError]
) -> Iterator[RawValue]:
    if not item.values:
        problems.append(PayloadError("empty", "values", {}, "at least one channel"))
    if item.q != 0:
        problems.append(PayloadError("quality", "q", item.q, "0 (good)"))
        return
    for channel, value in item.values.items():
        # bool is an int in Python; a string that looks like a number is not a number
        if type(value) not in (float, int):
            problems.append(PayloadError("not_a_number", channel, value, "a JSON number"))
        elif not math.isfinite(number := _float(value)):
            problems.append(PayloadError("not_finite", channel, value, "a finite number"))
        else:
            yield RawValue(meter, channel, ts, number, item.correction)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond 1.8e308
        return math.inf


def parse_ts(value: str | int) -> datetime:
    """RFC 3339 with an offset, or integer epoch milliseconds, as UTC.

    Raises:
        PayloadError: no zone, another form, or before 2000 (a clock that was reset).
    """
    expected = "RFC 3339 with offset or epoch milliseconds"
    if isinstance(value, int):
        if not _OLDEST_MS <= value < 253_402_300_800_000:
            raise PayloadError("time_range", "ts", value, "epoch milliseconds from 2000 on")
        return datetime.fromtimestamp(value / 1000, UTC)
    try:
        if _RFC_3339.fullmatch(value) is None:
            raise ValueError
        ts = datetime.fromisoformat(value.upper())
    except ValueError:
        code = "no_zone" if _has_no_zone(value) else "time_format"
        raise PayloadError(code, "ts", value, expected) from None
    if ts.tzinfo is None:
        raise PayloadError("no_zone", "ts", value, expected)
    try:
        ts = ts.astimezone(UTC)
    except OverflowError:
        raise PayloadError("time_range", "ts", value, "a time from 2000 on") from None
    if ts < OLDEST:
        raise PayloadError("time_range", "ts", value, "a time from 2000 on")
    return ts


def _has_no_zone(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is None
    except ValueError:
        return False
