"""What the rules look at, read in a few set-based queries; rows as plain tuples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from models.periods import Period
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


def collector_signs(conn: Conn) -> list[datetime]:
    """When each collector that has subscriptions last gave a sign of life (its own clock).

    Raises:
        StorageError: the database did not answer.
    """
    return [at for (at,) in _ask(conn, "snapshot_collectors", {})]


def load_hours(conn: Conn, park_id: int, span: Period) -> list[Row]:
    """Enterprise and its end use [kWh] of each whole hour, the least first.

    Raises:
        StorageError: the database did not answer.
    """
    params = {"park_id": park_id, "start": span.start, "stop": span.stop}
    return _ask(conn, "snapshot_loads", params)


def curtailed_hours(conn: Conn, park_id: int, span: Period) -> list[Row]:
    """Hours of plants with their curtailment and the import of the park, see the statement.

    Raises:
        StorageError: the database did not answer.
    """
    params = {"park_id": park_id, "start": span.start, "stop": span.stop}
    return _ask(conn, "snapshot_curtailed", params)


def restated_channels(conn: Conn, park_id: int, since: datetime, now: datetime) -> list[Row]:
    """Channels whose energy of past days changed after `since`, see the statement.

    Raises:
        StorageError: the database did not answer.
    """
    return _ask(conn, "snapshot_restated", {"park_id": park_id, "since": since, "now": now})


def _ask(conn: Conn, name: str, params: Mapping[str, Any]) -> list[Row]:
    with translate_db_errors("read what the rules look at"):
        return conn.execute(named_sql("snapshot")[name], params).fetchall()
