"""15-minute intervals: the work list of what is stale, and the replacement of what it touches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg.rows import dict_row

from models.periods import from_s
from models.quality import MEASURED, METHODS
from storage.binary import copy_in, pg_times
from storage.db import Conn, named_sql, translate_db_errors


@dataclass(frozen=True)
class StaleRange:
    """Readings of a channel in `[start_at, stop_at]`, both inclusive, are new."""

    channel_id: int
    start_at: datetime
    stop_at: datetime
    reason: str


@dataclass(frozen=True)
class ShapedGap:
    """A gap whose shape came from the like days of `[since_s, start_s)`; epoch seconds."""

    start_s: float
    stop_s: float
    since_s: float


@dataclass(frozen=True)
class Recomputed:
    """New buckets of one channel that replace all stored ones of `[low_s, high_s)`.

    Attributes:
        start_s, value, method: arrays of equal length; canonical unit, number in `METHODS`.
        edit_id: number of the edit that replaced a value, 0 for none; None: no edits at all.
        extremes: gauges: arrays low, high, last.
        shaped: the gaps in the range that were estimated by like days.
    """

    channel_id: int
    low_s: float
    high_s: float
    reason: str
    start_s: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    method: npt.NDArray[np.uint8]
    edit_id: npt.NDArray[np.int32] | None = None
    extremes: tuple[npt.NDArray[np.float64], ...] | None = None
    shaped: Sequence[ShapedGap] = ()

    @property
    def plain(self) -> bool:
        """True if every value is measured and nothing is to be said about it."""
        return (
            self.extremes is None and self.edit_id is None and bool((self.method == MEASURED).all())
        )


def take_stale_ranges(conn: Conn, channel_ids: Collection[int], limit: int) -> list[StaleRange]:
    """Claim work; it is gone when the caller's transaction commits, back if it does not."""
    with translate_db_errors("take stale ranges"):
        rows = conn.execute(
            named_sql("intervals")["take_stale_ranges"],
            {"channels": list(channel_ids), "limit": limit},
        )
        return [StaleRange(*row) for row in rows.fetchall()]


def put_back(conn: Conn, ranges: Sequence[StaleRange]) -> None:
    """Return claimed work that could not be done to the list."""
    with translate_db_errors("put stale ranges back"):
        conn.cursor().executemany(
            named_sql("intervals")["put_back"],
            [asdict(r) for r in ranges],
        )


def mark_stale(
    conn: Conn,
    channel_ids: Sequence[int],
    start: datetime | None,
    stop: datetime | None,
    reason: str,
) -> int:
    """Put readings and intervals of `[start, stop)` on the work list; None: without bound.

    Intervals too: a stored one may lie where no reading is. Returns the number of ranges.
    """
    params = {"channels": list(channel_ids), "start": start, "stop": stop, "reason": reason}
    with translate_db_errors("mark readings stale"):
        return conn.execute(named_sql("intervals")["mark_stale"], params).rowcount


def last_restatement(conn: Conn) -> int:
    """Number of the newest restatement."""
    return _count(conn, "last_restatement", {})


def changes_since(conn: Conn, number: int) -> list[dict[str, Any]]:
    """What was restated after that number, by channel: quarters, first, last, old and new sum."""
    with translate_db_errors("sum up restatements"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("intervals")["changes_since"], {"number": number}).fetchall()


def replace_intervals(conn: Conn, parts: Sequence[Recomputed], now: datetime) -> int:
    """Replace the buckets of each part, log restatements, mark what follows from them stale.

    Returns:
        Number of buckets that are new or changed.
    """
    if not parts:
        return 0
    sql = named_sql("intervals")
    common = {
        "now": now,
        "methods": list(METHODS[1:]),
        "low": from_s(min(p.low_s for p in parts)),
        "high": from_s(max(p.high_s for p in parts)),
    }
    with translate_db_errors("replace intervals"), conn.cursor() as cur:
        cur.execute(sql["create_interval_staging"])
        cur.execute(sql["create_range_staging"])
        # batches before this one may share its transaction, that of a dry run
        cur.execute("TRUNCATE interval_staging, range_staging")
        _stage_ranges(conn, parts)
        cur.execute("ANALYZE range_staging")  # few ranges: no join with all of history
        in_use = set(cur.execute(sql["ranges_in_use"], common).fetchall())
        cur.execute(sql["delete_shaped_gaps"])
        _write_gaps(conn, parts)
        known: list[Recomputed] = []
        fresh: list[Recomputed] = []
        for part in parts:
            is_known = (part.channel_id, part.low_s) in in_use or part.edit_id is not None
            (known if is_known else fresh).append(part)
        written = 0
        if known:
            cur.execute("TRUNCATE range_staging")
            _stage_ranges(conn, known)
            _stage(conn, known)
            cur.execute("ANALYZE range_staging, interval_staging")
            cur.execute(sql["record_restatements"], common)
            written += _count(conn, "replace_staged", common)
        written += _copy_new(conn, fresh, now)
    return written


