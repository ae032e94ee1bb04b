"""A file into the database: in portions, each with the number of rows done."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from collectors.backfill import store_history
from collectors.door import Batch
from collectors.files.marks import marks_of
from collectors.formats.base import Incoming
from collectors.health import OUTCOMES, Health
from models.errors import ConfigError
from models.periods import Clock
from storage.db import Conn
from storage.imports import ImportKey, ImportProgress, begin_import, find_import, save_import
from storage.marks import save_marks
from storage.readings import Stored

_PIECE = 1 << 20


def import_key(file: Path, mapping: Path, *options: str) -> ImportKey:
    """What identifies an import: content of the file, and how it is read.

    Raises:
        ConfigError: one of them cannot be read.
    """
    try:
        return ImportKey(_digest(file), _digest(mapping, *options))
    except OSError as exc:
        raise ConfigError(str(exc.filename), [f"cannot be read: {exc.strerror}"]) from exc


def _digest(path: Path, *options: str) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    for option in options:
        digest.update(b"\0" + option.encode())
    return digest.digest()


@dataclass
class Ledger(Health):
    """Counters of an import, saved with the rows of each portion and with its source's marks.

    Attributes:
        before: what an interrupted run of this import has done.
        rows_done: rows that are stored, in this run and before.
    """

    key: ImportKey = field(kw_only=True)
    clock: Clock = field(kw_only=True)
    before: ImportProgress | None = field(default=None, kw_only=True)
    rows_done: int = field(default=0, kw_only=True)
    _conn: Conn | None = field(default=None, kw_only=True)

    def joins(self, conn: Conn) -> None:
        """The transaction that `after` belongs to."""
        self._conn = conn

    def after(self, batch: Batch, result: Stored) -> Counter[str]:
        """The counters as they will be; the writer calls this before it commits."""
        counters = super().after(batch, result)
        if batch.messages and self._conn is not None:
            save_marks(self._conn, marks_of(batch))
            done = batch.messages[-1].mid
            save_import(self._conn, self.key, done, self.total(counters), self.clock.now())
        return counters

    def committed(self, batch: Batch, counters: Counter[str], now: datetime) -> None:
        """The portion is stored."""
        super().committed(batch, counters, now)
        if batch.messages:
            self.rows_done = batch.messages[-1].mid

    def total(self, counters: Counter[str]) -> dict[str, int]:
        """Readings by outcome, of all runs of this import."""
        names = ("messages", "received", *OUTCOMES)
        before = self.before.counters if self.before else {}
        return {n: before.get(n, 0) + counters[n] for n in names if n != "pending"}


def begin(
    key: ImportKey, file_name: str, connect: Callable[[], Conn], clock: Clock, *, again: bool
) -> ImportProgress | None:
    """What is done already of an import, or None when it begins now."""
    conn = connect()
    try:
        known = None if again else find_import(conn, key)
        if known is None:
            with conn.transaction():
                begin_import(conn, key, file_name, clock.now())
        return known
    finally:
        conn.close()


def run_import(
    messages: Callable[[int], Iterable[Incoming]],
    ledger: Ledger,
    connect: Callable[[], Conn],
    clock: Clock,
    *,
    batch_bytes: int = 2_000_000,
    progress: Callable[[Counter[str]], None] = lambda counters: None,
) -> None:
    """Store what the ledger does not say is stored already; safe to interrupt and repeat.

    Args:
        messages: given the number of rows to pass over; packet ids count rows that are done.

    Raises:
        Unavailable: the database went away; the same command goes on where this one stopped.
    """
    rows = 0

    def counted() -> Iterator[Incoming]:
        nonlocal rows
        for message in messages(ledger.rows_done):
            rows = message.mid
            yield message

    store_history(
        counted(),
        connect,
        clock,
        health=ledger,
        batch_bytes=batch_bytes,
        progress=progress,
        in_transaction=ledger.joins,
    )
    conn = connect()
    try:
        with conn.transaction():
            rows = max(rows, ledger.rows_done)
            total = ledger.total(ledger.counters)
            save_import(conn, ledger.key, rows, total, clock.now(), finished=True)
    finally:
        conn.close()
