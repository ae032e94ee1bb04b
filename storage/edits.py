"""Manual edits of 15-minute values: who, why, undone when; nothing is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from psycopg.rows import dict_row

from models.periods import from_s
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
                "low": from_s(low_s),
                "high": from_s(high_s),
            },
        ).fetchall()
    start, value, edit = zip(*rows, strict=True) if rows else ((), (), ())
    return (
        np.array(start, dtype=np.int64),
        np.array([np.nan if v is None else v for v in value], dtype=np.float64),
        np.array(edit, dtype=np.int32),
    )


@dataclass(frozen=True)
class Edit:
    """What somebody says of the quarter-hours of `[start, stop)` of a channel.

    Attributes:
        values: one per quarter-hour, canonical unit; None: declared missing.
    """

    channel_id: int
    start: datetime
    stop: datetime
    kind: Literal["value", "total", "missing"]
    values: Sequence[float | None]
    who: str
    reason: str


def present_values(
    conn: Conn, channel_id: int, start: datetime, stop: datetime
) -> dict[datetime, float]:
    """Stored values of the quarter-hours of `[start, stop)`, canonical unit."""
    params = {"channel_id": channel_id, "start": start, "stop": stop}
    with translate_db_errors("read intervals"):
        return dict(conn.execute(named_sql("edits")["present_values"], params).fetchall())


def add_edit(conn: Conn, edit: Edit, now: datetime) -> int:
    """Record an edit and mark its range stale, in the caller's transaction; its number."""
    sql = named_sql("edits")
    params = {
        "channel_id": edit.channel_id,
        "start": edit.start,
        "stop": edit.stop,
        "kind": edit.kind,
        "who": edit.who,
        "reason": edit.reason,
        "now": now,
    }
    with translate_db_errors("add an edit"), conn.cursor() as cur:
        row = cur.execute(sql["add_edit"], params).fetchone()
        number = int(row[0]) if row else 0
        step = timedelta(minutes=15)
        rows = [(number, edit.start + n * step, v) for n, v in enumerate(edit.values)]
        with cur.copy(sql["copy_values"]) as copy:
            for row_of_value in rows:
                copy.write_row(row_of_value)
        why = f"edit {number} by {edit.who}: {edit.reason}"
        cur.execute(sql["mark_edit_stale"], {"id": number, "reason": why[:300]})
    return number


def undo_edit(conn: Conn, number: int, who: str, reason: str, now: datetime) -> datetime | None:
    """Undo an edit; it stays on record. Its start; None: none with this number counts."""
    params = {"id": number, "who": who, "reason": reason, "now": now}
    with translate_db_errors("undo an edit"):
        row = conn.execute(named_sql("edits")["undo_edit"], params).fetchone()
        if row is None:
            return None
        why = f"edit {number} undone by {who}: {reason}"
        conn.execute(named_sql("edits")["mark_edit_stale"], {"id": number, "reason": why[:300]})
    start: datetime = row[0]
    return start


def list_edits(conn: Conn, meter: str | None, *, everything: bool) -> list[dict[str, Any]]:
    """Edits for people, newest first; with `everything` also those undone."""
    params = {"meter": meter, "everything": everything}
    with translate_db_errors("list edits"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("edits")["list_edits"], params).fetchall()
