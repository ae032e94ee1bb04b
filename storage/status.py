"""Figures at a glance: the live table and the closing page of the demo."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from storage.db import Conn, named_sql, translate_db_errors


def figures(conn: Conn, name: str, park_id: int | None = None) -> list[dict[str, Any]]:
    """Rows of a block of `storage/sql/demo.sql`, e.g. enterprise_status or totals."""
    with translate_db_errors(f"read {name}"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("demo")[name], {"park_id": park_id}).fetchall()
