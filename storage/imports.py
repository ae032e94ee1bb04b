"""How far the import of a file has come: written with the rows themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from storage.db import Conn, named_sql, translate_db_errors


@dataclass(frozen=True)
class ImportKey:
    """One import: this content, read in this way."""

    sha256: bytes
    mapping_sha256: bytes

    @property
    def params(self) -> dict[str, Any]:
        """As query parameters."""
        return {"sha256": self.sha256, "mapping_sha256": self.mapping_sha256}


@dataclass(frozen=True)
class ImportProgress:
    """An import that was begun.

    Attributes:
        rows_done: rows of the file whose readings are all stored or refused.
        counters: in readings, by outcome.
        finished_at: None as long as rows are left.
    """

    rows_done: int
    counters: Mapping[str, int]
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None


def find_import(conn: Conn, key: ImportKey) -> ImportProgress | None:
    """What is known of an import; None: it was never begun."""
    with (
        translate_db_errors("find an import"),
        conn.cursor(row_factory=class_row(ImportProgress)) as cur,
    ):
        return cur.execute(named_sql("imports")["find_import"], key.params).fetchone()


def begin_import(conn: Conn, key: ImportKey, file_name: str, now: datetime) -> None:
    """Note that an import begins, or begins again."""
    with translate_db_errors("begin an import"):
        conn.execute(
            named_sql("imports")["begin_import"],
            key.params | {"file_name": file_name, "now": now},
        )


def save_import(
    conn: Conn,
    key: ImportKey,
    rows_done: int,
    counters: Mapping[str, int],
    now: datetime,
    *,
    finished: bool = False,
) -> None:
    """Note how far an import has come, in the caller's transaction."""
    params = key.params | {
        "rows_done": rows_done,
        "counters": Jsonb(dict(counters)),
        "now": now,
        "finished_at": now if finished else None,
    }
    with translate_db_errors("save an import"):
        conn.execute(named_sql("imports")["save_import"], params)
