"""What the formats of other people's devices have in common: JSON, numbers, times."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

from collectors.formats.base import Incoming, epoch_ms_us, to_us
from models.errors import PayloadError

MAX_ITEMS = 1_000
MAX_VALUES = 10_000
_BOM = b"\xef\xbb\xbf"
_UTF_8 = frozenset({"utf-8", "utf8", "utf_8"})
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?\s*", re.ASCII)
_NO_NUMBER = frozenset({"", "-", "--", "---", "nan", "null", "none", "inf", "-inf", "n/a"})


def parse(payload: bytes, encoding: str | None = None) -> Any:
    """The JSON value of a payload, with or without a byte order mark.

    Raises:
        PayloadError: not JSON, or not in this encoding (None: UTF-8).
    """
    try:
        if encoding is None or encoding.lower() in _UTF_8:
            return msgspec.json.decode(payload.removeprefix(_BOM))
        return msgspec.json.decode(payload.decode(encoding).removeprefix("\ufeff"))
    except (ValueError, LookupError, RecursionError) as exc:  # msgspec and codecs: ValueError
        expected = f"JSON in {encoding or 'utf-8'} ({exc})"
        raise PayloadError("json", "payload", payload[:80], expected) from exc


def number(value: Any, field: str, *, as_text: bool = False) -> float:
    """A finite number; `as_text`: a gateway that sends "12.3" is allowed to.

    Raises:
        PayloadError: anything else, `true` and "12.3" included.
    """
    if as_text and isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if type(value) not in (float, int):  # bool is an int in Python
        raise PayloadError("not_a_number", field, value, "a JSON number")
    try:
        found = float(value)
    except OverflowError:  # an integer beyond 1.8e308
        found = math.inf
    if not math.isfinite(found):
        raise PayloadError("not_finite", field, "a number beyond 1.8e308", "a finite number")
    return found


def is_state(value: Any) -> bool:
    """True for what is no failed number but another kind of value: a switch, a word, a list."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO_NUMBER and not _NUMBER.fullmatch(value)
    return isinstance(value, bool | list | dict)


def epoch_s_us(value: float, field: str = "t") -> int:
    """Microseconds of epoch seconds, whole or with a fraction.

    Raises:
        PayloadError: before 2000 (a clock that was reset) or absurd (milliseconds sent as seconds).
    """
    if not 0 <= value < 1e12:
        raise PayloadError("time_range", field, value, "epoch seconds from 2000 on")
    at_us = round(value * 1_000_000)
    epoch_ms_us(at_us // 1000, field)  # the same bounds
    return at_us


def whole_ms_us(value: Any, field: str = "ts") -> int:
    """Microseconds of epoch milliseconds of any JSON type.

    Raises:
        PayloadError: no whole number, or out of range.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise PayloadError("time_format", field, value, "integer epoch milliseconds")
    if abs(value) >= 1 << 63:
        raise PayloadError("time_range", field, "a huge number", "epoch milliseconds from 2000 on")
    return epoch_ms_us(value, field)


def arrival_us(message: Incoming) -> int:
    """Time of arrival of a message that names none, microseconds since 1970.

    Raises:
        PayloadError: the message waited somewhere, so its arrival is not its time.
    """
    if not message.fresh:
        raise PayloadError(
            "stale_arrival",
            "time",
            "a message that was retained or queued",
            "a time stamp in the payload; without one, only messages that arrive live count",
        )
    return to_us(message.received_at)


def check_items(count: int) -> None:
    """Refuse a message with more items than one may have."""
    if count > MAX_ITEMS:
        raise PayloadError("items", "payload", f"{count} items", f"at most {MAX_ITEMS} items")


def check_values(count: int) -> None:
    """Refuse a message with more values than one may have."""
    if count > MAX_VALUES:
        raise PayloadError("items", "payload", f"{count} values", f"at most {MAX_VALUES} values")
