"""Batches of messages into the database: one transaction, then and only then the acknowledgement.

Database away: the batch is kept and tried again with growing, jittered pauses. One message that
the database refuses: the batch is halved until that message stands alone and goes to quarantine.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from collectors.door import Directory, Door, Judged, quarantined
from collectors.inbox import Arrival, Inbox, Incoming
from models.errors import Invalid, PayloadError, Unavailable
from models.findings import Finding
from models.periods import Clock
from storage.db import Conn, translate_db_errors
from storage.findings import save_findings
from storage.parks import channels
from storage.readings import Quarantined, save_collector_state, store_batch

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_RELOAD_AFTER_S = 10.0
_RELOAD_ON_UNKNOWN_S = 1.0
_STATE_EVERY_S = 1.0
_UNKNOWN = ("unknown_park", "unknown_meter", "unknown_channel")


@dataclass
class Writer:
    """Takes arrivals, judges them, commits them, hands back what may be acknowledged.

    The identity `received = stored + duplicate + conflict + correction + quarantined + pending`
    holds in readings; a message that cannot be decoded counts as one.
    """

    connect: Callable[[], Conn]
    door: Door
    clock: Clock
    client_id: str
    batch: int = 2000
    linger_s: float = 0.1
    counters: Counter[str] = field(default_factory=Counter)
    notes: list[Finding] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    _conn: Conn | None = field(default=None, repr=False)
    _loaded_at: float = -1e9
    _state_at: float = -1e9
    _started_at: datetime | None = None

    def run(self, inbox: Inbox, done: Callable[[Sequence[Arrival]], None]) -> None:
        """Work until `stopping` is set and the inbox is empty."""
        self._started_at = self.clock.now()
        try:
            while not self.stopping.is_set() or len(inbox):
                arrivals = inbox.take(self.batch, self.linger_s)
                if arrivals:
                    now = self.clock.now()
                    if not self.commit(
                        [
                            Incoming(a.topic.decode("utf-8", "replace"), a.payload, now)
                            for a in arrivals
                        ]
                    ):
                        return  # stopping while the database is away: the broker keeps them
                    done(arrivals)
                elif time.monotonic() - self._state_at > 5 * _STATE_EVERY_S:
                    self.commit([])
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def commit(self, messages: Sequence[Incoming]) -> bool:
        """Store messages; returns only when they are committed, or False when told to stop."""
        judged = self._patiently(lambda: self._judge(messages))
        if judged is None:
            return False
        size = sum(len(j.readings) + j.refused for j in judged)
        self.counters.update(messages=len(messages), received=size, pending=size)
        return self._store(messages, judged)

    def _store(self, messages: Sequence[Incoming], judged: Sequence[Judged]) -> bool:
        try:
            return self._patiently(lambda: self._transaction(judged)) is not None
        except Invalid as exc:
            return self._split(messages, judged, exc)

    def _patiently(self, work: Callable[[], _T]) -> _T | None:
        """Result of `work`, tried again while the database is away; None when told to stop."""
        pause_s = 0.1
        while True:
            try:
                return work()
            except Unavailable as exc:
                if not self._pause(exc, pause_s):
                    return None
                pause_s = min(pause_s * 2, 15.0)

    def _split(
        self, messages: Sequence[Incoming], judged: Sequence[Judged], cause: Invalid
    ) -> bool:
        """Halve a refused batch; a single refused message goes to quarantine."""
        if len(messages) > 1:
            middle = len(messages) // 2
            return self._store(messages[:middle], judged[:middle]) and self._store(
                messages[middle:], judged[middle:]
            )
        log.error("the database refuses a message, it goes to quarantine: %s", cause)
        topic, payload, received_at = messages[0]
        detail = [
            {
                "code": "storage",
                "field": "message",
                "got": str(cause)[:300],
                "expected": "rows that the database accepts",
            }
        ]
        refused = len(judged[0].readings) + judged[0].refused
        note = Quarantined(topic, payload, "storage", detail, received_at)
        return self._store(messages, [Judged(refused=refused, quarantined=note)])

    def _transaction(self, judged: Sequence[Judged]) -> Counter[str]:
        """Commit and count; returns the counters as they are then."""
        readings = [r for j in judged for r in j.readings]
        refusals = [j.quarantined for j in judged if j.quarantined]
        refused = sum(j.refused for j in judged)
        conn = self._connection()
        notes = self.notes[:]
        with translate_db_errors("commit a batch"), conn.transaction():
            result = store_batch(conn, readings, refusals)
            save_findings(conn, notes, self.clock.now())
            counters = self.counters + Counter(
                stored=result.stored,
                duplicate=result.duplicate,
                conflict=result.conflict,
                correction=result.correction,
                quarantined=refused,
            )
            counters["pending"] -= len(readings) + refused
            self._leave_state(conn, counters)
        self.counters = counters
        del self.notes[: len(notes)]
        return counters

    def _leave_state(self, conn: Conn, counters: Counter[str]) -> None:
        if time.monotonic() - self._state_at > _STATE_EVERY_S or self.stopping.is_set():
            now = self.clock.now()
            save_collector_state(conn, self.client_id, self._started_at or now, now, counters)
            self._state_at = time.monotonic()

    def _judge(self, messages: Sequence[Incoming]) -> list[Judged]:
        self._reload(_RELOAD_AFTER_S)
        judged = [self._judge_one(message) for message in messages]
        strangers = any(j.quarantined and j.quarantined.reason in _UNKNOWN for j in judged)
        if strangers and self._reload(_RELOAD_ON_UNKNOWN_S):
            judged = [self._judge_one(message) for message in messages]
        return judged

    def _judge_one(self, message: Incoming) -> Judged:
        """Our own defects cost one message its place, never the collector its life."""
        try:
            return self.door.judge(*message)
        except Exception as exc:
            log.exception("a message could not be judged, it goes to quarantine")
            problem = PayloadError("internal", "message", exc, "a message that the door can judge")
            note = quarantined(message.topic, message.payload, [problem], message.received_at)
            return Judged(refused=1, quarantined=note)

    def _reload(self, age_s: float) -> bool:
        """Read the directory again if it is older than `age_s`."""
        if time.monotonic() - self._loaded_at < age_s:
            return False
        self.door.directory = Directory(channels(self._connection()))
        self._loaded_at = time.monotonic()
        return True

    def _connection(self) -> Conn:
        if self._conn is None or self._conn.broken or self._conn.closed:
            self._conn = self.connect()
        return self._conn

    def _pause(self, cause: Unavailable, pause_s: float) -> bool:
        log.warning("database away, %d readings wait: %s", self.counters["pending"], cause)
        self.counters["retries"] += 1
        self.close()
        return not self.stopping.wait(pause_s * random.uniform(0.7, 1.3))  # noqa: S311
