"""A simulated park as its meters speak: truth, displays, meter faults, payloads, delivery."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from hashlib import blake2b
from itertools import chain

import numpy as np

from models.errors import ConfigError
from models.park import Park
from simulators.deliver import deliver, reach_back
from simulators.distort import Distortion
from simulators.encoders import Column, Encoders
from simulators.events import Event, event_faults, transport
from simulators.flows import Flows
from simulators.message import Message, check_batch
from simulators.meters import MeterBank
from simulators.plant import Point, points, scenario_faults
from simulators.scenario import Scenario
from simulators.timegrid import Floats, Ints
from simulators.truth import Truth, truth_of
from simulators.years import Years

_SPAN_STEPS = 1000  # readings of a channel that are made at once when they are sent one by one


class ParkSimulator:
    """Physics, meters, faults and messages of one park.

    The same park, scenario and seed give the same readings for the same instant, whatever range
    is asked for: a live run continues the registers of a backfill.

    Raises:
        ConfigError: park and scenario do not fit together; with every fault.
    """

    def __init__(self, park: Park, scenario: Scenario, seed: int) -> None:
        faults = [
            *scenario_faults(park, scenario),
            *scenario.meters.faults(park),
            *event_faults(scenario.events, park),
        ]
        if faults:
            raise ConfigError("simulation", list(dict.fromkeys(faults)))
        self.park, self.scenario, self.seed = park, scenario, seed
        self.years = Years(park, scenario, seed)
        self._bank = MeterBank(
            park, scenario.meters, seed, scenario.start_registers, scenario.first_year
        )
        self._margin_s = math.ceil(self._bank.most_late_s)
        self._encoders = Encoders(park, scenario.formats)
        self._distortion = Distortion(scenario.events, seed)
        self._transport = transport(scenario.events)
        self._meters: dict[str, list[Point]] = {}
        self._owner: dict[str, str] = {}
        for point in points(park):
            self._meters.setdefault(point.meter.key, []).append(point)
            self._owner[point.meter.key] = point.enterprise.key

    def count(self, start: datetime, stop: datetime) -> int:
        """Number of readings that are planned in `[start, stop)`."""
        low, high = _seconds(start), _seconds(stop)
        return sum(self._planned(p, low, high) for ps in self._meters.values() for p in ps)

    def messages(self, start: datetime, stop: datetime, *, batch: int = 1) -> Iterator[Message]:
        """Messages that arrive in `[start, stop)`, by due time.

        Args:
            batch: time stamps of one meter per message; 1 as a meter sends live, up to 1,000 for
                a backfill. While the way is disturbed (drop-outs, late bursts) it is 1.
        """
        check_batch(batch)
        low, high = _seconds(start), _seconds(stop)
        wire = self._encoders.sessions()
        if not self._transport:
            yield from wire.send(self._made(low, high, batch))
            return
        since = max(
            _seconds(start - reach_back(self._transport, start)), min(low, self.years.start_s)
        )
        # no list of readings reaches over `start`: what is before it was sent by the range before
        made = chain(self._made(since, low, batch), self._made(low, high, batch))
        for message in deliver(wire.send(made), self._transport, self.seed):
            if start <= message.due_at < stop:
                yield message

    def truth(self, start: datetime, stop: datetime) -> Truth:
        """What truly happens in `[start, stop)`; its edges fall on quarter-hours."""

        def flows(year: int, events: Sequence[Event]) -> dict[str, Flows]:
            changed = self.scenario.model_copy(update={"events": tuple(events)})
            return self.years.flows(year, changed)

        digest = blake2b(self.scenario.model_dump_json().encode(), digest_size=16).hexdigest()
        return truth_of(
            self.park, self.scenario.events, flows, start, stop, seed=self.seed, digest=digest
        )

    def event_days(self) -> tuple[date, date] | None:
        """First and last local day of the events; None without events."""
        instants = [at for e in self.scenario.events for at in (e.start, e.stop) if at is not None]
        if not instants:
            return None
        local = [at.astimezone(self.park.zone).date() for at in instants]
        return min(local), max(local)

    def _planned(self, point: Point, low: int, high: int) -> int:
        if point.channel.kind == "batch":
            return len(self.years.batches(point.path, low, high)[0])
        return len(self._bank.stamps(point, low, high))

    def _made(self, low: int, high: int, batch: int) -> Iterator[Message]:
        shortest = min(p.channel.period_s for ps in self._meters.values() for p in ps)
        edges = self._edges(low, high)
        while low < high:
            disturbed, until = self._disturbed(low, edges)
            most = 1 if disturbed else batch
            edge = min(low + shortest * (most if most > 1 else _SPAN_STEPS), until, high)
            edge = min(edge, self.years.stop_s(low))
            out = [
                message
                for meter, ps in self._meters.items()
                for message in self._of_meter(meter, ps, (low, edge), most)
            ]
            yield from sorted(out, key=lambda m: m.due_at)
            low = edge

    def _edges(self, low: int, high: int) -> list[tuple[int, int]]:
        spans = ((_seconds(e.start), _seconds(e.stop)) for e in self._transport)
        return sorted((a, b) for a, b in spans if b > low and a < high)

    def _disturbed(self, low: int, edges: list[tuple[int, int]]) -> tuple[bool, int]:
        """Whether something disturbs the way at `low`, and until when it stays so."""
        inside = [b for a, b in edges if a <= low < b]
        if inside:
            return True, min(inside)
        return False, min((a for a, _ in edges if a > low), default=1 << 62)

    def _of_meter(
        self, meter: str, ps: list[Point], span: tuple[int, int], batch: int
    ) -> Iterator[Message]:
        wide = (span[0] - self._margin_s, span[1] + self._margin_s)
        instant = [p for p in ps if p.channel.kind in ("register", "gauge", "rate")]
        blocks = [self._instants(meter, instant, wide)] if instant else []
        blocks += [self._periods(p, span) for p in ps if p.channel.kind == "interval"]
        blocks += [self._batches(p, span) for p in ps if p.channel.kind == "batch"]
        for shown_ms, due_s, columns in blocks:
            inside = (due_s >= span[0]) & (due_s < span[1])
            if not inside.any():
                continue
            if not inside.all():
                shown_ms, due_s = shown_ms[inside], due_s[inside]
                columns = [replace(c, values=c.values[inside]) for c in columns]
            source = self._owner[meter], meter
            sent = self._encoders.encode(meter, shown_ms, due_s, columns, batch)
            yield from (replace(m, source=source) for m in sent)

    def _instants(
        self, meter: str, ps: list[Point], span: tuple[int, int]
    ) -> tuple[Ints, Floats, list[Column]]:
        """Registers, gauges and rates: what the meter shows when it is read."""
        stamps = [self._bank.stamps(p, *span) for p in ps]
        every = np.unique(np.concatenate(stamps))
        sampled_s = self._bank.sampled_s(meter, every)
        shown_ms = self._bank.shown_ms(meter, every)
        shown_ms = shown_ms + np.round(self._distortion.clock_offset_s(meter, every) * 1000).astype(
            np.int64
        )
        columns = []
        for point, at_s in zip(ps, stamps, strict=True):
            values = np.full(len(every), np.nan)
            if len(at_s):
                where = slice(None) if len(at_s) == len(every) else np.searchsorted(every, at_s)
                values[where] = self._shown(point, at_s, sampled_s[where])
            columns.append(Column(point.key, values, self._bank.digits(point)))
        return shown_ms, sampled_s, columns

    def _shown(self, point: Point, stamps: Ints, sampled_s: Floats) -> Floats:
        """Raw values of a channel, with the faults of its meter."""

        def display(nominal_s: Ints, at_s: Floats) -> Floats:
            if point.channel.kind != "register":
                return self._bank.state(point, self.years.state(point.path, at_s), at_s)
            total = self.years.total(point.path, at_s)
            return self._bank.display(
                point, total, at_s, lambda s: float(self.years.total(point.path, np.array([s]))[0])
            )

        def at(second: float) -> float:
            return float(display(np.array([int(second)]), np.array([float(second)]))[0])

        shown = display(stamps, sampled_s)
        return self._distortion.apply(point.meter.key, point.key, point.channel, stamps, shown, at)

    def _periods(self, point: Point, span: tuple[int, int]) -> tuple[Ints, Floats, list[Column]]:
        """Amounts per period: sent at its end, stamped with its beginning."""
        period = point.channel.period_s
        stamps = self._bank.stamps(point, span[0] - period, span[1] - period)
        edges = np.append(stamps, stamps[-1:] + period).astype(np.float64)
        amounts = np.diff(self.years.total(point.path, edges))
        shown = self._bank.state(point, amounts, edges[1:])
        return stamps * 1000, edges[1:], [Column(point.key, shown, self._bank.digits(point))]

    def _batches(self, point: Point, span: tuple[int, int]) -> tuple[Ints, Floats, list[Column]]:
        """Amounts of events: sent when they happen."""
        at_s, amounts = self.years.batches(point.path, *span)
        due_s = at_s.astype(np.float64)
        shown = self._bank.state(point, amounts, due_s)
        return at_s * 1000, due_s, [Column(point.key, shown, self._bank.digits(point))]


def _seconds(instant: datetime) -> int:
    """Epoch second at or after an instant."""
    return -int(-instant.timestamp() // 1)
