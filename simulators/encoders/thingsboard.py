"""ThingsBoard's gateway telemetry; a device API topic where the filter wants that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from simulators.encoders.column import Block
from simulators.encoders.foreign import Device
from simulators.message import Message

_GATEWAY = "v1/gateway/telemetry"


class ThingsBoard:
    """`{"device": [{"ts": ..., "values": {...}}]}`."""

    def __init__(self, device: Device) -> None:
        self._device = device
        named = "" if device.name == "me" else f"{device.name}/"
        self._topic = device.topic(_GATEWAY, f"{named}v1/devices/me/telemetry")
        self._gateway = self._topic.endswith(_GATEWAY)

    def encode(self, block: Block) -> Iterator[Message]:
        """Messages of up to `batch` stamps."""
        items: list[str] = []
        readings, last = 0, None
        for at_ms, due, row in block.rows():
            if last and len(items) == block.batch:
                yield self._message(items, readings, last)
                items, readings = [], 0
            values = ",".join(f"{json.dumps(self._device.called(k))}:{v}" for k, v in row)
            items.append(f'{{"ts":{at_ms},"values":{{{values}}}}}')
            readings, last = readings + len(row), due
        if last and items:
            yield self._message(items, readings, last)

    def _message(self, items: list[str], readings: int, due: datetime) -> Message:
        text = f"[{','.join(items)}]"
        if self._gateway:
            text = f"{{{json.dumps(self._device.name)}:{text}}}"
        return Message(due, self._topic, text.encode(), readings)
