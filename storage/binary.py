"""Columns as PostgreSQL's binary COPY, built by array: row by row costs four times more.

Source: PostgreSQL manual, COPY, "Binary Format"; timestamptz is microseconds since 2000-01-01.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from storage.db import Conn, named_sql

Array = np.ndarray[Any, Any]

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
PG_EPOCH_US = 946_684_800_000_000
"""2000-01-01 UTC, from which PostgreSQL counts, in microseconds since 1970."""
_DAY_US = 86_400_000_000
_EPOCH_DAY = date(2000, 1, 1).toordinal()
_ARRAY_HEADER = 20  # dimensions, flags, type, length, lower bound


@dataclass(frozen=True)
class Columns:
    """Readings by column: int4, timestamptz [us since 2000], float8, timestamptz, bool."""

    channel: Array
    ts: Array
    value: Array
    received: Array
    correction: Array

    @classmethod
    def of(cls, readings: Sequence[tuple[int, int, float, int, bool]]) -> Columns:
        """Columns of (channel, time [us since 1970], value, arrival [us since 1970], correction).

        Raises:
            OverflowError: a number beyond the range of its column.
        """
        channel, ts_us, value, received_us, correction = zip(*readings, strict=True)
        return cls(
            np.array(channel, dtype=np.int32),
            np.array(ts_us, dtype=np.int64) - PG_EPOCH_US,
            np.array(value, dtype=np.float64),
            np.array(received_us, dtype=np.int64) - PG_EPOCH_US,
            np.array(correction, dtype=np.bool_),
        )

    def in_key_order(self) -> Columns:
        """Sorted by channel, time and arrival: writers in one order do not deadlock."""
        order = np.lexsort((self.ts, self.channel))
        return Columns(
            self.channel[order],
            self.ts[order],
            self.value[order],
            self.received[order],
            self.correction[order],
        )

    def ranges(self) -> tuple[Array, Array, Array]:
        """Channel, first and last time of every channel and UTC day; needs key order."""
        day = self.ts // _DAY_US
        new = np.ones(len(day), dtype=np.bool_)
        new[1:] = (self.channel[1:] != self.channel[:-1]) | (day[1:] != day[:-1])
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(day)) - 1
        return self.channel[first], self.ts[first], self.ts[last]


def pg_times(epoch_s: Array) -> Array:
    """Fields timestamptz of epoch seconds, to the microsecond."""
    return np.rint(epoch_s * 1e6).astype(np.int64) - PG_EPOCH_US


def copy_stream(*columns: Array) -> bytes:
    """The COPY stream of columns of equal length: ints, floats, bools, byte strings."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for number, column in enumerate(columns):
        kind = "u1" if column.dtype.kind == "b" else column.dtype.newbyteorder(">").str
        fields += [(f"length_{number}", ">i4"), (f"field_{number}", kind)]
    rows: Array = np.empty(len(columns[0]), dtype=np.dtype(fields))
    rows["fields"] = len(columns)
    for number, column in enumerate(columns):
        rows[f"length_{number}"] = column.dtype.itemsize
        rows[f"field_{number}"] = column
    return _HEADER + rows.tobytes() + _TRAILER


def elements(arrays: Sequence[bytes], kind: str) -> Array:
    """Elements of arrays without nulls, as `array_send` has them: each after its length.

    Args:
        kind: numpy name of the element, big-endian, e.g. `>f8`.
    """
    data = b"".join(array[_ARRAY_HEADER:] for array in arrays)
    parts = np.frombuffer(data, dtype=np.dtype([("length", ">i4"), ("element", kind)]))
    return parts["element"].astype(np.dtype(kind).newbyteorder("="))


def pg_days(wanted: Iterable[date]) -> Array:
    """Fields date of days."""
    return np.array([day.toordinal() - _EPOCH_DAY for day in wanted], dtype=np.int32)


def copy_in(conn: Conn, area: str, name: str, *columns: Array) -> None:
    """Send columns of equal length through the COPY statement `name` of an area of SQL."""
    with conn.cursor() as cur, cur.copy(named_sql(area)[name]) as copy:
        copy.write(copy_stream(*columns))
