"""The faults: a seeded list, and what each one does to the stage."""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.chaos.stage import Stage

KILL_PAUSE_S = (0.2, 2.0)
STALL_S = (1.0, 10.0)
FULL_S = (2.0, 6.0)


@dataclass(frozen=True)
class Event:
    """One fault.

    Attributes:
        hold_s: how long the process stays away, the bytes stop, the disk is full [s].
        gap_s: pause before the next fault [s]; faults overlap where it is shorter than `hold_s`.
    """

    number: int
    kind: str
    target: str
    hold_s: float
    gap_s: float

    def __str__(self) -> str:
        return f"{self.number:3d} {self.kind} {self.target} {self.hold_s:.1f} s"


def deck(collectors: int) -> list[tuple[str, str]]:
    """Every kind of fault at least once; kills more often."""
    names = [f"collector{n}" for n in range(collectors)]
    cards = [("kill", name) for name in names] * 3 + [("restart", name) for name in names]
    for server in ("database", "broker"):
        cards += [("kill", server)] * 3 + [("restart", server)]
    links = ["publisher>broker", *(f"{n}>{end}" for n in names for end in ("broker", "database"))]
    cards += [(kind, link) for kind in ("cut", "stall") for link in links]
    return cards + [("disk_full", "database")] * 2


def plan(seed: int, count: int, collectors: int, gaps_s: tuple[float, float]) -> list[Event]:
    """The same list for the same arguments; every deck is used up before the next one."""
    rng = random.Random(seed)
    holds = {"stall": STALL_S, "disk_full": FULL_S, "cut": (0.0, 0.0)}
    events: list[Event] = []
    cards: list[tuple[str, str]] = []
    while len(events) < count:
        if not cards:
            cards = deck(collectors)
            rng.shuffle(cards)
        kind, target = cards.pop()
        hold_s = rng.uniform(*holds.get(kind, KILL_PAUSE_S))
        events.append(Event(len(events) + 1, kind, target, hold_s, rng.uniform(*gaps_s)))
    return events


class Chaos:
    """Applies events one after the other and heals each when its time has come."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._heals: list[tuple[float, int, str, Callable[[], None]]] = []

    def run(self, events: Sequence[Event]) -> None:
        """All events; every fault is cleared at the end."""
        try:
            for event in events:
                self.stage.log(str(event))
                self._apply(event)
                self._wait(event.gap_s)
        finally:
            while self._heals:
                self._heal()

    def _wait(self, duration_s: float) -> None:
        until_s = time.monotonic() + duration_s
        while (now := time.monotonic()) < until_s:
            if self._heals and self._heals[0][0] <= now:
                self._heal()
            time.sleep(0.02)

    def _heal(self) -> None:
        _, number, what, undo = heapq.heappop(self._heals)
        undo()
        self.stage.log(f"    {number} over: {what}")

    def _apply(self, event: Event) -> None:
        stage = self.stage
        if event.kind == "kill":
            stage.units[event.target].kill(event.hold_s)
        elif event.kind == "restart":
            stage.units[event.target].stop(event.hold_s)
        elif event.kind == "cut":
            stage.wires[event.target].cut()
        elif event.kind == "stall":
            stage.wires[event.target].stall()
            self._later(event, stage.wires[event.target].resume)
        elif event.kind == "disk_full":
            stage.disk_fault.fill()
            self._later(event, stage.disk_fault.free)
        else:
            raise ValueError(event.kind)

    def _later(self, event: Event, undo: Callable[[], None]) -> None:
        at = time.monotonic() + event.hold_s
        what = f"{event.kind} {event.target}"
        heapq.heappush(self._heals, (at, event.number, what, undo))
