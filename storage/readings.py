"""Raw readings: idempotent batches, revisions, quarantine. One transaction per batch."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import numpy as np
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from models.installations import Installation
from models.periods import BUCKET_S, from_s, from_us
from models.reach import Reach
from storage.binary import Columns, copy_in
from storage.db import Conn, named_sql, translate_db_errors

ReadingTuple = tuple[int, int, float, int, bool]


class Reading(NamedTuple):
    """One raw value: channel, time of measurement, value in the channel's unit, arrival.

    Times are microseconds since 1970 UTC. A plain tuple in the same order will do: making one is
    five times faster, and tens of thousands a second are made.
    """

    channel_id: int
    ts_us: int
    value: float
    received_us: int
    correction: bool = False


@dataclass(frozen=True)
class Quarantined:
    """A message that could not be used, or not wholly.

    Attributes:
        reason: code of the first problem.
        detail: all problems: code, field, got, expected.
    """

    topic: str
    payload: bytes
    reason: str
    detail: Sequence[Mapping[str, Any]]
    received_at: datetime


@dataclass(frozen=True)
class Stored:
    """What became of a batch, in readings; the four sum up to what was given."""

    stored: int = 0
    duplicate: int = 0
    conflict: int = 0
    correction: int = 0


def store_batch(
    conn: Conn,
    readings: Sequence[ReadingTuple],
    quarantined: Sequence[Quarantined],
    *,
    repeated: bool = False,
) -> Stored:
    """Store a batch inside the caller's transaction; safe to repeat.

    A repetition is ignored, another value for the same channel and time is kept as a conflict
    with a finding, a declared correction replaces the value in all calculations.

    Args:
        repeated: the caller expects rows that are stored already; skips the try without a check.

    Raises:
        Unavailable: try the same batch again. Invalid: a row is refused, split the batch.
    """
    with translate_db_errors(f"store {len(readings)} readings"):
        result = _store_readings(conn, readings, repeated) if readings else Stored()
        for item in quarantined:
            _quarantine(conn, item)
    return result


def _store_readings(conn: Conn, readings: Sequence[ReadingTuple], repeated: bool) -> Stored:
    columns = Columns.of(readings)
    if not repeated and not columns.correction.any() and _store_new(conn, columns):
        return Stored(stored=len(readings))
    sql = named_sql("readings")
    conn.execute(sql["create_staging"])
    order = np.arange(len(readings), dtype=np.int32)
    c = columns
    staged = (order, c.channel, c.ts, c.value, c.received, c.correction)
    copy_in(conn, "readings", "copy_staging", *staged)
    inserted = _count(conn, "insert_staged")
    if inserted == len(readings):
        return Stored(stored=inserted)
    conflicts = conn.execute(sql["insert_conflicts"]).fetchall()
    corrections = _count(conn, "insert_corrections") if c.correction.any() else 0
    now = from_us(max(received_us for _, _, _, received_us, _ in readings))
    for channel_id, ts, value in conflicts:
        conn.execute(
            sql["conflict_finding"],
            {"channel_id": channel_id, "ts": ts, "value": value, "now": now},
        )
    rest = len(readings) - inserted - len(conflicts) - corrections
    return Stored(inserted, rest, len(conflicts), corrections)


def _store_new(conn: Conn, columns: Columns) -> bool:
    """Copy straight into the table, at half the price; False when a key is there already."""
    rows = columns.in_key_order()
    try:
        with conn.transaction():
            fields = (rows.channel, rows.ts, rows.value, rows.received)
            copy_in(conn, "readings", "copy_readings", *fields)
    except UniqueViolation:
        return False
    channel, first, last = rows.ranges()
    reason = np.full(len(channel), b"reading")
    copy_in(conn, "readings", "copy_stale", channel, first, last, reason)
    return True


def _count(conn: Conn, name: str) -> int:
    row = conn.execute(named_sql("readings")[name]).fetchone()
    return int(row[0]) if row else 0


def _quarantine(conn: Conn, item: Quarantined) -> None:
    topic = storable_text(item.topic)
    digest = hashlib.sha256(topic.encode() + b"\0" + item.payload).digest()
    conn.execute(
        named_sql("readings")["quarantine"],
        {
            "sha256": digest,
            "topic": topic,
            "payload": item.payload,
            "reason": item.reason,
            "detail": Jsonb(
                [{k: storable_text(str(v)) for k, v in d.items()} for d in item.detail]
            ),
            "at": item.received_at,
        },
    )


def storable_text(text: str) -> str:
    """The text without what PostgreSQL cannot hold: NUL and lone surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "replace").decode()


