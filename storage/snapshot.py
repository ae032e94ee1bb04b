"""What the rules look at, read in a few set-based queries; rows as plain tuples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from storage.db import Conn, named_sql, translate_db_errors

Row = tuple[Any, ...]


@dataclass(frozen=True)
class SnapshotRows:
    """Rows in the order of columns of `storage/sql/snapshot.sql`."""

    values: list[Row]
    limits: list[Row]
    forecasts: list[Row]
    savings: list[Row]
    findings: list[Row]
    heard: list[Row]
    undelivered: list[Row]
    jobs: list[Row]
    open: list[Row]


def snapshot_rows(
    conn: Conn,
    park_id: int,
    keys: Sequence[Mapping[str, Any]],
    today: date,
    stop_by: date,
    now: datetime,
    wall_since: datetime,
) -> SnapshotRows:
    """Everything as of `now` (park clock).

    Args:
        keys: indicator, kind, points and only_final of the values that are wanted.
        stop_by: no period that ends later, but the month that lasts.
        wall_since: refused messages since then (wall clock).

    Raises:
        StorageError: the database did not answer.
    """
    params = {
        "park_id": park_id,
        "keys": Jsonb([dict(key) for key in keys]),
        "today": today,
        "stop_by": stop_by,
        "now": now,
        "wall_since": wall_since,
    }

    def ask(name: str) -> list[Row]:
        return conn.execute(named_sql("snapshot")[name], params).fetchall()

    with translate_db_errors("read what the rules look at"):
        return SnapshotRows(
            values=ask("snapshot_values"),
            limits=ask("snapshot_limits"),
            forecasts=ask("snapshot_forecasts"),
            savings=ask("snapshot_savings"),
            findings=ask("snapshot_findings"),
            heard=ask("snapshot_heard"),
            undelivered=ask("snapshot_undelivered"),
            jobs=ask("snapshot_jobs"),
            open=ask("snapshot_open"),
        )
