"""Reported activity data: appended with its audit, replaced but never deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import dict_row

from models.activity import Reported
from models.errors import ConfigError
from storage.balances import mark_indicators_stale
from storage.db import Conn, named_sql, translate_db_errors


@dataclass(frozen=True)
class ActivityFile:
    """Where reported data comes from, for the audit."""

    source: str
    content: bytes
    imported_by: str
    reason: str


@dataclass(frozen=True)
class ActivityResult:
    """What an import did: rows of the file, and rows in force that it withdrew."""

    new: int
    changed: int
    same: int
    withdrawn: int


def import_activity(
    conn: Conn,
    park_id: int,
    ids: Mapping[str, int],
    rows: Sequence[Reported],
    file: ActivityFile,
    now: datetime,
    period: tuple[date, date] | None = None,
) -> ActivityResult:
    """Store the rows of a file as a whole; needs a transaction.

    Args:
        ids: enterprise key -> number.
        period: months `[start, stop)` that the file tells completely for its enterprises and
            items: what it does not repeat is withdrawn.

    Raises:
        ConfigError: a row names an unknown enterprise.
    """
    unknown = [
        f"line {row.line}: no enterprise {row.enterprise!r}; expected one of: {', '.join(ids)}"
        for row in rows
        if row.enterprise not in ids
    ]
    if unknown:
        raise ConfigError(file.source, unknown)
    sql = named_sql("activity")
    with translate_db_errors(f"import {file.source}"), conn.cursor() as cur:
        cur.execute(sql["create_activity_staging"])
        cur.execute(sql["clear_activity_staging"])
        with cur.copy(sql["copy_activity"]) as copy:
            for r in rows:
                copy.write_row((ids[r.enterprise], r.item, r.month, r.detail, r.value, r.note))
        new, changed, same = cur.execute(sql["compare_activity"]).fetchone() or (0, 0, 0)
        params: dict[str, Any] = {
            "park_id": park_id,
            "source": file.source,
            "sha256": hashlib.sha256(file.content).digest(),
            "imported_by": file.imported_by,
            "reason": file.reason,
            "now": now,
        }
        (params["import_id"],) = cur.execute(sql["insert_activity_import"], params).fetchone() or (
            0,
        )
        touched = cur.execute(sql["replace_changed_activity"], params).fetchall()
        withdrawn: list[Any] = []
        if period is not None:
            params |= {"start": period[0], "stop": period[1]}
            withdrawn = cur.execute(sql["withdraw_activity"], params).fetchall()
        touched += withdrawn + cur.execute(sql["insert_activity"], params).fetchall()
    _mark(conn, touched)
    return ActivityResult(new, changed, same, len(withdrawn))


def _mark(conn: Conn, touched: Sequence[tuple[int, date]]) -> None:
    first: dict[int, date] = {}
    for number, month in touched:
        first[number] = min(first.get(number, month), month)
    for number, month in sorted(first.items()):
        mark_indicators_stale(conn, number, month)


def list_activity(conn: Conn, park_id: int, *, history: bool) -> list[dict[str, Any]]:
    """Reported values with who brought them; those that were replaced as well if asked."""
    with translate_db_errors("list activity data"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(
            named_sql("activity")["list_activity"], {"park_id": park_id, "history": history}
        ).fetchall()
