"""The collector process: network thread in the foreground, writer beside it, orderly shutdown."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from collectors.directory import Directory
from collectors.door import Batch, Door
from collectors.health import Health
from collectors.inbox import Inbox
from collectors.shards import Shard, atoms
from collectors.subscriptions import Subscriptions
from collectors.transport import Transport
from collectors.writer import Writer
from models.broker import BrokerAddress
from models.errors import ParkError, Unavailable
from models.findings import Finding, Severity
from models.periods import Clock
from storage.collectors import lock_client, save_subscriptions, subscriptions
from storage.db import Conn

log = logging.getLogger(__name__)

_STANDBY_S = 0.5
_DRAINED_S = 5.0


class Superseded(ParkError):
    """Another collector has taken over this client id while the database was away."""


@dataclass(frozen=True)
class CollectorSettings:
    """How one collector works.

    Attributes:
        topic: base subscription when there is one collector for everything.
        batch: most messages per commit; linger_s: longest wait for a fuller batch [s].
        window: most messages delivered and not acknowledged (Receive Maximum).
        sparkplug_host_id: name of this host application in Sparkplug; unlike the client id it is
            public.
        retire: hand everything over to the other collectors, drain, end the session.
    """

    client_id: str
    topic: str = "park/#"
    shard: Shard = field(default_factory=Shard)
    batch: int = 2000
    linger_s: float = 0.1
    window: int = 6000
    max_payload_bytes: int = 262_144
    future_tolerance_s: int = 300
    retire: bool = False
    sparkplug_host_id: str = "greenpark"


class Collector:
    """Receives, stores, acknowledges; stops without losing anything."""

    def __init__(
        self,
        address: BrokerAddress,
        connect: Callable[[str], Conn],
        clock: Clock,
        settings: CollectorSettings,
    ) -> None:
        """Nothing is opened yet.

        Args:
            connect: opens a database connection with the given application name.
        """
        self.settings = settings
        self.client_id = settings.shard.client_id(settings.client_id)
        self.clock = clock
        self.inbox = Inbox(2 * settings.window)
        host_id = settings.shard.client_id(settings.sparkplug_host_id)
        self.subscriptions = Subscriptions(host_id=host_id)
        self.transport = Transport(
            address, self.client_id, self.subscriptions, settings.window, self.inbox, clock
        )
        tolerance = timedelta(seconds=settings.future_tolerance_s)
        self.health = Health(self.client_id, clock.now(), gauges=self._gauges)
        self.writer = Writer(
            self._connect,
            Door(Directory([]), settings.max_payload_bytes, tolerance),
            clock,
            self.health,
            settings.batch,
            settings.linger_s,
            away=self._away,
            housekeeping=self._housekeeping,
        )
        self.transport.proved = lambda since: self.health.committed_at > since
        self.failure: BaseException | None = None
        self._open = connect
        self._application = f"greenpark collect {secrets.token_hex(8)}"
        self._active = False
        self._shared_out: Directory | None = None
        self._wanted: frozenset[str] = frozenset()
        self._atoms: frozenset[str] = frozenset()
        self._busy_at = time.monotonic()

    def stop(self) -> None:
        """Ask for an orderly end; safe in a signal handler."""
        if not self._active:
            self.writer.stopping.set()  # it waits for the database, or as a standby
        self.transport.stopping.set()
        self.transport.wake()

    def run(self) -> None:
        """Wait until the client id is free, then serve until `stop`.

        Raises:
            ConfigError: the broker refuses us. Superseded: another collector has our client id.
                Any error of the writer thread is raised here, so that the process ends and its
                supervisor starts it again.
        """
        if not self.writer.start():
            self.writer.close()
            self.transport.close()
            return
        self._active = True
        writer = threading.Thread(target=self._write, name="writer", daemon=True)
        writer.start()
        try:
            self.transport.run()
        finally:
            self.writer.stopping.set()
            writer.join(timeout=30)
            self.transport.close(forget=self.settings.retire and self._retired())
        if self.failure:
            raise self.failure
        log.info("collector stopped: %s", dict(self.writer.counters))

    def _connect(self) -> Conn:
        """A connection that holds the lock of our client id: nobody else commits for it."""
        conn = self._open(self._application)
        try:
            self._wait_for_lock(conn)
        except BaseException:
            conn.close()
            raise
        return conn

    def _wait_for_lock(self, conn: Conn) -> None:
        said = False
        while not lock_client(conn, self.client_id, self._application):
            if self._active:
                raise Superseded(f"another collector works as {self.client_id!r}; this one ends")
            if not said:
                log.info("standby: another collector works as %s", self.client_id)
            said = True
            if self.writer.stopping.wait(_STANDBY_S):
                raise Unavailable("wait for the client id", "told to stop")

    def _write(self) -> None:
        try:
            self.writer.run(self.inbox, self._done)
        except Superseded as exc:  # told once, by the program
            self.failure = exc
        except BaseException as exc:
            log.exception("the writer failed, the collector ends")
            self.failure = exc
        finally:
            self.stop()

    def _done(self, batch: Batch) -> None:
        self.transport.acknowledge(batch.messages)
        if batch.replies:
            self.transport.publish(batch.replies)
        self._busy_at = time.monotonic()

    def _away(self, away: bool) -> None:
        if (state := self.subscriptions.online(not away)) is not None:
            self.transport.publish([state])

    def _housekeeping(self, conn: Conn) -> None:
        """Once a second, in a transaction: subscriptions, and what has to be told."""
        directory, now = self.writer.door.directory, self.clock.now()
        known = subscriptions(conn)
        own = known.pop(self.client_id, set())
        granted, gone = self.subscriptions.known()
        save_subscriptions(conn, self.client_id, granted - own, gone & own, now)
        if self.transport.generation == 0 and own:
            self.subscriptions.expected = True
        if directory is not self._shared_out:
            self._shared_out = directory
            self._wanted, self._atoms = self._share(directory)
        self.subscriptions.want(self._wanted, self._atoms, own, set().union(*known.values()))
        self.transport.wake()
        if self.settings.retire and not own and self._retired():
            log.info("retired: everything is handed over and drained")
            self.stop()
        self._tell_lost_session()

    def _share(self, directory: Directory) -> tuple[frozenset[str], frozenset[str]]:
        """Filters of this collector and of all; asked once per directory, they may be thousands."""
        settings = self.settings
        everything = frozenset(topic for _, topic in atoms(directory))
        if settings.retire:
            return frozenset(), everything
        return settings.shard.filters(directory, settings.topic), everything

    def _retired(self) -> bool:
        idle_s = time.monotonic() - self._busy_at
        return not self.subscriptions.kept and not len(self.inbox) and idle_s > _DRAINED_S

    def _tell_lost_session(self) -> None:
        lost = self.transport.sessions_lost
        if lost > self.writer.counters["sessions_lost"]:
            now = self.clock.now()
            self.health.count(sessions_lost=lost - self.writer.counters["sessions_lost"])
            self.writer.notes.append(
                Finding(
                    "collector.session_lost",
                    Severity.CRITICAL,
                    now,
                    now,
                    evidence={
                        "client_id": self.client_id,
                        "meaning": "the broker forgot the session; readings sent while the "
                        "collector was away may be missing, ask the gateways",
                    },
                )
            )

    def _gauges(self) -> dict[str, float]:
        return {
            "queued": len(self.inbox),
            "in_flight": self.transport.in_flight,
            "connected": float(self.transport.connected),
            "generation": self.transport.generation,
            "kept_filters": len(self.subscriptions.kept),
        }
