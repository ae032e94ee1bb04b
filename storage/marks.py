"""Readings that their source itself calls estimated."""

from __future__ import annotations

from datetime import UTC, datetime

from storage.db import Conn, named_sql, translate_db_errors


def marked_times(conn: Conn, channel_id: int, start_s: float, stop_s: float) -> list[float]:
    """Times [epoch s] of marked readings of `[start_s, stop_s)`."""
    with translate_db_errors("read marks"):
        rows = conn.execute(
            named_sql("marks")["marked_times"],
            {
                "channel_id": channel_id,
                "start": datetime.fromtimestamp(start_s, UTC),
                "stop": datetime.fromtimestamp(stop_s, UTC),
            },
        ).fetchall()
    return [row[0] for row in rows]
