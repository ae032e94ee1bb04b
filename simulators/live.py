"""Meters that publish while the park's clock runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Protocol

from simulators.message import Message

log = logging.getLogger(__name__)

_AHEAD = timedelta(days=1)  # made at once; the range is without end
_LONGEST_WAIT_S = 0.5  # so that a request to stop is noticed


class Clock(Protocol):
    """The park's clock: real, or faster by `speed`."""

    @property
    def speed(self) -> float:
        """Park seconds per real second."""
        ...

    def now(self) -> datetime:
        """Park time, aware UTC."""
        ...


class Source(Protocol):
    """What has messages: a park or a fleet."""

    def messages(self, start: datetime, stop: datetime, *, batch: int = 1) -> Iterator[Message]:
        """Messages of `[start, stop)` by due time."""
        ...


class Sink(Protocol):
    """Where messages go; `simulators.publisher.Publisher` is one."""

    def publish(self, message: Message, timeout_s: float | None = None) -> bool:
        """Take a message over; False when that was not possible in time (broker away)."""
        ...


def run_live(
    simulator: Source,
    publisher: Sink,
    clock: Clock,
    start: datetime,
    stop_event: threading.Event,
    stop: datetime | None = None,
) -> datetime:
    """Publish each message when the clock reaches its due time, until `stop` or told to stop.

    What is due already when this begins (a pause, a slow broker) is published at once, in order.

    Returns:
        Where to begin next time: everything before it was handed to the publisher, but messages
        of that very instant may have been too (an identical repetition does no harm).
    """
    low = start
    while not stop_event.is_set() and (stop is None or low < stop):
        high = low + _AHEAD if stop is None else min(low + _AHEAD, stop)
        for message in simulator.messages(low, high):
            if not _wait_until(message.due_at, clock, stop_event):
                log.info("stopped before %s", message.due_at.isoformat())
                return message.due_at
            while not publisher.publish(message, _LONGEST_WAIT_S):
                if stop_event.is_set():
                    return message.due_at
        low = high
    return low


def _wait_until(due_at: datetime, clock: Clock, stop_event: threading.Event) -> bool:
    """False when it was told to stop before."""
    while not stop_event.is_set():
        left_s = (due_at - clock.now()).total_seconds() / clock.speed
        if left_s <= 0:
            return True
        stop_event.wait(min(left_s, _LONGEST_WAIT_S))
    return False
