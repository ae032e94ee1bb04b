"""The bounded queue between the network thread and the writer."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

from collectors.formats.base import Incoming

_MOST_BYTES = 32 * 1024 * 1024
_BATCH_BYTES = 2 * 1024 * 1024  # of payload: decoded it is some fifteen times as much


class Inbox:
    """Messages in order; `full` tells the network thread to stop reading the socket.

    One thread puts, one takes. Bounded by number and by bytes: a few large payloads weigh more
    than thousands of small ones.
    """

    def __init__(self, limit: int, most_bytes: int = _MOST_BYTES) -> None:
        self._limit = limit
        self._most_bytes = most_bytes
        self._items: deque[Incoming] = deque()
        self._put_bytes = 0  # written by the one who puts
        self._taken_bytes = 0  # written by the one who takes
        self._filled = threading.Condition()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """True when the writer is behind by the whole limit."""
        waiting = self._put_bytes - self._taken_bytes
        return len(self._items) >= self._limit or waiting >= self._most_bytes

    def put(self, messages: Sequence[Incoming]) -> None:
        """Append; never blocks (the caller respects `full` before it reads more)."""
        self._put_bytes += sum(len(m.payload) for m in messages)
        self._items.extend(messages)
        with self._filled:
            self._filled.notify()

    def take(self, most: int, linger_s: float, wait_s: float = 0.2) -> list[Incoming]:
        """Up to `most` messages; waits `wait_s` for the first and `linger_s` for a fuller batch.

        Bounded by bytes too, but one message there is.
        """
        deadline = time.monotonic() + wait_s
        with self._filled:
            while not self._items and (left := deadline - time.monotonic()) > 0:
                self._filled.wait(left)
            if not self._items:
                return []
            deadline = time.monotonic() + linger_s
            while (
                len(self._items) < most
                and not self.full
                and (left := deadline - time.monotonic()) > 0
            ):
                self._filled.wait(left)
        taken: list[Incoming] = []
        size = 0
        while self._items and len(taken) < most and size < _BATCH_BYTES:
            taken.append(self._items.popleft())
            size += len(taken[-1].payload)
        self._taken_bytes += size
        return taken
