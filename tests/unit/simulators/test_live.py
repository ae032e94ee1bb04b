"""Live publishing: nothing before its time, everything in order, stops when told."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from simulators.live import run_live
from simulators.message import Message
from tests.unit.simulators.sample import park, simulator

START = datetime(2026, 3, 1, tzinfo=park().zone)
QUARTER = timedelta(minutes=15)


@dataclass
class Ticking:
    """A clock that goes on by a step with every look."""

    at: datetime
    step: timedelta = timedelta(minutes=2)
    speed: float = 1e9

    def now(self) -> datetime:
        self.at += self.step
        return self.at


@dataclass
class Sink:
    """Takes messages, and tells to stop after some."""

    clock: Ticking
    stop_after: int
    stop: threading.Event = field(default_factory=threading.Event)
    got: list[Message] = field(default_factory=list)
    early: int = 0
    blocked: bool = False

    def publish(self, message: Message, timeout_s: float | None = None) -> bool:
        if self.blocked:
            self.stop.set()
            return False
        self.early += message.due_at > self.clock.at
        self.got.append(message)
        if len(self.got) >= self.stop_after:
            self.stop.set()
        return True


def run(clock: Ticking, sink: Sink, start: datetime = START) -> datetime:
    return run_live(simulator(), sink, clock, start, sink.stop)


def test_each_message_at_its_time() -> None:
    expected = list(simulator().messages(START, START + 4 * QUARTER))
    clock = Ticking(START - QUARTER)
    sink = Sink(clock, len(expected))
    again_at = run(clock, sink)
    assert sink.got == expected
    assert sink.early == 0
    assert again_at == START + 4 * QUARTER


def test_what_is_overdue_comes_at_once() -> None:
    expected = list(simulator().messages(START, START + timedelta(days=1, hours=1)))
    clock = Ticking(START + timedelta(days=2))  # the days follow each other without a seam
    sink = Sink(clock, len(expected))
    run(clock, sink)
    assert sink.got == expected


def test_stops_while_the_broker_is_away() -> None:
    clock = Ticking(START)
    sink = Sink(clock, 1, blocked=True)
    assert run(clock, sink) == START
    assert sink.got == []


def test_stops_while_it_waits() -> None:
    clock = Ticking(START - timedelta(days=1), timedelta(0), speed=1.0)
    sink = Sink(clock, 1)
    threading.Timer(0.05, sink.stop.set).start()
    assert run(clock, sink) == START
    assert sink.got == []