@dataclass(frozen=True)
class ChannelReadings:
    """Readings of one channel around what became stale.

    Attributes:
        at_s, values: epoch seconds and raw values, ascending in time.
        low_s, high_s: the buckets of `[low_s, high_s)` have to be computed anew.
    """

    at_s: list[float]
    values: list[float]
    low_s: float
    high_s: float


class Register(Protocol):
    """What decides how far readings of a register reach."""

    @property
    def period_s(self) -> int:
        """Nominal sampling period [s]."""

    @property
    def glitch_s(self) -> float:
        """Longest time [s] for which readings may leave the register and return."""

    @property
    def installations(self) -> Sequence[Installation]:
        """Dated records, ascending."""

    def reach(
        self, at_s: Sequence[float], values: Sequence[float], start_s: float, stop_s: float
    ) -> Reach:
        """What new readings in `[start_s, stop_s]` change."""


def channel_readings(
    conn: Conn,
    channel_id: int,
    start: datetime,
    stop: datetime,
    register: Register | None = None,
) -> ChannelReadings | None:
    """Readings that decide every bucket which a reading in `[start, stop]` can change.

    Around a register more readings are taken, eight times as many in each round, until they tell
    how far it reaches: one round wherever the register rises. One that stands still is not
    followed back to where that began, as long as it did not begin with a fall.

    Args:
        register: what has to be known of a register; None for all other kinds.
    """
    if register is None:
        return _neighbourhood(conn, channel_id, start, stop)
    context, margin_s = _CONTEXT, 2 * (register.glitch_s + BUCKET_S)
    usual_s = max(margin_s, (context + 1) * register.period_s)
    if (close := _close(conn, channel_id, start, stop, register, usual_s)) is not None:
        return close
    while True:
        near = _near(conn, channel_id, start, stop, context, timedelta(seconds=margin_s))
        if near is None:
            return None
        at_s, values, more = near
        reach = register.reach(at_s, values, start.timestamp(), stop.timestamp())
        known = (reach.low_s > -np.inf or not more[0], reach.high_s < np.inf or not more[1])
        if all(known):
            return _window(at_s, values, reach, register, start, stop)
        if known[1] and reach.constant is not None and reach.high_s == np.inf:
            idle = _idle(conn, channel_id, at_s, values, start, stop)
            if idle is not None:
                return idle
        context, margin_s = context * 8, margin_s * 8


_CONTEXT = 32  # readings on each side that are looked at first


def _close(
    conn: Conn,
    channel_id: int,
    start: datetime,
    stop: datetime,
    register: Register,
    margin_s: float,
) -> ChannelReadings | None:
    """The window, if readings within the margin tell it; None: look farther.

    The bounds are constants for the planner, so that of ten years of chunks it sees one or two.
    """
    margin = timedelta(seconds=margin_s)
    params = {"channel_id": channel_id, "low": start - margin, "high": stop + margin}
    sql = named_sql("readings")
    with translate_db_errors(f"read channel {channel_id}"), conn.cursor(binary=True) as cur:
        rows = cur.execute(sql["readings_between"], params).fetchall()
        if not rows:
            return None
        at_s, values = (list(column) for column in zip(*rows, strict=True))
        reach = register.reach(at_s, values, start.timestamp(), stop.timestamp())
        if reach.low_s == -np.inf:
            return None
        if reach.high_s == np.inf and cur.execute(sql["next_reading"], params).fetchone():
            return None
    return _window(at_s, values, reach, register, start, stop)


