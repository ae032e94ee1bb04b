"""Manual edits of 15-minute values: who, why, undone when; nothing is deleted."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from storage.db import Conn, named_sql, translate_db_errors

EditedValues = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int32]]


def edited_channels(conn: Conn) -> set[int]:
    """Channels that have an edit that counts."""
    with translate_db_errors("read the edits"):
        return {row[0] for row in conn.execute(named_sql("edits")["edited_channels"]).fetchall()}


def active_values(conn: Conn, channel_id: int, low_s: float, high_s: float) -> EditedValues:
    """Edited quarter-hours of `[low_s, high_s)`, the newest edit of each.

    Returns:
        Epoch seconds ascending, values [canonical unit, NaN: declared missing], edit numbers.
    """
    with translate_db_errors("read the edits"):
        rows = conn.execute(
            named_sql("edits")["active_values"],
            {
                "channel_id": channel_id,
                "low": datetime.fromtimestamp(low_s, UTC),
                "high": datetime.fromtimestamp(high_s, UTC),
            },
        ).fetchall()
    start, value, edit = zip(*rows, strict=True) if rows else ((), (), ())
    return (
        np.array(start, dtype=np.int64),
        np.array([np.nan if v is None else v for v in value], dtype=np.float64),
        np.array(edit, dtype=np.int32),
    )
