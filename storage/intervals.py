"""15-minute intervals: the work list of what is stale, and the replacement of what it touches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg.rows import dict_row

from storage.db import Conn, named_sql, translate_db_errors


@dataclass(frozen=True)
class StaleRange:
    """Readings of a channel in `[start_at, stop_at]`, both inclusive, are new."""

    channel_id: int
    start_at: datetime
    stop_at: datetime
    reason: str


@dataclass(frozen=True)
class Recomputed:
    """New buckets of one channel that replace all stored ones of `[low_s, high_s)`.

    Attributes:
        start_s, value, estimated: arrays of equal length; canonical unit.
        method: how the estimated ones were made.
    """

    channel_id: int
    low_s: float
    high_s: float
    reason: str
    start_s: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    estimated: npt.NDArray[np.bool_]
    method: str = "linear"


def take_stale_ranges(conn: Conn, limit: int) -> list[StaleRange]:
    """Claim work; it is gone when the caller's transaction commits, back if it does not."""
    with translate_db_errors("take stale ranges"):
        rows = conn.execute(named_sql("intervals")["take_stale_ranges"], {"limit": limit})
        return [StaleRange(*row) for row in rows.fetchall()]


def replace_intervals(conn: Conn, parts: Sequence[Recomputed], now: datetime) -> int:
    """Replace the buckets of each part, log restatements, mark local days stale.

    Returns:
        Number of buckets that are new or changed.
    """
    sql = named_sql("intervals")
    with translate_db_errors("replace intervals"), conn.cursor() as cur:
        cur.execute(sql["create_interval_staging"])
        cur.execute(sql["create_range_staging"])
        with cur.copy(sql["copy_ranges"]) as copy:
            copy.set_types(("int4", "timestamptz", "timestamptz", "text"))
            for part in parts:
                copy.write_row((part.channel_id, _utc(part.low_s), _utc(part.high_s), part.reason))
        with cur.copy(sql["copy_intervals"]) as copy:
            copy.set_types(("int4", "timestamptz", "float8", "text", "text"))
            for row in _rows(parts):
                copy.write_row(row)
        cur.execute("ANALYZE interval_staging")
        cur.execute(sql["record_restatements"], {"now": now})
        gone = cur.execute(sql["delete_vanished"]).rowcount
        changed = cur.execute(sql["upsert_intervals"], {"now": now}).rowcount
        cur.execute(sql["mark_days_stale"])
    return changed + gone


def _rows(parts: Sequence[Recomputed]) -> Iterator[tuple[Any, ...]]:
    for part in parts:
        for start_s, value, estimated in zip(
            part.start_s.tolist(), part.value.tolist(), part.estimated.tolist(), strict=True
        ):
            yield (
                part.channel_id,
                _utc(start_s),
                value,
                "estimated" if estimated else "measured",
                part.method if estimated else None,
            )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def take_stale_days(conn: Conn, limit: int) -> list[tuple[int, date]]:
    """Claim (channel, local day) pairs whose roll-up has to be made anew."""
    with translate_db_errors("take stale days"):
        rows = conn.execute(named_sql("intervals")["take_stale_days"], {"limit": limit}).fetchall()
    return [(channel, day) for channel, day in rows]


def list_intervals(
    conn: Conn, start: datetime, stop: datetime, meter: str | None = None
) -> list[dict[str, Any]]:
    """Intervals of `[start, stop)` as rows for output, by channel and time."""
    with translate_db_errors("list intervals"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(
            named_sql("intervals")["list_intervals"], {"start": start, "stop": stop, "meter": meter}
        ).fetchall()