def _stage_ranges(conn: Conn, parts: Sequence[Recomputed]) -> None:
    with conn.cursor() as cur, cur.copy(named_sql("intervals")["copy_ranges"]) as copy:
        copy.set_types(("int4", "timestamptz", "timestamptz", "text"))
        for part in parts:
            copy.write_row((part.channel_id, from_s(part.low_s), from_s(part.high_s), part.reason))


def _copy_new(conn: Conn, parts: Sequence[Recomputed], now: datetime) -> int:
    """Values where nothing is stored yet go straight into the table, at a third of the price."""
    parts = [p for p in parts if len(p.start_s)]
    if not parts:
        return 0
    computed = pg_times(np.array([now.timestamp()]))
    amounts = [p for p in parts if p.extremes is None]
    if amounts:
        columns = _columns(amounts)
        for code in np.unique(columns[3]).tolist():
            rows = [c[columns[3] == code] for c in columns[:3]]
            size = len(rows[0])
            rows += [np.full(size, _quality(code)), np.repeat(computed, size)]
            if code == MEASURED:
                copy_in(conn, "intervals", "copy_measured", *rows)
            else:
                method = np.full(size, METHODS[code].encode())
                copy_in(conn, "intervals", "copy_estimated", *rows, method)
    for part in parts:
        if part.extremes is not None:
            size = len(part.start_s)
            rows = [*_columns([part])[:3], np.full(size, _quality(MEASURED))]
            rows += [np.repeat(computed, size), *part.extremes]
            copy_in(conn, "intervals", "copy_states", *rows)
    ranges = {
        "channels": [p.channel_id for p in parts],
        "lows": [from_s(p.low_s) for p in parts],
        "highs": [from_s(p.high_s) for p in parts],
    }
    conn.execute(named_sql("intervals")["mark_days_stale"], ranges)
    conn.execute(named_sql("intervals")["mark_gaps_stale"], ranges)
    return sum(len(p.start_s) for p in parts)


def _quality(method: int) -> bytes:
    return b"measured" if method == MEASURED else b"estimated"


def _stage(conn: Conn, parts: Sequence[Recomputed]) -> None:
    """Amounts, gauges and what was edited differ in their columns."""
    amounts = [p for p in parts if p.extremes is None and p.edit_id is None]
    if amounts:
        copy_in(conn, "intervals", "copy_amounts", *_columns(amounts))
    for part in parts:
        columns, states = _columns([part]), part.extremes or ()
        names = ("copy_gauges", "copy_edited_gauges") if states else ("copy_amounts", "copy_edited")
        edited = np.zeros(len(part.start_s), bool) if part.edit_id is None else part.edit_id > 0
        if part.edit_id is not None:
            rows = (c[edited] for c in (*columns, part.edit_id, *states))
            copy_in(conn, "intervals", names[1], *rows)
        if part.edit_id is not None or states:
            copy_in(conn, "intervals", names[0], *(c[~edited] for c in (*columns, *states)))


def _columns(parts: Sequence[Recomputed]) -> tuple[npt.NDArray[Any], ...]:
    channel = np.repeat(
        np.array([p.channel_id for p in parts], dtype=np.int32), [len(p.start_s) for p in parts]
    )
    start = pg_times(np.concatenate([p.start_s for p in parts]).astype(np.float64))
    value = np.concatenate([p.value for p in parts])
    method = np.concatenate([p.method for p in parts]).astype(np.int16)
    return channel, start, value, method


def _write_gaps(conn: Conn, parts: Sequence[Recomputed]) -> None:
    rows = [
        {
            "channel_id": part.channel_id,
            "start": from_s(gap.start_s),
            "stop": from_s(gap.stop_s),
            "since": from_s(gap.since_s),
        }
        for part in parts
        for gap in part.shaped
    ]
    if rows:
        conn.cursor().executemany(named_sql("intervals")["insert_shaped_gap"], rows)


def measured_values(
    conn: Conn, channel_id: int, start_s: float, stop_s: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Measured quarter-hours of `[start_s, stop_s)`: epoch seconds and canonical values."""
    with translate_db_errors("read measured intervals"), conn.cursor(binary=True) as cur:
        rows = cur.execute(
            named_sql("intervals")["measured_values"],
            {"channel_id": channel_id, "start": from_s(start_s), "stop": from_s(stop_s)},
        ).fetchall()
    start, value = zip(*rows, strict=True) if rows else ((), ())
    return np.array(start, dtype=np.int64), np.array(value, dtype=np.float64)


def _count(conn: Conn, name: str, params: dict[str, Any]) -> int:
    row = conn.execute(named_sql("intervals")[name], params).fetchone()
    return int(row[0]) if row else 0


def take_stale_days(conn: Conn, limit: int) -> list[tuple[int, date]]:
    """Claim (channel, local day) pairs whose roll-up has to be made anew."""
    with translate_db_errors("take stale days"):
        rows = conn.execute(named_sql("intervals")["take_stale_days"], {"limit": limit}).fetchall()
    return [(channel, day) for channel, day in rows]
