"""An entry of the ledger as its hash sees it: the same text as `ledger_text` in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

NOTHING: Mapping[str, Any] = dict.fromkeys(
    (
        *("contract", "kind", "contracted_wh", "generated_wh", "used_wh", "curve_sha256"),
        *("series", "first", "last", "basis", "from_state", "from_enterprise_id", "event_on"),
    )
)
FIELDS = (
    *("park_id", "seq", "enterprise_id", "event", "month", "energy_wh", "contract", "kind"),
    *("contracted_wh", "generated_wh", "used_wh", "curve_sha256", "series", "serial_first"),
    *("serial_last", "basis", "from_state", "from_enterprise_id", "event_on"),
    *("import_batch_id", "recorded_at"),
)
"""What is hashed, in this order."""


def canonical(row: Mapping[str, Any]) -> str:
    """The text of an entry: each of `FIELDS`, closed by U+001F; null is empty."""
    return "".join(_text(row[name]) + "\x1f" for name in FIELDS)


def chained(previous: bytes, row: Mapping[str, Any]) -> bytes:
    """SHA-256 of the hash before and the text of the entry."""
    return hashlib.sha256(previous + canonical(row).encode()).digest()


def curve_digest(hours: Iterable[tuple[datetime, int]]) -> bytes:
    """SHA-256 of the hours of a curve, in order."""
    text = "".join(f"{_text(at)}\x1f{wh}\x1f" for at, wh in hours)
    return hashlib.sha256(text.encode()).digest()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)
