"""Payloads in `tests/data/payloads/<format>/<case>.json`: a message and what it must give."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from collectors.formats import senml, template, thingsboard
from collectors.formats.base import Decoded, Incoming, Options, RawValue, to_us
from models.errors import PayloadError

FOLDER = Path(__file__).parent / "data" / "payloads"
STATELESS = {"thingsboard": thingsboard.decode, "senml": senml.decode}
CASES = sorted(FOLDER.glob("*/*.json"))
KEYS = {
    "source", "topic", "received_at", "fresh", "payload", "payload_text", "encode",
    "timezone", "encoding", "expect", "problems",
}  # fmt: skip


def decoder(name: str) -> Callable[[Incoming, Options], Decoded]:
    """What decodes the format of this name."""
    if name in STATELESS:
        return STATELESS[name]
    known = template.load_templates()[name]
    return lambda message, options: template.decode(known, message, options)


def payload(case: dict[str, Any]) -> bytes:
    """Bytes of a case: `payload` as JSON or `payload_text` as it is, in the encoding `encode`."""
    text = case.get("payload_text")
    if text is None:
        text = json.dumps(case["payload"], ensure_ascii=False)
    return str(text).encode(case.get("encode", "utf-8"))


def run(name: str, case: dict[str, Any]) -> tuple[list[RawValue], list[str]]:
    """Values and codes of the problems."""
    message = Incoming(
        case["topic"],
        payload(case),
        datetime.fromisoformat(case["received_at"]),
        case.get("fresh", True),
    )
    zone = ZoneInfo(case["timezone"]) if "timezone" in case else None
    try:
        out = decoder(name)(message, Options(zone, case.get("encoding")))
    except PayloadError as exc:
        return [], [exc.code]
    return [RawValue(*value) for value in out.values], [p.code for p in out.problems]


def expected(case: dict[str, Any]) -> list[RawValue]:
    """Values that the case must give."""
    return [
        RawValue(device, channel, to_us(datetime.fromisoformat(at)), value, unit=unit)
        for device, channel, at, value, unit in case["expect"]
    ]
