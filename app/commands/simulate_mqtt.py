"""simulate over MQTT: a range as fast as it goes, or live on the park's clock."""

from __future__ import annotations

import signal
import threading
import time
from datetime import datetime

from app.backfill import Source
from app.clock import AcceleratedClock, RealClock
from app.progress import progress_bar
from app.settings import settings
from app.wiring import broker_address, console
from models.errors import ConfigError
from simulators.live import run_live
from simulators.message import Message
from simulators.publisher import Publisher

_FLUSH_S = 600.0  # after a range: nothing may stay behind
_FLUSH_LIVE_S = 10.0  # after a request to stop


def publish_range(
    simulator: Source, start: datetime, stop: datetime, batch: int, *, dry_run: bool
) -> None:
    """Publish `[start, stop)` and wait until all of it is acknowledged; or only count.

    Raises:
        ConfigError: messages were left over.
    """
    began, expected, messages, readings = time.monotonic(), simulator.count(start, stop), 0, 0
    publisher = None if dry_run else Publisher(broker_address(settings())).start()
    try:
        with progress_bar() as bar:
            task = bar.add_task("readings", total=expected)
            for message in simulator.messages(start, stop, batch=batch):
                if publisher is not None:
                    publisher.publish(message)
                messages, readings = messages + 1, readings + message.readings
                bar.advance(task, message.readings)
        if publisher is not None and not publisher.flush(_FLUSH_S):
            raise ConfigError("simulate", [_left_over(publisher)])
    finally:
        if publisher is not None:
            publisher.close()
    verb = "would publish" if publisher is None else "published"
    _close(verb, messages, readings, publisher.acknowledged if publisher else 0, began)


def publish_live(
    simulator: Source,
    clock: RealClock | AcceleratedClock,
    start: datetime,
    stop: datetime | None,
) -> None:
    """Publish from `start` on as the clock runs, until Ctrl-C or `stop`.

    Raises:
        ConfigError: messages were left over.
    """
    began, stopping = time.monotonic(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _n, _f: stopping.set())
    publisher = Publisher(broker_address(settings())).start()
    sink = _Counting(publisher)
    console.print(f"live from {start.isoformat()}, speed {clock.speed:g}; Ctrl-C ends it")
    try:
        again_at = run_live(simulator, sink, clock, start, stopping, stop)
        if not publisher.flush(_FLUSH_LIVE_S):
            raise ConfigError("simulate", [_left_over(publisher)])
    finally:
        publisher.close()
    _close("published", publisher.published, sink.readings, publisher.acknowledged, began)
    console.print(f"go on with --from {again_at.isoformat()}")


class _Counting:
    """A publisher that counts readings."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher, self.readings = publisher, 0

    def publish(self, message: Message, timeout_s: float | None = None) -> bool:
        """Hand a message over; False when it was not taken in time."""
        taken = self.publisher.publish(message, timeout_s)
        self.readings += message.readings if taken else 0
        return taken


def _left_over(publisher: Publisher) -> str:
    return (
        f"{publisher.waiting} message(s) were not acknowledged; is the broker alive? Run it again "
        "with the same --from: repetitions are recognised"
    )


def _close(verb: str, messages: int, readings: int, acknowledged: int, began: float) -> None:
    console.print(
        f"{verb} {messages} messages, {readings} readings, acknowledged {acknowledged} "
        f"in {time.monotonic() - began:.1f} s"
    )
