"""Devices of makers that the collectors know by a template: their JSON, one stamp per message.

Source: the documentation that `collectors/templates/<name>.yaml` names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from models.errors import ConfigError
from simulators.encoders.column import Block, seconds
from simulators.encoders.foreign import Device
from simulators.encoders.vendor_fields import (
    ACREL,
    HOMEWIZARD,
    SHELLY_ENERGY,
    SHELLY_POWER,
    TASMOTA,
    ZIGBEE,
    Fields,
)
from simulators.message import Message

Held = dict[str, str]  # key in the message -> number


def _json(held: Held) -> str:
    return "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in held.items()) + "}"


def _shelly(device: Device, at_ms: int, held: Held) -> list[str]:
    keys = {key for key, _ in SHELLY_ENERGY.values()}
    parts = {
        "em:0": {k: v for k, v in held.items() if k not in keys},
        "emdata:0": {k: v for k, v in held.items() if k in keys},
    }
    shown = {"ts": seconds(at_ms)} | {
        name: _json({"id": "0"} | part) for name, part in parts.items() if part
    }
    message = {
        "src": json.dumps(device.name),
        "dst": json.dumps(f"{device.name}/events"),
        "method": '"NotifyStatus"',
        "params": _json(shown),
    }
    return [_json(message)]


def _tasmota(device: Device, at_ms: int, held: Held) -> list[str]:
    energy = _json(held)
    if device.zone is None:
        return [f'{{"Epoch":{seconds(at_ms)},"ENERGY":{energy}}}']
    at = datetime.fromtimestamp(at_ms // 1000, ZoneInfo(device.zone)).replace(tzinfo=None)
    part = f".{at_ms % 1000:03d}" if at_ms % 1000 else ""
    return [f'{{"Time":"{at.isoformat()}{part}","ENERGY":{energy}}}']


def _homewizard(_device: Device, _at_ms: int, held: Held) -> list[str]:
    return [_json({"wifi_strength": "86"} | held)]


def _acrel(_device: Device, at_ms: int, held: Held) -> list[str]:
    return [f'{{"tp":{at_ms},"ID":{item},"val":{value}}}' for item, value in held.items()]


def _zigbee(_device: Device, at_ms: int, held: Held) -> list[str]:
    at = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    seen = f'"{at}.{at_ms % 1000:03d}Z"'
    return [_json(held | {"linkquality": "120", "last_seen": seen})]


Writer = Callable[[Device, int, Held], list[str]]
VENDORS: Mapping[str, tuple[tuple[str, ...], Fields, Writer]] = {
    "shelly-pro-3em": (("{device}/events/rpc",), SHELLY_POWER | SHELLY_ENERGY, _shelly),
    "tasmota-energy": (("{device}/SENSOR", "{device}/tele/SENSOR"), TASMOTA, _tasmota),
    "homewizard": (("{device}/data", "{device}/measurement"), HOMEWIZARD, _homewizard),
    "acrel-adw300": (("json-v2/analog/{device}",), ACREL, _acrel),
    "zigbee2mqtt": (("{device}",), ZIGBEE, _zigbee),
}
"""Template -> ends of its topics, its values, what writes a message."""


class Vendor:
    """Messages of one device of a known maker; it cannot send several stamps at once.

    HomeWizard names no time: its readings count from their arrival, so they are good live only.

    Raises:
        ConfigError: it has no value of a name that park.yaml gives it.
    """

    def __init__(self, device: Device, template: str) -> None:
        ends, fields, self._write = VENDORS[template]
        self._device = device
        self._topic = device.topic(*(end.replace("{device}", device.name) for end in ends))
        names = {key: device.called(key) for key in device.channels}
        if unknown := sorted(set(names.values()) - set(fields)):
            raise ConfigError(
                f"device {device.name}",
                [f"{template} has no value {name!r} that is simulated" for name in unknown],
            )
        self._fields = {key: fields[name] for key, name in names.items()}

    def encode(self, block: Block) -> Iterator[Message]:
        """One message per stamp; an Acrel meter sends one per value."""
        for at_ms, due, row in block.rows():
            held = {}
            for key, text in row:
                field, unit = self._fields[key]
                held[field] = self._device.scaled(key, text, unit)
            texts = self._write(self._device, at_ms, held)
            each = len(held) // len(texts)
            for text in texts:
                yield Message(due, self._topic, text.encode(), each)
