"""Native JSON of the public contract: bytes in, values or reasons out.

A problem with one value costs that value only; the others of the message are kept.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from collectors.formats.base import RawTuple, epoch_ms_us, rfc3339_us
from models.errors import PayloadError

MAX_ITEMS = 1000


class Item(msgspec.Struct, gc=False):
    """One time stamp of one meter, every value a number."""

    ts: str | int
    values: dict[str, float]
    m: str | None = None
    correction: bool = False
    q: int = 0
    seq: int | None = None


class _Loose(Item, gc=False):
    """The same with values of any kind: the good ones are kept, the others get their reason."""

    values: dict[str, Any]


_STRICT = msgspec.json.Decoder(list[Item] | Item)
_LOOSE = msgspec.json.Decoder(list[_Loose] | _Loose)


def decode(
    meter: str | None, payload: bytes, values: list[RawTuple], problems: list[PayloadError]
) -> None:
    """Decode a native JSON payload: one object or a list of up to 1,000.

    Args:
        meter: the meter that the topic names; None: every item has to name its own.
        values, problems: are added to.

    Raises:
        PayloadError: nothing of the payload can be used.
    """
    try:
        decoded: list[Item] | Item = _STRICT.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        decoded = _decode_loosely(payload)
    items = decoded if isinstance(decoded, list) else (decoded,)
    if not 1 <= len(items) <= MAX_ITEMS:
        raise PayloadError("items", "payload", f"{len(items)} items", f"1 to {MAX_ITEMS} items")
    for item in items:
        ts = item.ts
        try:
            ts_us = rfc3339_us(ts) if isinstance(ts, str) else epoch_ms_us(ts)
            device = item.m
            if device is None or device != meter:
                device = _device(meter, device)
        except PayloadError as exc:
            problems.append(exc)
            continue
        numbers = item.values
        if item.q or not numbers or isinstance(item, _Loose):
            numbers = _good(item, problems)
        correction = item.correction
        for channel, value in numbers.items():
            values.append((device, channel, ts_us, value, correction, None))


def _decode_loosely(payload: bytes) -> list[Item] | Item:
    try:
        decoded: list[Item] | Item = _LOOSE.decode(payload.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        code = "schema" if isinstance(exc, msgspec.ValidationError) else "json"
        raise PayloadError(code, "payload", payload[:80], f"native JSON ({exc})") from exc
    return decoded


def _device(meter: str | None, named: str | None) -> str:
    if meter is None:
        if named is None:
            raise PayloadError("no_meter", "m", None, "the meter key in a gateway batch")
        return named
    if named is not None and named != meter:
        raise PayloadError("meter_mismatch", "m", named, f"{meter!r} as in the topic")
    return meter


def _good(item: Item, problems: list[PayloadError]) -> dict[str, float]:
    if not item.values:
        problems.append(PayloadError("empty", "values", {}, "at least one channel"))
    if item.q != 0:
        problems.append(PayloadError("quality", "q", item.q, "0 (good)"))
        return {}
    good = {}
    for channel, value in item.values.items():
        # bool is an int in Python; a string that looks like a number is not a number
        if type(value) not in (float, int):
            problems.append(PayloadError("not_a_number", channel, value, "a JSON number"))
        elif not math.isfinite(number := _float(value)):
            problems.append(PayloadError("not_finite", channel, value, "a finite number"))
        else:
            good[channel] = number
    return good


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond 1.8e308
        return math.inf
