"""The local queue: readings are committed here before they are offered to the broker.

One SQLite file (WAL, synchronous=FULL). A reading stops waiting when the broker has acknowledged
it, and stays some days longer as history for `greenpark gateway resend`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from gateway.queuefile import open_file
from gateway.reading import Reading, epoch_ms
from models.errors import ConfigError

_CURRENT_MS = 3_600_000  # an older reading is history that a file brought, not a live one


class Row(NamedTuple):
    """A waiting reading."""

    seq: int
    body: str

    def item(self) -> str:
        """The item of the public contract."""
        return f'{self.body[:-1]},"seq":{self.seq}}}'


class Position(NamedTuple):
    """How far a file has been read.

    Attributes:
        file: identity that survives a rename (device and inode).
        tail: the bytes just before `offset`, to recognise other content under the same identity.
    """

    file: str
    path: str
    offset: int
    tail: bytes


class Queue:
    """All threads share one connection; the commands open their own on the same file.

    Every method raises sqlite3.Error when the disk is full or another process holds the file for
    long; then nothing was changed and the caller tries again later.
    """

    def __init__(self, path: Path, *, repair: bool = False) -> None:
        self.path = path
        self.online = False
        self.lock = threading.RLock()
        try:
            self.db = open_file(path, repair=repair)
        except (OSError, sqlite3.Error) as exc:
            raise ConfigError(
                f"queue {path}", [f"cannot be opened: {exc}; check the disk and the rights"]
            ) from exc

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything or nothing, on disk when it ends."""
        with self.lock:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:  # SQLite may have rolled back itself (disk full)
                    self.db.execute("ROLLBACK")
                raise

    def put(
        self,
        device: str,
        readings: Sequence[Reading],
        at: datetime,
        position: Position | None = None,
        rejected: int = 0,
    ) -> None:
        """Commit readings of a device; with a file, the place up to which it was read."""
        at_ms = epoch_ms(at)
        oldest_live = at_ms - _CURRENT_MS
        with self.transaction() as db:
            rows = [
                (r.ts_ms, r.body(), int(self.online and r.ts_ms > oldest_live), at_ms)
                for r in readings
            ]
            db.executemany(
                "INSERT INTO item(ts_ms, body, live, queued_ms) VALUES (?, ?, ?, ?)", rows
            )
            if position:
                db.execute(
                    "INSERT OR REPLACE INTO position VALUES (?, ?, ?, ?, ?)", (device, *position)
                )
            db.execute(
                "INSERT INTO device(name, success_ms, readings, rejected) VALUES (?, ?, ?, ?)"
                " ON CONFLICT(name) DO UPDATE SET success_ms = excluded.success_ms,"
                " readings = readings + excluded.readings, rejected = rejected + excluded.rejected",
                (device, at_ms, len(rows), rejected),
            )

    def note_state(self, device: str, at: datetime, fault: str | None) -> None:
        """Note that a device fails, or that it is well again."""
        at_ms = epoch_ms(at) if fault else None
        with self.transaction() as db:
            db.execute(
                "INSERT INTO device(name, failing_ms, failures, reason) VALUES (:n, :f, :c, :r)"
                " ON CONFLICT(name) DO UPDATE SET failures = failures + :c, reason = :r,"
                " failing_ms = CASE WHEN :r IS NULL THEN NULL ELSE COALESCE(failing_ms, :f) END",
                {"n": device, "f": at_ms, "c": int(bool(fault)), "r": fault},
            )

    def note_loss(self, at: datetime, reason: str, times_ms: Sequence[int]) -> None:
        """Note that readings of these times were dropped and never acknowledged."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO loss VALUES (?, ?, ?, ?, ?)",
                (epoch_ms(at), reason, len(times_ms), min(times_ms), max(times_ms)),
            )

    def positions(self, device: str) -> list[Position]:
        """Where the files of this source were left, newest first."""
        rows = self.all(
            "SELECT file, path, offset, tail FROM position WHERE source = ? ORDER BY rowid DESC",
            device,
        )
        return [Position(*r) for r in rows]

    def connected(self) -> None:
        """What waits from before the connection is backlog; what comes now is live."""
        with self.transaction() as db:
            db.execute("UPDATE item SET live = 0 WHERE live = 1 AND acked_ms IS NULL")
            self.online = True

    def waiting(self, limit: int, *, live: bool) -> list[Row]:
        """Readings that the broker has not acknowledged, oldest first.

        Args:
            live: the current ones of this connection; else the backlog.
        """
        rows = self.all(
            "SELECT seq, body FROM item WHERE live = ? AND acked_ms IS NULL ORDER BY seq LIMIT ?",
            int(live),
            limit,
        )
        return [Row(*r) for r in rows]

    def acknowledge(self, numbers: Sequence[int], at: datetime) -> None:
        """The broker has these readings."""
        at_ms = epoch_ms(at)
        with self.transaction() as db:
            db.executemany(
                "UPDATE item SET acked_ms = ? WHERE seq = ?", [(at_ms, n) for n in numbers]
            )

    def all(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self.lock:
            return self.db.execute(query, parameters).fetchall()
