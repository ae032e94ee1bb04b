"""The gateway process: threads that read, one that publishes, a loop that tidies up."""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.config import GatewayConfig
from gateway.follow import follow
from gateway.history import trim
from gateway.modbus import Line, read_meter
from gateway.poller import Intake, Job, Poller
from gateway.queue import Queue
from gateway.queuefile import hold
from gateway.reading import Clock
from gateway.sources import CsvSource, DltSource, ModbusDevice
from gateway.uplink import Uplink
from models.errors import ConfigError

log = logging.getLogger(__name__)

_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
_TIDY_S = 60.0


@dataclass
class Gateway:
    """Reads, keeps and publishes until `stop`.

    Raises:
        ConfigError: the host clock is obviously wrong, another process has the queue, or a thread
            ended (the supervisor starts the process again).
    """

    config: GatewayConfig
    clock: Clock
    rng: random.Random = field(default_factory=random.Random)
    stopping: threading.Event = field(default_factory=threading.Event)
    _failed: bool = False

    def __post_init__(self) -> None:
        now = self.clock.now()
        if self.config.clock_check and now < _EARLIEST:
            fault = (
                f"shows {now:%Y-%m-%d}: readings would get a wrong time; set it (NTP), then start "
                "again (clock_check: false turns this off)"
            )
            raise ConfigError("clock of this host", [fault])
        self._guard = hold(self.config.queue.path)
        self.queue = Queue(self.config.queue.path, repair=True)
        self.uplink = Uplink(
            self.config,
            self.queue,
            self.clock,
            self.stopping,
            self.rng,
        )
        self.intake = Intake(self.queue, self.clock, self.uplink.wake)

    def stop(self) -> None:
        """End in order."""
        self.stopping.set()
        self.uplink.wake()

    def run(self) -> None:
        """Serve until `stop`."""
        pollers = list(self._pollers())
        runs = [self.uplink.run, *(p.run for p in pollers)]
        threads = [threading.Thread(target=self._watched, args=[r], daemon=True) for r in runs]
        for thread in threads:
            thread.start()
        log.info(
            "gateway of %s: %d devices, queue %s",
            self.config.enterprise,
            len(self.config.devices),
            self.config.queue.path,
        )
        while not self.stopping.is_set():
            self._tidy()
            self.stopping.wait(_TIDY_S)
        for thread in threads:
            thread.join(15)
        if held := self.intake.flush():
            log.error("LOST: %d readings in memory could not be written to the queue", held)
        self.queue.close()
        self._guard.close()
        if self._failed:
            raise ConfigError("gateway", ["a thread has ended, see the log; start it again"])

    def _watched(self, run: Callable[[], None]) -> None:
        try:
            run()
        except Exception:  # the outermost loop: the supervisor starts the process anew
            log.exception("a thread has ended")
            self._failed = True
        finally:
            self.stop()

    def _tidy(self) -> None:
        self.intake.flush()
        try:
            trim(self.queue, self.config.queue, self.clock.now())
        except sqlite3.Error as exc:
            log.warning("queue %s cannot be tidied: %s", self.queue.path, exc)

    def _pollers(self) -> Iterable[Poller]:
        lines: dict[tuple[str, int], list[ModbusDevice]] = {}
        for device in self.config.devices:
            if isinstance(device, ModbusDevice):
                lines.setdefault((device.host, device.port), []).append(device)
            else:
                jobs = [self._file_job(device)]
                yield Poller(jobs, self.queue, self.clock, self.stopping)
        for (host, port), devices in lines.items():
            line = Line(host, port, max(d.timeout_s for d in devices))
            jobs = [self._modbus_job(line, d) for d in devices]
            yield Poller(jobs, self.queue, self.clock, self.stopping, line.close)

    def _modbus_job(self, line: Line, device: ModbusDevice) -> Job:
        def read() -> list[str]:
            reading, faults = read_meter(line, device, self.clock)
            if reading:
                self.intake.put(device.name, reading)
            return faults

        return Job(device.name, device.period_s, read)

    def _file_job(self, source: CsvSource | DltSource) -> Job:
        def read() -> list[str]:
            try:
                return follow(source, self.queue, self.clock.now, self.stopping.is_set)
            except sqlite3.Error as exc:
                return [f"queue: {exc}; the file is read again later"]
            finally:
                self.uplink.wake()

        return Job(source.name, source.period_s, read)
