"""What a collector is subscribed to, what it should be, and who else has it.

Filters move between collectors (re-sharding) without a gap: the new owner subscribes first, the
old one unsubscribes only what another collector has been granted. In between both store the same
messages, which the key of a reading makes one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence, Set
from datetime import datetime

from collectors.formats import sparkplug_host
from collectors.formats.base import Publication
from models.topics import covers, overlap


class Subscriptions:
    """Shared by the network thread (asks the broker) and the writer (knows what is wanted).

    Attributes:
        expected: the broker should know our session from an earlier life.
        kept: filters not wanted any more, kept because nobody else has `orphans`.
    """

    def __init__(self, wanted: Iterable[str] = (), host_id: str = "") -> None:
        self._lock = threading.Lock()
        self._wanted = frozenset(wanted)
        self._unwanted: frozenset[str] = frozenset()
        self._granted: set[str] = set()
        self._asked: dict[int, tuple[str, ...]] = {}
        self._gone: set[str] = set()
        self._host_id = host_id
        self._birth_ms = 0
        self._online = True
        self._has_will = False
        self.expected = False
        self.kept: Set[str] = frozenset()
        self.orphans: Sequence[str] = ()

    # The writer's side.

    def want(
        self,
        wanted: Iterable[str],
        atoms: Iterable[str],
        own: Set[str] = frozenset(),
        elsewhere: Set[str] = frozenset(),
    ) -> None:
        """What this collector should have, and what it holds that can go.

        Args:
            atoms: the filters of every enterprise and source of all parks.
            own: filters that this client id was granted, in this life or an earlier one.
            elsewhere: filters that the broker has granted to other collectors.
        """
        with self._lock:
            self._wanted = frozenset(wanted)
            held = (own | self._granted) - self._wanted - self._gone
            served = elsewhere | (self._wanted & self._granted)
            orphans = []
            if held:  # else nothing can go, and thousands of filters need no comparison
                orphans = [
                    a
                    for a in atoms
                    if a not in served and not any(covers(topic, a) for topic in served)
                ]
            self._unwanted = frozenset(
                topic for topic in held if not any(overlap(topic, a) for a in orphans)
            )
            self.kept = held - self._unwanted
            self.orphans = orphans if self.kept else []

    def known(self) -> tuple[set[str], set[str]]:
        """Filters that the broker has granted, and those it has confirmed to be gone."""
        with self._lock:
            return set(self._granted), set(self._gone)

    # The network thread's side.

    def connected(self) -> None:
        """A new connection: everything is subscribed again."""
        with self._lock:
            self.expected = True
            self._granted.clear()
            self._asked.clear()

    def to_do(self) -> tuple[Sequence[str], Sequence[str]]:
        """Filters to subscribe and to unsubscribe now."""
        with self._lock:
            busy = {topic for topics in self._asked.values() for topic in topics}
            return (
                sorted(self._wanted - self._granted - busy),
                sorted(self._unwanted - busy),
            )

    def asked(self, mid: int | None, topics: Sequence[str]) -> None:
        """The broker has been asked with packet `mid`."""
        with self._lock:
            self._asked[mid or 0] = tuple(topics)

    def granted(self, mid: int) -> Sequence[str]:
        """The broker has answered a subscription; returns its filters."""
        with self._lock:
            topics = self._asked.pop(mid, ())
            self._granted.update(topics)
            self._gone.difference_update(topics)
            return topics

    def dropped(self, mid: int) -> None:
        """The broker has confirmed that these are gone."""
        with self._lock:
            topics = self._asked.pop(mid, ())
            self._granted.difference_update(topics)
            self._unwanted -= frozenset(topics)
            self._gone.update(topics)

    # Sparkplug: the state of this host application.

    @property
    def _speaks_sparkplug(self) -> bool:
        return bool(self._host_id) and any(t.startswith("spBv1.0/") for t in self._wanted)

    def will(self, now: datetime) -> Publication | None:
        """What the broker says when we die; its time is that of the birth of this connection."""
        self._has_will = self._speaks_sparkplug
        if not self._has_will:
            return None
        self._birth_ms = int(now.timestamp() * 1000)
        return self._state(online=False)

    @property
    def needs_will(self) -> bool:
        """True when this connection was made before Sparkplug sources were applied."""
        return self._speaks_sparkplug and not self._has_will

    def birth(self) -> Publication | None:
        """What we say after a connect."""
        return self._state(online=self._online) if self._speaks_sparkplug else None

    def online(self, online: bool) -> Publication | None:
        """The database came or went; what to say about it."""
        self._online = online
        return self._state(online=online) if self._speaks_sparkplug else None

    def _state(self, *, online: bool) -> Publication:
        return Publication(
            sparkplug_host.state_topic(self._host_id),
            sparkplug_host.state_payload(online, self._birth_ms),
            qos=1,
            retain=True,
        )
