"""ThingsBoard's device and gateway telemetry.

Source: thingsboard.io, MQTT Device API and MQTT Gateway API reference, telemetry upload:
`ts` in epoch milliseconds, without it the receiver's time counts; values are number, text,
boolean or JSON.
"""

from __future__ import annotations

from typing import Any

from collectors.formats.base import Decoded, Incoming, Options, RawValue
from collectors.formats.loose import (
    arrival_us,
    check_items,
    check_values,
    is_state,
    number,
    parse,
    whole_ms_us,
)
from models.errors import PayloadError

_GATEWAY = ("v1", "gateway")
_DEVICE = ("v1", "devices", "me")
_SHORT = ("v2",)  # v2/t and v2/t/j: the short names of the device's telemetry
_ME = "me"


def decode(message: Incoming, options: Options) -> Decoded:
    """Decode a message of ThingsBoard's MQTT API; attributes, RPC and the like hold no readings.

    The device API names no device: it is the level before `v1`, or `me` if there is none.

    Raises:
        PayloadError: nothing of the message can be used.
    """
    before, api, what = _split(message.topic)
    out = Decoded()
    if what not in (("telemetry",), ("t",), ("t", "j")):
        return out
    root = parse(message.payload, options.encoding)
    devices = root if api == _GATEWAY else {before[-1] if before else _ME: root}
    if not isinstance(devices, dict):
        raise PayloadError("schema", "payload", root, "an object: device name to telemetry")
    items = [(name, item) for name, held in devices.items() for item in _listed(held)]
    check_items(len(items))
    for device, item in items:
        try:
            _add(device, item, message, out)
        except PayloadError as exc:
            out.problems.append(exc)
        check_values(len(out.values) + len(out.problems))
    return out


def _split(topic: str) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    """Levels before the API, the API, the levels after it; the API is looked for from the end."""
    levels = topic.split("/")
    for at in range(len(levels) - 2, -1, -1):
        for api in (_GATEWAY, _DEVICE, _SHORT):
            after = at + len(api)
            if tuple(levels[at:after]) == api and after < len(levels):
                return levels[:at], api, tuple(levels[after:])
    raise PayloadError(
        "topic", "topic", topic, "a topic that ends with v1/devices/me/… or v1/gateway/…"
    )


def _listed(held: Any) -> list[Any]:
    return held if isinstance(held, list) else [held]


def _add(device: str, item: Any, message: Incoming, out: Decoded) -> None:
    if not isinstance(item, dict):
        raise PayloadError("schema", device, item, "an object of values, or one with ts and values")
    values = item.get("values")
    if not isinstance(values, dict):
        if "ts" in item:
            raise PayloadError("schema", device, item, "the values beside ts in an object `values`")
        values = item
    ts_us = whole_ms_us(item["ts"]) if "ts" in item else arrival_us(message)
    for channel, value in values.items():
        if is_state(value):
            continue
        try:
            out.values.append(RawValue(device, channel, ts_us, number(value, channel)))
        except PayloadError as exc:
            out.problems.append(exc)
