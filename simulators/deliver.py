"""What the way between meter and broker does to messages: lost, late, twice, in another order."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from simulators.event_kinds import Disconnect, DropOut, Duplicates, Late, Reorder
from simulators.events import Transport
from simulators.message import Message

_LONGEST_ECHO_S = 5.0  # a repetition comes this late at most


@dataclass
class Deliveries:
    """What happened to the messages so far; `dropped_by` is keyed by (subject, begin) of drop-outs.

    Messages that were read for their late arrival only are counted too: `deliver` sees no range.
    """

    sent: int = 0
    dropped: int = 0
    doubled: int = 0
    delayed: int = 0
    dropped_by: dict[tuple[str, datetime], int] = field(default_factory=dict)


def reach_back(events: Iterable[Transport], at: datetime) -> timedelta:
    """How far before `at` messages must be read so that none is missing that arrives after it."""
    events = list(events)
    low = at
    for gap in sorted((e for e in events if isinstance(e, Disconnect)), key=_start, reverse=True):
        if gap.start < low <= gap.stop:
            low = gap.start
    margin = sum((_margin(e) for e in events if e.start < low), timedelta())
    low -= margin
    late = [e.start for e in events if isinstance(e, Late) and e.start < low <= e.burst_at]
    return at - min([low, *late])


def deliver(
    messages: Iterable[Message],
    events: Iterable[Transport],
    seed: int,
    counts: Deliveries | None = None,
) -> Iterator[Message]:
    """Messages as they arrive, by their new due time.

    Each message meets its drop-outs and late bursts when it is made; then it may be overtaken or
    doubled; last it waits while the broker is away. What happens to it depends on the seed, its
    topic, source and due time only.

    Args:
        messages: by due time, from `reach_back` before what is wanted.
        counts: is added to.
    """
    way = _Way(list(events), seed, counts if counts is not None else Deliveries())
    waiting: list[tuple[datetime, int, Message]] = []
    number = itertools.count()
    for message in messages:
        while waiting and waiting[0][0] <= message.due_at:
            yield heapq.heappop(waiting)[2]
        for due_at in way.arrivals(message):
            moved = message if due_at == message.due_at else replace(message, due_at=due_at)
            heapq.heappush(waiting, (due_at, next(number), moved))
    while waiting:
        yield heapq.heappop(waiting)[2]


class _Way:
    def __init__(self, events: Sequence[Transport], seed: int, counts: Deliveries) -> None:
        self._seed, self._counts = seed, counts
        self._drops = [e for e in events if isinstance(e, DropOut)]
        self._late = [e for e in events if isinstance(e, Late)]
        self._reorders = [e for e in events if isinstance(e, Reorder)]
        self._doubles = [e for e in events if isinstance(e, Duplicates)]
        self._gaps = sorted((e for e in events if isinstance(e, Disconnect)), key=_start)

    def arrivals(self, message: Message) -> list[datetime]:
        """When a message arrives: never, once, or more often."""
        due_at, counts = message.due_at, self._counts
        counts.sent += 1
        for drop in self._drops:
            if _strikes(drop, message):
                counts.dropped += 1
                name = (drop.subject, drop.start.astimezone(UTC))
                counts.dropped_by[name] = counts.dropped_by.get(name, 0) + 1
                return []
        bursts = [e.burst_at for e in self._late if _strikes(e, message)]
        arrives = max([due_at, *bursts])
        for overtaken in self._reorders:
            if _strikes(overtaken, message):
                chance, part = self._drawn(overtaken, message)
                if chance < overtaken.ratio:
                    arrives += timedelta(seconds=part * overtaken.by_s)
        times = [arrives]
        for double in self._doubles:
            if _strikes(double, message):
                chance, part = self._drawn(double, message)
                if chance < double.ratio:
                    after_s = 1 + part * (_LONGEST_ECHO_S - 1)
                    times.append(arrives + timedelta(seconds=after_s))
        for gap in self._gaps:
            times = [gap.stop if gap.start <= t < gap.stop else t for t in times]
        times = [t.astimezone(due_at.tzinfo) for t in times]
        counts.delayed += times[0] > due_at
        counts.doubled += len(times) - 1
        return times

    def _drawn(self, event: Transport, message: Message) -> tuple[float, float]:
        """Two numbers in [0, 1) that belong to this event and message."""
        of = (self._seed, event.kind, event.subject, event.start.timestamp(), *message.source)
        text = "|".join(map(str, (*of, message.topic, message.due_at.timestamp())))
        bits = blake2b(text.encode(), digest_size=16).digest()
        one, other = (int.from_bytes(b, "big") >> 11 for b in (bits[:8], bits[8:]))
        return one / (1 << 53), other / (1 << 53)


def _start(event: Transport) -> datetime:
    return event.start


def _strikes(event: Transport, message: Message) -> bool:
    return event.start <= message.due_at < event.stop and event.touches(*message.source)


def _margin(event: Transport) -> timedelta:
    """Most by which a message comes later, as far as no burst and no broker matters."""
    if isinstance(event, Reorder):
        return timedelta(seconds=event.by_s)
    return timedelta(seconds=_LONGEST_ECHO_S if isinstance(event, Duplicates) else 0)
