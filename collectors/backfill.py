"""Bulk history through the very codec, door and writer of the live path, without a broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from collectors.directory import Directory
from collectors.door import Batch, Door
from collectors.formats.base import Incoming
from collectors.formats.sparkplug_host import SparkplugHost
from collectors.health import Health
from collectors.writer import Stopping, Writer
from models.errors import Unavailable
from models.periods import Clock
from storage.db import Conn
from storage.readings import store_batch

_BATCH_BYTES = 2_000_000
_MAX_PAYLOAD_BYTES = 2_097_152


class _PastNodes(SparkplugHost):
    """Sparkplug nodes as they were: never saved over what the live collector knows of them."""

    def dirty(self) -> dict[Any, Any]:
        return {}


def past_door(max_payload_bytes: int = _MAX_PAYLOAD_BYTES) -> Door:
    """A door for messages of the past; the writer gives it its directory."""
    return Door(Directory([]), max_payload_bytes, timedelta(minutes=5), sparkplug=_PastNodes())


def store_history(
    messages: Iterable[Incoming],
    connect: Callable[[], Conn],
    clock: Clock,
    *,
    door: Door | None = None,
    health: Health | None = None,
    batch_bytes: int = _BATCH_BYTES,
    max_payload_bytes: int = _MAX_PAYLOAD_BYTES,
    progress: Callable[[Counter[str]], None] = lambda counters: None,
    in_transaction: Callable[[Conn], None] = lambda conn: None,
) -> Counter[str]:
    """Judge and store messages in order, one transaction per batch; safe to repeat.

    Args:
        messages: each with the receiver's clock of its arrival.
        door, health: default: those of the live path.
        progress: called after each commit with the counters so far.
        in_transaction: called in the transaction of each batch.

    Returns:
        Counters of `Writer`, in readings.

    Raises:
        Unavailable: the database is away; what was committed stays, run it again.
    """
    health = health or Health("backfill", clock.now())
    writer = Writer(connect, door or past_door(max_payload_bytes), clock, health)
    writer.in_transaction = in_transaction
    writer.stopping.set()  # an import does not wait for the database for ever
    try:
        for batch in _batches(messages, batch_bytes):
            if writer.commit(batch) is None:
                raise Unavailable(
                    "store history",
                    "the database went away; run the command again, what is stored already is "
                    "recognised",
                )
            progress(writer.counters)
    finally:
        writer.close()
    return writer.counters


@dataclass
class Rehearsal:
    """What storing would do.

    Attributes:
        counters: in readings, as those of `Writer`; against the database as it is: a message that
            comes twice in what is rehearsed may count as stored twice.
        refused: refusals by reason.
    """

    counters: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def rehearse_history(
    messages: Iterable[Incoming],
    connect: Callable[[], Conn],
    clock: Clock,
    *,
    door: Door | None = None,
    batch_bytes: int = _BATCH_BYTES,
    max_payload_bytes: int = _MAX_PAYLOAD_BYTES,
    seen: Callable[[Batch, Mapping[str, int]], None] = lambda batch, counters: None,
) -> Rehearsal:
    """Judge everything and store nothing: each batch is rolled back.

    Args:
        seen: called with each judged batch and the counters so far.
    """
    door = door or past_door(max_payload_bytes)
    health = Health("rehearsal", clock.now())
    writer = Writer(connect, door, clock, health)
    writer.stopping.set()
    done = Rehearsal()
    conn = connect()
    try:
        for messages_of_batch in _batches(messages, batch_bytes):
            batch = _judge(writer, messages_of_batch)
            health.received(batch, door.ignored)
            with conn.transaction(force_rollback=True):
                result = store_batch(conn, batch.readings, [])
            health.counters = done.counters = health.after(batch, result)
            done.refused = health.refused
            seen(batch, done.counters)
    finally:
        conn.close()
        writer.close()
    return done


def _judge(writer: Writer, messages: list[Incoming]) -> Batch:
    try:
        writer.reload(10.0)
        return writer.door.judge(messages)
    except Stopping as exc:
        raise Unavailable("rehearse", "the database went away; nothing was stored") from exc


def _batches(messages: Iterable[Incoming], most_bytes: int) -> Iterator[list[Incoming]]:
    """Lists of messages; the last one may be empty, so that there is always one."""
    pending: list[Incoming] = []
    size = 0
    for message in messages:
        pending.append(message)
        size += len(message.payload)
        if size >= most_bytes:
            yield pending
            pending, size = [], 0
    yield pending
