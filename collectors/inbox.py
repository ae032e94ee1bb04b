"""The bounded queue between the network thread and the writer."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import datetime
from typing import NamedTuple


class Arrival(NamedTuple):
    """A message as it came from the broker.

    Attributes:
        generation: number of the connection that delivered it; an acknowledgement is only good
            on that connection.
        mid: packet id, 0 for QoS 0 (nothing to acknowledge).
    """

    generation: int
    mid: int
    topic: bytes
    payload: bytes


class Incoming(NamedTuple):
    """A message on its way into the database, with the receiver's clock."""

    topic: str
    payload: bytes
    received_at: datetime


class Inbox:
    """Arrivals in order; `full` tells the network thread to stop reading the socket."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[Arrival] = deque()
        self._filled = threading.Condition()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """True when the writer is behind by the whole limit."""
        return len(self._items) >= self._limit

    def put(self, arrival: Arrival) -> None:
        """Append; never blocks (the caller respects `full` before it reads more)."""
        self._items.append(arrival)
        if len(self._items) == 1 or len(self._items) % 256 == 0:
            with self._filled:
                self._filled.notify()

    def take(self, most: int, linger_s: float, wait_s: float = 0.2) -> list[Arrival]:
        """Up to `most` arrivals; waits `wait_s` for the first and `linger_s` for a fuller batch."""
        with self._filled:
            if not self._items:
                self._filled.wait(wait_s)
        if not self._items:
            return []
        deadline = time.monotonic() + linger_s
        with self._filled:
            while len(self._items) < most and (left := deadline - time.monotonic()) > 0:
                self._filled.wait(left)
        return [self._items.popleft() for _ in range(min(most, len(self._items)))]
