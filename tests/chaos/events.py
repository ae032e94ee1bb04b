"""The faults: a seeded list, and what each one does to the stage."""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.chaos.stage import Stage
from tests.chaos.watch import newest_ms

KILL_PAUSE_S = (0.2, 2.0)
STALL_S = (1.0, 10.0)
FULL_S = (2.0, 6.0)
VOLLEY = 0.25  # share of events that the next one follows at once: faults meet
VOLLEY_GAP_S = (0.0, 0.5)
PAIR_HOLD_S = (2.5, 4.5)
PAIR_GAP_S = (0.8, 1.6)
FLOW_LIMIT_S = 10.0

Card = tuple[tuple[str, str], ...]  # kind and target of one event or of a pair


@dataclass(frozen=True)
class Event:
    """One fault.

    Attributes:
        hold_s: how long the process stays away, the bytes stop, the disk is full [s].
        gap_s: pause before the next fault [s]; faults overlap where it is shorter than `hold_s`.
        flowing: comes only once readings are being stored again, so that it meets work.
    """

    number: int
    kind: str
    target: str
    hold_s: float
    gap_s: float
    flowing: bool = False

    def __str__(self) -> str:
        return f"{self.number:3d} {self.kind} {self.target} {self.hold_s:.1f} s"


def deck(collectors: int) -> list[Card]:
    """Every kind of fault at least once, and the pairs that find acknowledgements sent too early.

    A pair is two events, the second while the first lasts: a collector dies while what it holds
    cannot be committed, or cannot be acknowledged.
    """
    names = [f"collector{n}" for n in range(collectors)]
    links = ["publisher>broker", *(f"{n}>{end}" for n in names for end in ("broker", "database"))]
    cards: list[Card] = []
    for name in names:
        for first in (("kill", "database"), ("kill", "broker"), ("stall", f"{name}>database")):
            cards.append((first, ("kill", name)))
        cards.append((("restart", name),))
        cards.append((("stall", f"{name}>broker"),))
    for server in ("database", "broker"):
        cards += [(("kill", server),)] * 2 + [(("restart", server),)]
    cards += [(("cut", link),) for link in links] + [(("stall", "publisher>broker"),)]
    return cards + [(("disk_full", "database"),)] * 2


def plan(seed: int, count: int, collectors: int, gaps_s: tuple[float, float]) -> list[Event]:
    """The same list for the same arguments; every deck is used up before the next one."""
    rng = random.Random(seed)
    holds = {"stall": STALL_S, "disk_full": FULL_S, "cut": (0.0, 0.0)}
    events: list[Event] = []
    cards: list[Card] = []
    while len(events) < count:
        if not cards:
            cards = deck(collectors)
            rng.shuffle(cards)
        card = cards.pop()
        for kind, target in card:
            opens_pair = len(card) > 1 and (kind, target) == card[0]
            hold_s = rng.uniform(*(PAIR_HOLD_S if opens_pair else holds.get(kind, KILL_PAUSE_S)))
            at_once = rng.random() < VOLLEY and kind != "disk_full"
            gap_s = rng.uniform(
                *(PAIR_GAP_S if opens_pair else VOLLEY_GAP_S if at_once else gaps_s)
            )
            flowing = opens_pair or kind == "disk_full"
            events.append(Event(len(events) + 1, kind, target, hold_s, gap_s, flowing))
    return events[:count]


class Chaos:
    """Applies events one after the other and heals each when its time has come."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._heals: list[tuple[float, int, str, Callable[[], None]]] = []

    def run(self, events: Sequence[Event]) -> None:
        """All events; every fault is cleared at the end."""
        try:
            for event in events:
                if event.flowing:
                    self._wait_for_flow()
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

    def _wait_for_flow(self) -> None:
        """Until readings are stored, or for `FLOW_LIMIT_S`."""
        deadline = time.monotonic() + FLOW_LIMIT_S
        seen = newest_ms(self.stage.database.dsn)
        while time.monotonic() < deadline:
            self._wait(0.25)
            now = newest_ms(self.stage.database.dsn)
            if -1 < seen < now:
                return
            seen = now if seen < 0 else seen
        self.stage.log(f"    nothing stored for {FLOW_LIMIT_S:.0f} s")

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
