"""How far raw readings reach back: removed beyond a horizon, before which nothing is recomputed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from storage.db import Conn, named_sql, translate_db_errors
from storage.timescale import drop_reading_chunks

CONTEXT = timedelta(days=2)
"""Readings this far before the horizon are kept: what lies after it still needs its past."""


def sealed_until(conn: Conn) -> datetime | None:
    """Intervals before this time are final: their readings are gone. None: nothing was removed."""
    with translate_db_errors("read the horizon"):
        row = conn.execute(named_sql("lifecycle")["horizon"]).fetchone()
    return row[0] if row else None


def work_before(conn: Conn, at: datetime) -> int:
    """Stale ranges of channels in use that reach before a time."""
    with translate_db_errors("look for waiting work"):
        row = conn.execute(named_sql("lifecycle")["work_before"], {"at": at}).fetchone()
    return int(row[0]) if row else 0


def remove_readings(
    conn: Conn, horizon: datetime, progress: Callable[[int, int], None] = lambda done, of: None
) -> None:
    """Move the horizon forward and remove the readings before it; safe to repeat.

    The horizon is committed first: whatever happens then, no interval is computed from readings
    that are half gone. Intervals, roll-ups, restatements and findings stay for ever.

    Args:
        horizon: intervals before it become final.
        progress: called with channels done and their number, where tables are plain.
    """
    sql = named_sql("lifecycle")
    before = horizon - CONTEXT
    with translate_db_errors("remove old readings"):
        with conn.transaction():
            conn.execute(sql["move_horizon"], {"at": horizon})
        with conn.transaction():
            dropped = drop_reading_chunks(conn, before)
            conn.execute(sql["remove_revisions"], {"before": before})
            conn.execute(sql["remove_marks"], {"before": before})
        if dropped is not None:
            return
        numbers = conn.execute(sql["all_channels"]).fetchall()
        for done, (number,) in enumerate(numbers, 1):
            with conn.transaction():
                conn.execute(sql["remove_readings"], {"channel_id": number, "before": before})
            progress(done, len(numbers))
