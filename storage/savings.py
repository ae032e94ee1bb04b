"""Retrofit projects: the data of their boundary, and what verification made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from storage.db import Conn, named_sql, translate_db_errors


def complete_days(
    conn: Conn, park_id: int, paths: Sequence[str], start: date, stop: date
) -> dict[str, dict[date, float]]:
    """Amounts (means of gauges) of complete local days by `meter/channel`."""
    params = {"park_id": park_id, "paths": list(paths), "start": start, "stop": stop}
    with translate_db_errors("read days of a project"):
        rows = conn.execute(named_sql("savings")["complete_days"], params).fetchall()
    out: dict[str, dict[date, float]] = {}
    for path, day, value in rows:
        out.setdefault(path, {})[day] = value
    return out


def changes_of_meters(conn: Conn, park_id: int, paths: Sequence[str]) -> list[datetime]:
    """When dated records of the channels say that a device or a factor changed."""
    with translate_db_errors("read records of meters"):
        rows = conn.execute(
            named_sql("savings")["changes_of_meters"], {"park_id": park_id, "paths": list(paths)}
        ).fetchall()
    return [at for (at,) in rows]


def save_saving(conn: Conn, row: Mapping[str, Any]) -> None:
    """Keep the result of a project and year; `row` has the columns of the table and `now`."""
    with translate_db_errors("save a saving"):
        statistics = Jsonb(row["statistics"])
        conn.execute(named_sql("savings")["save_saving"], {**row, "statistics": statistics})


def forget_savings(conn: Conn, park_id: int, projects: Sequence[str]) -> None:
    """Remove results of projects that the park no longer has."""
    with translate_db_errors("forget savings"):
        conn.execute(
            named_sql("savings")["forget_savings"],
            {"park_id": park_id, "projects": list(projects)},
        )


def list_savings(conn: Conn, park_id: int) -> list[dict[str, Any]]:
    """Results of all projects and years."""
    with translate_db_errors("list savings"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("savings")["list_savings"], {"park_id": park_id}).fetchall()
