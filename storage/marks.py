"""Readings that their source itself calls estimated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from models.periods import from_s, from_us
from storage.db import Conn, named_sql, translate_db_errors


class Mark(NamedTuple):
    """A value that its source calls estimated: channel, time [us since 1970 UTC], raw value."""

    channel_id: int
    ts_us: int
    value: float


def save_marks(conn: Conn, rows: Sequence[Mark]) -> int:
    """Mark values, inside the transaction that stored them; safe to repeat.

    A mark belongs to a value: it counts while that value is in force, not where the value was kept
    apart as a conflict, nor after a correction. What a new mark may change is stale.

    Returns:
        Number of values that were not marked before.
    """
    if not rows:
        return 0
    channels, times_us, values = zip(*rows, strict=True)
    params = {
        "channels": list(channels),
        "times": [from_us(ts_us) for ts_us in times_us],
        "values": list(values),
    }
    with translate_db_errors(f"save {len(rows)} marks"):
        row = conn.execute(named_sql("marks")["save_marks"], params).fetchone()
    return int(row[0]) if row else 0


def marked_times(conn: Conn, channel_id: int, start_s: float, stop_s: float) -> list[float]:
    """Times [epoch s] of marked readings of `[start_s, stop_s)`, ascending; as the readings'."""
    params = {
        "channel_id": channel_id,
        "start": from_s(start_s),
        "stop": from_s(stop_s),
    }
    with translate_db_errors(f"marks of channel {channel_id}"), conn.cursor(binary=True) as cur:
        return [at_s for (at_s,) in cur.execute(named_sql("marks")["marked_times"], params)]
