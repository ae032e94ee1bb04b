"""The collector process: network thread in the foreground, writer beside it, orderly shutdown."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from collectors.door import Directory, Door
from collectors.inbox import Arrival, Inbox
from collectors.transport import Transport
from collectors.writer import Writer
from models.broker import BrokerAddress
from models.findings import Finding, Severity
from models.periods import Clock
from storage.db import Conn

log = logging.getLogger(__name__)


class Collector:
    """Receives, stores, acknowledges; stops without losing anything."""

    def __init__(
        self,
        address: BrokerAddress,
        connect: Callable[[], Conn],
        clock: Clock,
        *,
        client_id: str,
        topic: str,
        batch: int = 2000,
        linger_s: float = 0.1,
        window: int = 6000,
        max_payload_bytes: int = 262_144,
        future_tolerance_s: int = 300,
    ) -> None:
        self.inbox = Inbox(2 * window)
        self.transport = Transport(address, client_id, topic, window, self.inbox)
        door = Door(Directory([]), max_payload_bytes, timedelta(seconds=future_tolerance_s))
        self.writer = Writer(connect, door, clock, client_id, batch, linger_s)
        self.clock = clock
        self.failure: BaseException | None = None

    def stop(self) -> None:
        """Ask for an orderly end; safe in a signal handler."""
        self.transport.stopping.set()
        self.transport.wake()

    def run(self) -> None:
        """Serve until `stop`.

        Raises:
            ConfigError: the broker refuses us. Any error of the writer thread is raised here, so
            that the process ends and its supervisor starts it again.
        """
        writer = threading.Thread(target=self._write, name="writer", daemon=True)
        writer.start()
        try:
            self.transport.run()
        finally:
            self.writer.stopping.set()
            writer.join(timeout=30)
            self.transport.close()
        if self.failure:
            raise self.failure
        log.info("collector stopped: %s", dict(self.writer.counters))

    def _write(self) -> None:
        try:
            self.writer.run(self.inbox, self._done)
        except BaseException as exc:
            log.exception("the writer failed, the collector ends")
            self.failure = exc
            self.stop()

    def _done(self, arrivals: Sequence[Arrival]) -> None:
        self.transport.acknowledge(arrivals)
        if self.transport.sessions_lost > self.writer.counters["sessions_lost"]:
            self.writer.counters["sessions_lost"] = self.transport.sessions_lost
            now = self.clock.now()
            self.writer.notes.append(
                Finding(
                    "collector.session_lost",
                    Severity.CRITICAL,
                    now,
                    now,
                    evidence={
                        "client_id": self.transport.client_id,
                        "meaning": "the broker forgot the session; readings sent while the "
                        "collector was away may be missing, ask the gateways",
                    },
                )
            )
