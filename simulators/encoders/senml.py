"""SenML packs in JSON (RFC 8428), units of the IANA registry with RFC 8798."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime

from simulators.encoders.column import Block, seconds
from simulators.encoders.foreign import Device
from simulators.message import Message

_MOST_RECORDS = 900
# the catalogue's spelling -> SenML; what is not here is sent without a unit
_UNITS = {
    "degC": "Cel", "L": "l", "L/s": "l/s", "ratio": "/", "percent": "/100",
} | {u: u for u in ("Wh", "kWh", "W", "kW", "MW", "var", "kvar", "varh", "kvarh", "VA", "kVA",
                    "V", "A", "Hz", "m3", "m3/h", "m3/s", "Pa", "kg")}  # fmt: skip


class SenML:
    """One pack per message: a base name and time, then a record for every value."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._topic = device.topic(re.sub("[:/]", "-", device.name))

    def encode(self, block: Block) -> Iterator[Message]:
        """Packs of up to `batch` stamps."""
        pack: list[str] = []
        stamps, due, first_ms = 0, None, 0
        for at_ms, row_due, row in block.rows():
            if due and (stamps == block.batch or len(pack) + len(row) > _MOST_RECORDS):
                yield self._message(pack, due)
                pack, stamps = [], 0
            if not pack:
                first_ms = at_ms
            stamps, due = stamps + 1, row_due
            for key, text in row:
                pack.append(self._record(key, text, at_ms, first_ms, first=not pack))
        if due and pack:
            yield self._message(pack, due)

    def _record(self, key: str, text: str, at_ms: int, first_ms: int, *, first: bool) -> str:
        base = ""
        if first:
            sep = ":" if self._device.name.startswith("urn:dev:") else "/"
            base = f'"bn":{json.dumps(self._device.name + sep)},"bt":{seconds(at_ms)},'
        later = f'"t":{seconds(at_ms - first_ms)},' if at_ms != first_ms else ""
        unit = _UNITS.get(self._device.channels[key].unit)
        named = f',"u":"{unit}"' if unit else ""
        return f'{{{base}{later}"n":{json.dumps(self._device.called(key))}{named},"v":{text}}}'

    def _message(self, pack: list[str], due: datetime) -> Message:
        return Message(due, self._topic, f"[{','.join(pack)}]".encode(), len(pack))
