"""Forward-only migrations: plain SQL files, checksummed, applied under an advisory lock."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

from psycopg import sql

from models.errors import SchemaMismatch
from storage.db import Conn, translate_db_errors
from storage.timescale import apply_timescale

_LOCK = 7_105_322_001  # any constant of ours
_NAME = re.compile(r"^(\d{4})_(pre|post)_[a-z0-9_]+\.sql$")


@dataclass(frozen=True)
class Migration:
    """One file of `storage/migrations`."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text with line ends normalised."""
        return hashlib.sha256(self.text.replace("\r\n", "\n").encode()).hexdigest()


def available() -> list[Migration]:
    """All migrations that this program ships, in order."""
    found = []
    for entry in files("storage").joinpath("migrations").iterdir():
        match = _NAME.match(entry.name)
        if match:
            text = entry.read_text(encoding="utf-8")
            found.append(Migration(int(match.group(1)), entry.name, text))
    return sorted(found, key=lambda m: m.number)


def migrate(conn: Conn, *, dry_run: bool = False) -> list[str]:
    """Bring the schema to head; returns the names of the migrations that were (or would be) run.

    All of it is one transaction: a failing migration leaves nothing behind.

    Raises:
        SchemaMismatch: an applied migration was edited, or the database is newer than the program.
        StorageError: a statement failed.
    """
    with translate_db_errors("migrate"), conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        conn.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (number integer PRIMARY KEY,"
            " name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL"
            " DEFAULT now())"
        )
        done = {
            n: (name, c)
            for n, name, c in conn.execute(
                "SELECT number, name, checksum FROM schema_migration"
            ).fetchall()
        }
        pending = _pending(done)
        if not dry_run:
            for migration in pending:
                conn.execute(sql.SQL(migration.text))
                conn.execute(
                    "INSERT INTO schema_migration (number, name, checksum) VALUES (%s, %s, %s)",
                    (migration.number, migration.name, migration.checksum),
                )
            apply_timescale(conn)
    return [m.name for m in pending]


def _pending(done: dict[int, tuple[str, str]]) -> list[Migration]:
    shipped = available()
    unknown = sorted(set(done) - {m.number for m in shipped})
    if unknown:
        raise SchemaMismatch(
            "migrate",
            f"the database has migration(s) {unknown} that this "
            "version does not know; install the newer version of greenpark",
        )
    for migration in shipped:
        name, checksum = done.get(migration.number, (migration.name, migration.checksum))
        if checksum != migration.checksum:
            raise SchemaMismatch(
                "migrate",
                f"{name} was edited after it was applied; restore the "
                "file and put the change into a new migration",
            )
    return [m for m in shipped if m.number not in done]


def check_schema(conn: Conn) -> None:
    """Refuse to work on a database that is not at head.

    Raises:
        SchemaMismatch: migrations are missing; names the command that repairs it.
    """
    with translate_db_errors("check the schema"):
        row = conn.execute("SELECT to_regclass('schema_migration')").fetchone()
        done = (
            conn.execute("SELECT number, name, checksum FROM schema_migration").fetchall()
            if row and row[0]
            else []
        )
    if pending := _pending({n: (name, c) for n, name, c in done}):
        raise SchemaMismatch(
            "check the schema",
            f"{len(pending)} migration(s) not applied, first "
            f"{pending[0].name}; run: greenpark migrate",
        )