def _near(
    conn: Conn, channel_id: int, start: datetime, stop: datetime, context: int, margin: timedelta
) -> tuple[list[float], list[float], tuple[bool, bool]] | None:
    """Readings around `[start, stop]`, and whether there are more before and after them."""
    params = {
        "channel_id": channel_id,
        "start": start,
        "stop": stop,
        "context": context,
        "margin": margin,
    }
    with translate_db_errors(f"read channel {channel_id}"), conn.cursor(binary=True) as cur:
        rows = cur.execute(named_sql("readings")["near_readings"], params).fetchall()
    if not rows:
        return None
    at_s, values, before, after = zip(*rows, strict=True)
    return list(at_s), list(values), (before[0], after[0])


def _window(
    at_s: list[float],
    values: list[float],
    reach: Reach,
    register: Register,
    start: datetime,
    stop: datetime,
) -> ChannelReadings:
    """The window that a reach tells; at the ends of the data as far as readings and records go."""
    low_s, high_s = reach.low_s, reach.high_s
    records = [r.at_s for r in register.installations if r.replaced]
    if low_s == -np.inf:
        known = [t for t in records if t < at_s[0]][-1:]
        low_s = min(at_s[0], start.timestamp(), *known) // BUCKET_S * BUCKET_S
    if high_s == np.inf:
        known = [t for t in records if t > at_s[-1]][:1]
        high_s = max(at_s[-1], stop.timestamp(), *known) // BUCKET_S * BUCKET_S + BUCKET_S
    inside = slice(reach.first, reach.stop)
    return ChannelReadings(at_s[inside], values[inside], low_s, high_s)


def _idle(
    conn: Conn,
    channel_id: int,
    at_s: list[float],
    values: list[float],
    start: datetime,
    stop: datetime,
) -> ChannelReadings | None:
    """The window of a register that stands still, its newest readings included.

    None if the time before may have begun with a fall, which would have to be judged.
    """
    before = at_s[bisect_left(at_s, start.timestamp()) - 1]
    low_s = before // BUCKET_S * BUCKET_S
    first = bisect_right(at_s, low_s) - 1
    if first < 0:
        return None
    params = {"channel_id": channel_id, "before": from_s(at_s[0])}
    with translate_db_errors(f"read channel {channel_id}"), conn.cursor(binary=True) as cur:
        rows = cur.execute(named_sql("readings")["earlier_values"], params).fetchall()
    other = next((v for (v,) in rows if v != values[0]), values[0])
    if other > values[0]:
        return None
    high_s = max(at_s[-1], stop.timestamp()) // BUCKET_S * BUCKET_S + BUCKET_S
    return ChannelReadings(at_s[first:], values[first:], low_s, high_s)


def _neighbourhood(
    conn: Conn, channel_id: int, start: datetime, stop: datetime
) -> ChannelReadings | None:
    """Readings of the touched buckets, those of their neighbours and one more on each side."""
    params = {"channel_id": channel_id, "start": start, "stop": stop, "context": 1}
    with translate_db_errors(f"read channel {channel_id}"), conn.cursor(binary=True) as cur:
        rows = cur.execute(named_sql("readings")["channel_readings"], params).fetchall()
    if not rows:
        return None
    at_s, values, low, high = zip(*rows, strict=True)
    return ChannelReadings(list(at_s), list(values), low[0], high[0])


def period_readings(
    conn: Conn, channel_id: int, start: datetime, stop: datetime, period_s: int
) -> ChannelReadings:
    """Amounts per period that decide every bucket touched by one that starts in `[start, stop]`.

    Args:
        period_s: length of the periods [s]; readings mark their start.
    """
    low_s = start.timestamp() // BUCKET_S * BUCKET_S
    high_s = -((stop.timestamp() + period_s) // -BUCKET_S) * BUCKET_S
    params = {
        "channel_id": channel_id,
        "start": from_s(low_s - period_s),
        "stop": from_s(high_s),
    }
    with translate_db_errors(f"read channel {channel_id}"), conn.cursor(binary=True) as cur:
        rows = cur.execute(named_sql("readings")["period_readings"], params).fetchall()
    return ChannelReadings([r[0] for r in rows], [r[1] for r in rows], low_s, high_s)
