"""Pauses: between connections, before and between slices of a backlog, between equal complaints."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from gateway.config import Resend

_REFUSED_S = 30.0
_QUIET_S = 600.0


@dataclass
class Backoff:
    """Random pauses before each connection, the longest possible one doubles up to `max_s`.

    The first is random too: after a power cut all gateways of a park start at once.
    """

    spread_s: float
    max_s: float
    rng: random.Random
    _longest_s: float = -1.0
    _floor_s: float = 0.0

    def pause_s(self) -> float:
        """The next pause [s]."""
        longest_s = self.spread_s if self._longest_s < 0 else self._longest_s
        self._longest_s = min(self.max_s, max(longest_s * 2, 1.0))
        pause_s = self._floor_s + self.rng.uniform(0, longest_s)
        self._floor_s = 0.0
        return pause_s

    def succeeded(self) -> None:
        """The broker takes readings: the next trouble begins with a short pause."""
        self._longest_s = -1.0

    def refused(self) -> None:
        """A refusal does not pass by itself: wait longer, at least half a minute."""
        self._floor_s = min(_REFUSED_S, self.max_s)


@dataclass
class Slices:
    """When the next slice of the backlog may go, and how large it may be."""

    resend: Resend
    rng: random.Random
    items: int = 0
    _next_s: float = 0.0

    def __post_init__(self) -> None:
        self.items = self.resend.slice_items

    def connected(self, now_s: float) -> None:
        """A new connection: wait a random time, so that a park's gateways do not all begin now."""
        self._next_s = now_s + self.rng.uniform(0, self.resend.start_delay_max_s)

    def due(self, now_s: float) -> bool:
        """May a slice go now?"""
        return now_s >= self._next_s

    def wait_s(self, now_s: float) -> float:
        """Time until one may go; what is due already is no reason to hurry."""
        left_s = self._next_s - now_s
        return left_s if left_s > 0 else 0.5

    def sent(self, now_s: float) -> None:
        """A slice went."""
        self._next_s = now_s + 1 / self.resend.slices_per_s

    def failed(self) -> None:
        """The connection broke with a message under way: too large for it, perhaps."""
        self.items = max(1, self.items // 2)

    def succeeded(self) -> None:
        """A message arrived: back to the full size, step by step."""
        self.items = min(self.resend.slice_items, self.items * 2)


@dataclass
class Hush:
    """Say a complaint at once, its repetition once in ten minutes."""

    _said: dict[str, tuple[str, float]] = field(default_factory=dict)

    def may_speak(self, topic: str, text: str) -> bool:
        """True when this was not said lately."""
        now_s = time.monotonic()
        last, at_s = self._said.get(topic, ("", 0.0))
        if text == last and now_s - at_s < _QUIET_S:
            return False
        self._said[topic] = (text, now_s)
        return True
