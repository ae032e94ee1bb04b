"""What the publisher sends: message number k of a made-up park, the same for whoever asks.

Every reading has a (channel, time) of its own and a value that follows from both, so that the
harness can tell a right value from a wrong one without keeping what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

PARK = "chaos"
CHANNELS = ("import_kwh", "power_kw")


class Sent(NamedTuple):
    """One reading: meter number, channel name, time [ms since 1970 UTC], value."""

    meter: int
    channel: str
    ts_ms: int
    value: float


@dataclass(frozen=True)
class Load:
    """A park of `enterprises` x `meters` with two channels each.

    Attributes:
        base_ms: time of the first message; the next ones are `stride_ms` apart.
        items: 0: eight single items, a meter's list of three and a gateway's list of five in turn;
            else every message is a gateway's list of so many items.
        padding: bytes of an ignored key in every item, for large payloads with few readings.
    """

    base_ms: int
    enterprises: int = 5
    meters: int = 10
    items: int = 0
    padding: int = 0

    @property
    def stride_ms(self) -> int:
        """Distance of two messages: further than the items of one message reach."""
        return max(4, self.items // self.meters + 1)

    def value(self, meter: int, channel: str, ts_ms: int) -> float:
        """The only right value: a rising register, a gauge that looks like noise."""
        if channel == "import_kwh":
            return meter * 1000.0 + (ts_ms - self.base_ms) / 1024
        return ((ts_ms * 2_654_435_761 + meter * 40_503) % 2**32) / 2**20

    def slots(self, number: int) -> list[tuple[int, int]]:
        """Meter and time of every item of message `number`."""
        ts_ms = self.base_ms + number * self.stride_ms
        first = number % self.enterprises * self.meters
        turn = number // self.enterprises
        own = first + (turn + turn // 10) % self.meters  # every meter gets every kind
        if self.items:
            return [(first + i % self.meters, ts_ms + i // self.meters) for i in range(self.items)]
        kind = turn % 10
        if kind == 0:
            return [(first + (own + i) % self.meters, ts_ms) for i in range(5)]
        if kind == 1:
            return [(own, ts_ms + i) for i in range(3)]
        return [(own, ts_ms)]

    def readings(self, number: int) -> Iterator[Sent]:
        """All readings of message `number`."""
        for meter, ts_ms in self.slots(number):
            for channel in CHANNELS:
                yield Sent(meter, channel, ts_ms, self.value(meter, channel, ts_ms))

    def message(self, number: int) -> tuple[str, bytes]:
        """Topic and payload of message `number`; always the same bytes."""
        slots = self.slots(number)
        items = [self._item(meter, ts_ms) for meter, ts_ms in slots]
        enterprise = f"park/{PARK}/e{number % self.enterprises}"
        if len({meter for meter, _ in slots}) > 1 or self.items:
            return enterprise, json.dumps(items).encode()
        payload = items if len(items) > 1 else items[0]
        return f"{enterprise}/m{slots[0][0]}", json.dumps(payload).encode()

    def _item(self, meter: int, ts_ms: int) -> dict[str, object]:
        item: dict[str, object] = {
            "m": f"m{meter}",
            "ts": ts_ms,
            "values": {c: self.value(meter, c, ts_ms) for c in CHANNELS},
        }
        return item | ({"note": "x" * self.padding} if self.padding else {})

    def park_yaml(self) -> str:
        """The park as `greenpark apply` takes it (JSON is YAML)."""
        contacts = [{"name": "energy", "email": "energy@chaos.example"}]
        channels = {
            "import_kwh": {"quantity": "active_energy", "unit": "kWh", "kind": "register"},
            "power_kw": {"quantity": "active_power", "unit": "kW", "kind": "gauge"},
        }

        def named(key: str) -> dict[str, object]:
            return {"key": key, "name": {"zh": key, "en": key}}

        enterprises = [
            named(f"e{e}")
            | {
                "contacts": contacts,
                "meters": [
                    named(f"m{m}") | {"channels": channels}
                    for m in range(e * self.meters, (e + 1) * self.meters)
                ],
            }
            for e in range(self.enterprises)
        ]
        park = named(PARK) | {
            "simulated": True,
            "goal": {"year": 2026, "year_end_ratio": 0.5, "source": "none"},
            "contacts": contacts,
            "enterprises": enterprises,
        }
        return json.dumps(park, ensure_ascii=False, indent=1)
