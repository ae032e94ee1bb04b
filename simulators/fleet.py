"""Thousands of meters that cost almost nothing to simulate: a load for collector and database.

A register follows from meter, seed and instant alone: a day shape in closed form, and noise from
a hash that is smaller than what is counted between two readings. No year is kept in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

import numpy as np

from models.errors import ConfigError
from models.park import Park
from simulators.encoders.column import due_at, rfc3339
from simulators.fleet_park import CHANNEL, MEAN_KW, MODULUS
from simulators.message import Message, check_batch
from simulators.scenario import Scenario
from simulators.timegrid import Floats, Ints, YearGrid, generator, uniform

_SWING = 0.6  # of the day, part of the mean
_NOISE = 0.3  # of a reading, part of what is counted in a period; below 1 - _SWING
_DELAY = 0.9  # meters send one after the other within this part of a period
_BLOCK = 200_000  # readings that are made at once


class FleetSimulator:
    """Messages of a fleet, with the interface of `ParkSimulator`.

    Raises:
        ConfigError: the park has other meters than those of `fleet_park`.
    """

    def __init__(self, park: Park, scenario: Scenario, seed: int) -> None:
        self.park, self.scenario, self.seed = park, scenario, seed
        self._period_ms = _common_period_s(park) * 1000
        self._begin_ms = YearGrid(scenario.first_year, park.zone).start_s * 1000
        places = [(e.key, m.key) for e in park.enterprises for m in e.meters]
        salts = generator(seed, "fleet").integers(1 << 63, size=len(places), dtype=np.uint64)
        delays = (uniform(salts) * self._period_ms * _DELAY).astype(np.int64)
        order = np.argsort(delays, kind="stable")  # messages of an instant come in this order
        self._salts, self._delays_ms = salts[order], delays[order]
        self._places = [places[n] for n in order.tolist()]
        self._topics = [f"park/{park.key}/{e}/{m}" for e, m in self._places]
        # each has half to one and a half of the mean
        self._mean_kw = MEAN_KW * (0.5 + uniform(self._salts ^ np.uint64(1)))
        self._phase_h = 10 + 8 * uniform(self._salts ^ np.uint64(2))
        self._start_kwh = np.floor(MODULUS * uniform(self._salts ^ np.uint64(3)))
        self._local = rfc3339(park.zone)

    def count(self, start: datetime, stop: datetime) -> int:
        """Number of readings that are sent in `[start, stop)`."""
        before = [-((self._delays_ms - _ms(at)) // self._period_ms) for at in (start, stop)]
        return int((before[1] - before[0]).sum())

    def messages(self, start: datetime, stop: datetime, *, batch: int = 1) -> Iterator[Message]:
        """Messages that are sent in `[start, stop)`, by due time.

        Args:
            batch: most time stamps of one meter per message; fewer when there are many meters.
        """
        check_batch(batch)
        low, high = _ms(start), _ms(stop)
        first = -((int(self._delays_ms[-1]) - low) // self._period_ms)
        end = -(-high // self._period_ms)
        span = max(1, _BLOCK // len(self._places))
        if batch > 1:
            span = min(span * 10, batch)
        for k in range(first, end, span):
            stamps_ms = np.arange(k, min(k + span, end), dtype=np.int64) * self._period_ms
            if batch == 1:
                yield from self._singles(stamps_ms, low, high)
            else:
                yield from sorted(self._lists(stamps_ms, low, high), key=lambda m: m.due_at)

    def shown_kwh(self, stamps_ms: Ints) -> Floats:
        """Registers at instants (epoch milliseconds): a row each, a column per meter."""
        hours = ((stamps_ms - self._begin_ms) / 3_600_000)[:, None]
        turn = 2 * math.pi / 24
        waves = np.sin((hours - self._phase_h) * turn) + np.sin(self._phase_h * turn)
        drawn = uniform(stamps_ms.astype(np.uint64)[:, None] * np.uint64(0x9E3779B1) ^ self._salts)
        noise = _NOISE * self._period_ms / 3_600_000 * drawn
        counted = self._mean_kw * (hours + _SWING / turn * waves + noise)
        hundredths = np.floor((self._start_kwh + counted) * 100) % (MODULUS * 100)
        return np.asarray(hundredths / 100, dtype=np.float64)

    def _heads(self, stamps_ms: Ints) -> list[str]:
        return [f'{{"ts":"{t}","values":{{"{CHANNEL}":' for t in self._local(stamps_ms)]

    def _singles(self, stamps_ms: Ints, low: int, high: int) -> Iterator[Message]:
        shown = self.shown_kwh(stamps_ms)
        for n, head in enumerate(self._heads(stamps_ms)):
            due_ms = stamps_ms[n] + self._delays_ms
            a, b = np.searchsorted(due_ms, (low, high)).tolist()
            rows = zip(due_ms[a:b].tolist(), shown[n, a:b].tolist(), strict=True)
            for m, (due, value) in enumerate(rows, a):
                payload = f"{head}{value:.2f}}}}}".encode()
                yield Message(due_at(due / 1000), self._topics[m], payload, 1, self._places[m])

    def _lists(self, stamps_ms: Ints, low: int, high: int) -> Iterator[Message]:
        heads, columns = self._heads(stamps_ms), self.shown_kwh(stamps_ms).T.tolist()
        for m, column in enumerate(columns):
            delay = int(self._delays_ms[m])
            a, b = np.searchsorted(stamps_ms, (low - delay, high - delay)).tolist()
            if a == b:
                continue
            items = [f"{heads[n]}{column[n]:.2f}}}}}" for n in range(a, b)]
            due = due_at((int(stamps_ms[b - 1]) + delay) / 1000)
            payload = f"[{','.join(items)}]".encode()
            yield Message(due, self._topics[m], payload, b - a, self._places[m])


def _common_period_s(park: Park) -> int:
    """Period of all meters.

    Raises:
        ConfigError: they have other channels, or several periods.
    """
    meters = [m for e in park.enterprises for m in e.meters]
    periods = {m.channels[CHANNEL].period_s for m in meters if set(m.channels) == {CHANNEL}}
    if len(periods) != 1 or any(set(m.channels) != {CHANNEL} for m in meters):
        raise ConfigError(
            "fleet", [f"park {park.key}: every meter has {CHANNEL} alone, all the same period_s"]
        )
    return periods.pop()


def _ms(instant: datetime) -> int:
    """Epoch millisecond at or after an instant."""
    return -int(-instant.timestamp() * 1000 // 1)
