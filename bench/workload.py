"""What is measured: a park of 1,000 meters, its messages and rows; the check of what is stored.

Message k is the same for whoever asks. Every (meter, time) exists once and its value follows from
both; all values are multiples of 1/4, so that sums are exact.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import psycopg

PARK = "bench"
CHANNEL = "import_kwh"
_STEP_S = 60
_GATEWAY = 50  # meters that are read at the same second
_HOUR_S = 3600


@dataclass(frozen=True)
class Workload:
    """`messages` messages of `items` readings each, meter after meter, minute after minute.

    Attributes:
        base_s: time of the first reading [s since 1970].
        size: bytes of a message with one reading; longer ones have their natural size.
    """

    messages: int
    items: int
    base_s: int
    meters: int = 1000
    enterprises: int = 10
    size: int = 200

    @classmethod
    def recent(cls, messages: int, items: int) -> Workload:
        """Readings up to an hour ago."""
        steps = -(-messages // cls.meters) * items
        return cls(messages, items, int(time.time()) // 60 * 60 - _HOUR_S - steps * _STEP_S)

    @classmethod
    def parse(cls, text: str) -> Workload:
        """The one that `text` describes."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @property
    def readings(self) -> int:
        """All readings."""
        return self.messages * self.items

    def slots(self, number: int) -> Iterator[tuple[int, int, float]]:
        """Meter, time [s] and value of every reading of message `number`."""
        turn, meter = divmod(number, self.meters)
        for step in range(turn * self.items, (turn + 1) * self.items):
            yield (
                meter,
                self.base_s + step * _STEP_S + meter // _GATEWAY,
                meter * 1000 + step * 0.25,
            )

    def message(self, number: int) -> tuple[str, bytes]:
        """Topic and payload in native JSON; `v` repeats the value for tools that read flat JSON."""
        items = [
            f'{{"ts":"{_iso(at_s)}","m":"m{meter:04d}","values":{{"{CHANNEL}":{value}}}'
            for meter, at_s, value in self.slots(number)
        ]
        meter = number % self.meters
        if self.items == 1:
            (_, _, value) = next(self.slots(number))
            text = f'{items[0]},"seq":{number},"v":{value},"note":"'
            payload = f'{text}{"x" * (self.size - len(text) - 2)}"}}'
        else:
            payload = f"[{'},'.join(items)}}}]"
        return f"park/{PARK}/e{meter % self.enterprises}/m{meter:04d}", payload.encode()

    def rows(self, channels: Mapping[int, int]) -> Iterator[tuple[int, datetime, float, datetime]]:
        """Channel number, time, value and arrival of every reading, in the order of arrival."""
        now = datetime.now(UTC)
        for number in range(self.messages):
            for meter, at_s, value in self.slots(number):
                yield channels[meter], datetime.fromtimestamp(at_s, UTC), value, now

    def expected(self) -> dict[int, tuple[int, float, float]]:
        """Meter -> number of readings, sum of values, sum of values times minute."""
        found: dict[int, tuple[int, float, float]] = {}
        for number in range(self.messages):
            for meter, at_s, value in self.slots(number):
                count, total, moment = found.get(meter, (0, 0.0, 0.0))
                minute = (at_s - self.base_s) // _STEP_S
                found[meter] = count + 1, total + value, moment + value * minute
        return found

    def faults(self, conn: psycopg.Connection, source: str) -> list[str]:
        """Differences between what was published and what a query finds.

        Args:
            source: rows `meter` text, `ts`, `value`; a repeated row counts as a fault.
        """
        stored = {
            int(meter[1:]): (count, total, moment)
            for meter, count, total, moment in conn.execute(
                f"SELECT meter, count(*), sum(value), sum(value * floor("
                f"(extract(epoch FROM ts)::float8 - {self.base_s}) / {_STEP_S}))"
                f" FROM ({source}) AS r GROUP BY meter"
            )
        }
        expected = self.expected()
        wrong = [m for m in expected.keys() | stored.keys() if expected.get(m) != stored.get(m)]
        return [f"m{m:04d}: {stored.get(m)}, expected {expected.get(m)}" for m in sorted(wrong)]


def _iso(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


def park_document(load: Workload) -> dict[str, object]:
    """The park as park.yaml would have it."""
    channels = {
        CHANNEL: {"quantity": "active_energy", "unit": "kWh", "kind": "register"},
        "power_kw": {"quantity": "active_power", "unit": "kW", "kind": "gauge"},
    }

    def named(key: str) -> dict[str, object]:
        return {"key": key, "name": {"zh": key, "en": key}}

    enterprises = [
        named(f"e{e}")
        | {
            "meters": [
                named(f"m{m:04d}") | {"channels": channels}
                for m in range(e, load.meters, load.enterprises)
            ]
        }
        for e in range(load.enterprises)
    ]
    goal = {"year": 2026, "year_end_ratio": 0.5, "source": "none"}
    return named(PARK) | {"simulated": True, "goal": goal, "enterprises": enterprises}
