"""Threads that read: each asks its devices at whole multiples of their period, one by one."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.pace import Hush
from gateway.queue import Queue
from gateway.reading import Clock, Reading

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IN_MEMORY = 20_000


@dataclass
class Intake:
    """The way into the queue; while it cannot be written, readings wait in memory.

    Attributes:
        wake: called after every commit.
        most: readings that memory may hold.
    """

    queue: Queue
    clock: Clock
    wake: Callable[[], None] = lambda: None
    most: int = _IN_MEMORY
    _held: deque[tuple[str, Reading]] = field(default_factory=deque)
    _lost: list[Reading] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _hush: Hush = field(default_factory=Hush)

    def put(self, device: str, reading: Reading) -> None:
        """Commit a reading, after those that are held."""
        with self._lock:
            self._held.append((device, reading))
            self._flush()
            while len(self._held) > self.most:
                self._lost.append(self._held.popleft()[1])
                if self._hush.may_speak("drop", ""):
                    log.error("DROPPING the oldest readings in memory: %d so far", len(self._lost))

    def flush(self) -> int:
        """Try to commit what is held; how many could not be."""
        with self._lock:
            self._flush()
            return len(self._held)

    def _flush(self) -> None:
        try:
            while self._held:
                device, reading = self._held[0]
                self.queue.put(device, [reading], self.clock.now())
                self._held.popleft()
            if self._lost:
                span = [r.ts_ms for r in self._lost]
                self.queue.note_loss(self.clock.now(), "disk full, memory full", span)
                self._lost.clear()
        except sqlite3.Error as exc:
            if self._hush.may_speak("write", str(exc)):
                log.critical(
                    "queue %s cannot be written: %s; %d reading(s) are held in memory only, make "
                    "room on the disk",
                    self.queue.path,
                    exc,
                    len(self._held),
                )
            return
        self.wake()


@dataclass
class Job:
    """One device: `read` queues what it finds and tells what went wrong."""

    name: str
    period_s: int
    read: Callable[[], Sequence[str]]
    due: datetime = _EPOCH
    failing: bool | None = None

    def take(self, now: datetime) -> bool:
        """True when it is time; sets the next whole multiple of the period.

        What was missed is not made up; a clock that was set back does not stop the device.
        """
        period = timedelta(seconds=self.period_s)
        if now < self.due and self.due - now <= period:
            return False
        self.due = now - (now - _EPOCH) % period + period
        return True


@dataclass
class Poller:
    """A thread for devices that share a connection, or for one file source."""

    jobs: list[Job]
    queue: Queue
    clock: Clock
    stopping: threading.Event
    close: Callable[[], None] = lambda: None

    def run(self) -> None:
        """Read until `stopping`, the first time at once; then close the connection."""
        while not self.stopping.is_set():
            for job in self.jobs:
                if not self.stopping.is_set() and job.take(self.clock.now()):
                    self.poll(job)
            left_s = (min(j.due for j in self.jobs) - self.clock.now()).total_seconds()
            self.stopping.wait(min(max(left_s, 0.0), 1.0))
        self.close()

    def poll(self, job: Job) -> None:
        """Read once; a device in trouble is counted and said once, the others go on."""
        try:
            faults = list(job.read())
        except Exception:  # the outermost loop of a device
            log.exception("device %s", job.name)
            faults = ["internal error, see the log"]
        reason = "; ".join(faults)[:500] or None
        if reason and not job.failing:
            log.warning("device %s: %s", job.name, reason)
        elif job.failing and not reason:
            log.info("device %s is well again", job.name)
        if reason or job.failing is not False:
            try:
                self.queue.note_state(job.name, self.clock.now(), reason)
            except sqlite3.Error as exc:
                log.debug("state of %s not noted: %s", job.name, exc)
        job.failing = bool(reason)
