"""A simulated park as its meters speak: native JSON of the public contract, in time order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

import numpy as np
import pandas as pd

from models.errors import ConfigError
from models.park import Park
from simulators.message import Message
from simulators.plant import Point, park_year, points, scenario_faults
from simulators.scenario import Scenario
from simulators.timegrid import STEP_S, Floats, Ints, YearGrid, generator

_SPAN_STEPS = 1000  # readings of a channel that are made at once when they are sent one by one
_MAX_BATCH = 1000


@dataclass(frozen=True)
class _Year:
    """A register at every edge of a year, counted from 1 January of the first year; gauges."""

    grid: YearGrid
    total: Mapping[str, Floats]
    state: Mapping[str, Floats]


class ParkSimulator:
    """Physics, meters and messages of one park.

    The same park, scenario and seed give the same bytes for the same instant, whatever range is
    asked for: a live run continues the registers of a backfill.

    Raises:
        ConfigError: park and scenario do not fit together; with every fault.
    """

    def __init__(self, park: Park, scenario: Scenario, seed: int) -> None:
        if faults := list(dict.fromkeys(scenario_faults(park, scenario))):
            raise ConfigError("simulation", faults)
        self._park, self._scenario, self._seed = park, scenario, seed
        self._years: dict[int, _Year] = {}
        self._meters: dict[str, list[Point]] = {}
        self._last_local: tuple[bytes, list[str]] = (b"", [])
        for point in points(park):
            topic = f"park/{park.key}/{point.enterprise.key}/{point.meter.key}"
            self._meters.setdefault(topic, []).append(point)

    def count(self, start: datetime, stop: datetime) -> int:
        """Number of readings of `[start, stop)`."""
        low, high = _seconds(start), _seconds(stop)
        return sum(len(self._stamps(p, low, high)) for ps in self._meters.values() for p in ps)

    def messages(self, start: datetime, stop: datetime, *, batch: int = 1) -> Iterator[Message]:
        """Messages with the readings of `[start, stop)`, by due time.

        Args:
            batch: time stamps of one meter per message; 1 as a meter sends live, up to 1,000 for
                a backfill.
        """
        if not 1 <= batch <= _MAX_BATCH:
            msg = f"batch: got {batch}, expected 1 to {_MAX_BATCH}"
            raise ValueError(msg)
        shortest = min(p.channel.period_s for ps in self._meters.values() for p in ps)
        width = shortest * (batch if batch > 1 else _SPAN_STEPS)
        low, high = _seconds(start), _seconds(stop)
        while low < high:
            year = self._year(datetime.fromtimestamp(low, self._park.zone).year)
            edge = min(low + width, high, year.grid.stop_s)
            out = [
                m
                for topic, ps in self._meters.items()
                for m in self._of_meter(topic, ps, year, (low, edge), batch)
            ]
            yield from sorted(out, key=lambda m: m.due_at)
            low = edge

    def _stamps(self, point: Point, low: int, high: int) -> Ints:
        """Epoch seconds of the readings of a channel in `[low, high)`."""
        since = point.channel.in_service_from
        if since is not None:
            low = max(low, _seconds(datetime.combine(since, time(), self._park.zone)))
        period = point.channel.period_s
        return np.arange(-(-low // period) * period, high, period, dtype=np.int64)

    def _of_meter(
        self, topic: str, meter: list[Point], year: _Year, span: tuple[int, int], batch: int
    ) -> Iterator[Message]:
        stamps = [self._stamps(p, *span) for p in meter]
        every = np.unique(np.concatenate(stamps))
        if not len(every):
            return
        parts: list[list[str]] = [[] for _ in every]
        for point, at_s in zip(meter, stamps, strict=True):
            values = self._values(point, year, at_s)
            for n, text in zip(np.searchsorted(every, at_s).tolist(), values, strict=True):
                parts[n].append(text)
        items = [
            f'{{"ts":"{t}","values":{{{",".join(p)}}}}}'
            for t, p in zip(self._local(every), parts, strict=True)
        ]
        for first in range(0, len(items), batch):
            some = slice(first, min(first + batch, len(items)))
            text = items[first] if batch == 1 else f"[{','.join(items[some])}]"
            yield Message(
                datetime.fromtimestamp(int(every[some.stop - 1]), UTC),
                topic,
                text.encode(),
                sum(map(len, parts[some])),
            )

    def _local(self, at_s: Ints) -> list[str]:
        """RFC 3339 text of instants; nearly all meters share them, so the last is kept."""
        key = at_s.tobytes()
        if self._last_local[0] != key:
            local = pd.to_datetime(at_s, unit="s", utc=True).tz_convert(self._park.zone)
            self._last_local = (key, [t.isoformat() for t in local])
        return self._last_local[1]

    def _values(self, point: Point, year: _Year, at_s: Ints) -> list[str]:
        """JSON members of a channel: what its display shows at the instants."""
        channel, path = point.channel, point.path
        position = (at_s - year.grid.start_s) / STEP_S
        if channel.kind == "gauge":
            shown = year.state[path][position.astype(np.int64)] / channel.factor
            return [f'"{point.key}":{v:.1f}' for v in shown.tolist()]
        digits = _digits(point)
        total = np.interp(position, np.arange(len(year.total[path])), year.total[path])
        ticks = np.floor(total / channel.factor * 10**digits + 1e-6)
        ticks += round(self._start(point) * 10**digits)
        if channel.modulus is not None:
            ticks %= round(channel.modulus * 10**digits)
        return [f'"{point.key}":{v:.{digits}f}' for v in (ticks / 10**digits).tolist()]

    def _start(self, point: Point) -> float:
        given = self._scenario.start_registers.get(point.path)
        return (
            generator(self._seed, "start", point.path).uniform(100, 20_000)
            if given is None
            else given
        )

    def _year(self, year: int) -> _Year:
        first = self._scenario.first_year
        if year < first:
            raise ConfigError(
                "simulation",
                [f"the scenario begins in {first}, got {year}; set first_year in the scenario"],
            )
        if year not in self._years:
            before = self._year(year - 1) if year > first else None
            self._years[year] = self._make_year(YearGrid(year, self._park.zone), before)
        return self._years[year]

    def _make_year(self, grid: YearGrid, before: _Year | None) -> _Year:
        series = park_year(self._park, self._scenario, self._seed, grid)
        total, state = {}, {}
        for meter in self._meters.values():
            for point in meter:
                values = series[point.path]
                if point.channel.kind == "gauge":
                    state[point.path] = values
                    continue
                carried = before.total[point.path][-1] if before else 0.0
                total[point.path] = carried + np.concatenate([[0.0], np.cumsum(values)])
        return _Year(grid, total, state)


def _digits(point: Point) -> int:
    """Decimals of a register: four behind transformers (DL/T 698.45), else two, flow meters three.

    Source: domain facts 7.1.
    """
    if point.channel.quantity in ("active_energy", "reactive_energy"):
        return 4 if point.channel.multiplier > 1 else 2
    return 3


def _seconds(instant: datetime) -> int:
    """Epoch second at or after an instant."""
    return -int(-instant.timestamp() // 1)
