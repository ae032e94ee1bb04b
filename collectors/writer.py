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
from typing import TypeVar

from collectors.directory import Directory, OwnedSource
from collectors.door import Batch, Door
from collectors.formats.base import Incoming
from collectors.health import Health
from collectors.inbox import Inbox
from models.errors import Invalid, ParkError, Unavailable
from models.findings import Finding
from models.periods import Clock
from storage.db import Conn, translate_db_errors
from storage.findings import save_findings
from storage.parks import applied_parks, channels, parks_version
from storage.readings import Quarantined, store_batch
from storage.sparkplug import load_nodes, save_nodes

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_RELOAD_AFTER_S = 10.0
_RELOAD_ON_UNKNOWN_S = 1.0
_STATE_EVERY_S = 1.0
_REPEATS_LAST = 8  # batches: repetitions come in rows, after a reconnect or a second import


class Stopping(ParkError):
    """Told to stop while the database was away: the broker keeps what is not acknowledged."""


@dataclass
class Writer:
    """Takes messages, judges them, commits them, hands back what may be acknowledged.

    The identity `received = stored + duplicate + conflict + correction + quarantined + pending`
    holds in readings at every moment; a message that cannot be decoded counts as one.

    Attributes:
        in_transaction: called in the transaction of every batch, after the rows.
        housekeeping: the same, about once a second.
        away: called with True when the database went away and with False when it is back.
    """

    connect: Callable[[], Conn]
    door: Door
    clock: Clock
    health: Health
    batch: int = 2000
    linger_s: float = 0.1
    notes: list[Finding] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    in_transaction: Callable[[Conn], None] = lambda conn: None
    away: Callable[[bool], None] = lambda away: None
    housekeeping: Callable[[Conn], None] = lambda conn: None
    _conn: Conn | None = field(default=None, repr=False)
    _loaded_at: float = -1e9
    _version: object = None
    _state_at: float = -1e9
    _repeats: int = 0

    def __post_init__(self) -> None:
        self.door.refresh = lambda: self.reload(_RELOAD_ON_UNKNOWN_S)

    @property
    def counters(self) -> Counter[str]:
        """Counters since start; one consistent state, replaced as a whole."""
        return self.health.counters

    def run(self, inbox: Inbox, done: Callable[[Batch], None]) -> None:
        """Work until `stopping` is set and the inbox is empty."""
        try:
            while not self.stopping.is_set() or len(inbox):
                messages = inbox.take(self.batch, self.linger_s)
                if messages:
                    batch = self.commit(messages)
                    if batch is None:
                        return  # stopping while the database is away: the broker keeps them
                    done(batch)
                elif time.monotonic() - self._state_at > _STATE_EVERY_S:
                    self.commit([])
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def start(self) -> bool:
        """Connect and read the directory; False when told to stop before the database came."""
        try:
            self._patiently(self._first_load)
        except Stopping:
            return False
        return self.commit([]) is not None

    def commit(self, messages: Sequence[Incoming]) -> Batch | None:
        """Store messages; returns when they are committed, or None when told to stop."""
        try:
            self.reload(_RELOAD_AFTER_S)
            batch = self.door.judge(messages)
            self.notes += self.door.losses()
            self.health.received(batch, self.door.ignored)
            self._store(batch)
        except Stopping:
            return None
        return batch

    def reload(self, age_s: float) -> bool:
        """Read the directory again if it is older than `age_s`; True when it has changed."""
        if time.monotonic() - self._loaded_at < age_s:
            return False
        return self._patiently(self._load)

    def _store(self, batch: Batch) -> None:
        try:
            self._patiently(lambda: self._transaction(batch))
        except Invalid as exc:
            self._split(batch, exc)

    def _patiently(self, work: Callable[[], _T]) -> _T:
        """Result of `work`, tried again while the database is away."""
        pause_s, away = 0.1, False
        while True:
            try:
                result = work()
            except Unavailable as exc:
                if not away:
                    self.away(True)
                away = True
                self._pause(exc, pause_s)
                pause_s = min(pause_s * 2, 15.0)
            else:
                if away:
                    self.away(False)
                return result

    def _split(self, batch: Batch, cause: Invalid) -> None:
        """Halve a refused batch; a single refused message goes to quarantine."""
        number = len(batch.messages)
        if number > 1:
            middle = number // 2
            self._store(batch.part(0, middle))
            self._store(batch.part(middle, number))
            return
        if not number or any(q.reason == "storage" for q in batch.quarantined.values()):
            raise cause  # not the data: our own statements are wrong
        log.error("the database refuses a message, it goes to quarantine: %s", cause)
        message = batch.messages[0]
        detail = [
            {
                "code": "storage",
                "field": "message",
                "got": str(cause)[:300],
                "expected": "rows that the database accepts",
            }
        ]
        row = Quarantined(message.topic, message.payload, "storage", detail, message.received_at)
        self._store(Batch([message], [], [0], [batch.size], {0: row}))

    def _transaction(self, batch: Batch) -> None:
        conn = self._connection()
        notes = self.notes[:]
        now = self.clock.now()
        with translate_db_errors("commit a batch"), conn.transaction():
            result = store_batch(
                conn,
                batch.readings,
                list(batch.quarantined.values()),
                repeated=self._repeats > 0,
            )
            save_findings(conn, notes, now)
            save_nodes(conn, self.door.sparkplug.dirty(), now)
            self.in_transaction(conn)
            counters = self.health.after(batch, result)
            if time.monotonic() - self._state_at > _STATE_EVERY_S or self.stopping.is_set():
                self.housekeeping(conn)
                self.health.heard(self.door.directory)
                self.health.save(conn, now, counters)
                self._state_at = time.monotonic()
        self.health.committed(batch, counters, now)
        again = result.duplicate or result.conflict or result.correction
        self._repeats = _REPEATS_LAST if again else max(self._repeats - 1, 0)
        self.door.sparkplug.saved()
        del self.notes[: len(notes)]

    def _first_load(self) -> None:
        self.door.sparkplug.restore(load_nodes(self._connection()))
        self._load()

    def _load(self) -> bool:
        conn = self._connection()
        version = parks_version(conn)
        self._loaded_at = time.monotonic()
        if version == self._version:
            return False
        sources = [
            OwnedSource(a.park.key, e.key, a.park.zone, s)
            for a in applied_parks(conn)
            for e in a.park.enterprises
            for s in e.sources
        ]
        self.health.heard(self.door.directory)
        self.door.directory = Directory(channels(conn), sources)
        self._version = version
        return True

    def _connection(self) -> Conn:
        if self._conn is None or self._conn.broken or self._conn.closed:
            self._conn = self.connect()
        return self._conn

    def _pause(self, cause: Unavailable, pause_s: float) -> None:
        log.warning("database away, %d readings wait: %s", self.counters["pending"], cause)
        self.health.count(retries=1)
        self.close()
        if self.stopping.wait(pause_s * random.uniform(0.7, 1.3)):  # noqa: S311
            raise Stopping from cause
