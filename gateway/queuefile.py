"""The SQLite file of the queue: tables, opening, the lock against a second process."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import suppress
from pathlib import Path

from models.errors import ConfigError

log = logging.getLogger(__name__)

_BUSY_S = 5.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS item(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, ts_ms INTEGER NOT NULL, body TEXT NOT NULL,
    live INTEGER NOT NULL, queued_ms INTEGER NOT NULL, acked_ms INTEGER);
CREATE INDEX IF NOT EXISTS item_waiting ON item(live, seq) WHERE acked_ms IS NULL;
CREATE INDEX IF NOT EXISTS item_kept ON item(acked_ms) WHERE acked_ms IS NOT NULL;
CREATE TABLE IF NOT EXISTS loss(
    at_ms INTEGER NOT NULL, reason TEXT NOT NULL, items INTEGER NOT NULL,
    from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS device(
    name TEXT PRIMARY KEY, success_ms INTEGER, failing_ms INTEGER, reason TEXT,
    failures INTEGER NOT NULL DEFAULT 0, readings INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS position(
    source TEXT NOT NULL, file TEXT NOT NULL, path TEXT NOT NULL, offset INTEGER NOT NULL,
    tail BLOB NOT NULL, PRIMARY KEY (source, file));
"""


def open_file(path: Path, *, repair: bool) -> sqlite3.Connection:
    """Open or create the queue file.

    Args:
        repair: set a damaged one aside and begin anew; only for the process that holds it.

    Raises:
        OSError, sqlite3.Error: no room, no rights, no disk, damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path)
    except sqlite3.DatabaseError as exc:
        damaged = exc.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        if not damaged or not repair:
            raise
        return _begin_anew(path, exc)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        db.execute(f"PRAGMA {pragma}")
    db.executescript(_SCHEMA)
    return db


def _begin_anew(path: Path, cause: sqlite3.DatabaseError) -> sqlite3.Connection:
    """An edge that stands still loses more than the damaged file holds: set it aside, go on."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    log.error(
        "queue %s is damaged (%s): a new one is begun; what waited may be LOST, the old file is "
        "kept as %s, try `sqlite3 %s .recover`",
        path,
        cause,
        aside,
        aside,
    )
    return _open(path)


def hold(path: Path) -> sqlite3.Connection:
    """Keep other gateway processes away from this queue for as long as the result lives.

    Raises:
        ConfigError: one runs already, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(f"queue {path}", [f"cannot be made: {exc}"]) from exc
    guard = sqlite3.connect(
        path.with_name(path.name + ".lock"),
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        guard.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as exc:
        guard.close()
        fault = "another gateway process uses it; stop that one, or give this one its own queue"
        raise ConfigError(f"queue {path}", [fault]) from exc
    return guard
