"""Bulk history through the very codec, door and writer of the live path, without a broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta

from collectors.directory import Directory
from collectors.door import Door
from collectors.formats.base import Incoming
from collectors.health import Health
from collectors.writer import Writer
from models.errors import Unavailable
from models.periods import Clock
from storage.db import Conn


def store_history(
    messages: Iterable[Incoming],
    connect: Callable[[], Conn],
    clock: Clock,
    *,
    batch_bytes: int = 2_000_000,
    max_payload_bytes: int = 2_097_152,
    progress: Callable[[Counter[str]], None] = lambda counters: None,
) -> Counter[str]:
    """Judge and store messages in order, one transaction per batch; safe to repeat.

    Args:
        messages: each with the receiver's clock of its arrival.
        progress: called after each commit with the counters so far.

    Returns:
        Counters of `Writer`, in readings.

    Raises:
        Unavailable: the database is away; what was committed stays, run it again.
    """
    door = Door(Directory([]), max_payload_bytes, timedelta(minutes=5))
    writer = Writer(connect, door, clock, Health("backfill", clock.now()))
    writer.stopping.set()  # an import does not wait for the database for ever
    pending: list[Incoming] = []
    size = 0
    try:
        for message in messages:
            pending.append(message)
            size += len(message.payload)
            if size >= batch_bytes:
                _commit(writer, pending)
                progress(writer.counters)
                pending, size = [], 0
        _commit(writer, pending)
        progress(writer.counters)
    finally:
        writer.close()
    return writer.counters


def _commit(writer: Writer, messages: list[Incoming]) -> None:
    if writer.commit(messages) is None:
        raise Unavailable(
            "store history",
            "the database went away; run the command again, what is stored already is recognised",
        )
