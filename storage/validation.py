"""What the validation job reads: its work list, and whole windows of a channel as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from models.periods import from_s
from storage.binary import PG_EPOCH_US
from storage.db import Conn, named_sql, translate_db_errors

Floats = npt.NDArray[np.float64]

_INTERVAL = np.dtype([("at", ">i8"), ("value", ">f8")])
_EXTREMES = np.dtype([("low", ">f8"), ("high", ">f8")])
_READING = np.dtype([("at", ">i8"), ("received", ">i8"), ("value", ">f8")])
_PG_EPOCH_S = PG_EPOCH_US // 1_000_000
_QUALITY = np.zeros(128, dtype=np.uint8)
_QUALITY[[ord("e"), ord("s"), ord("d")]] = (0, 1, 2)  # measured, estimated, edited


@dataclass(frozen=True)
class Span:
    """`[low_s, high_s)` of a channel, epoch seconds."""

    channel_id: int
    low_s: int
    high_s: int


@dataclass(frozen=True)
class StoredBuckets:
    """15-minute values of a span, ascending.

    Attributes:
        start_s: epoch seconds.
        value, low, high: canonical unit; extremes are NaN except for gauges.
        quality: 0 measured, 1 estimated, 2 edited.
    """

    start_s: npt.NDArray[np.int64]
    value: Floats
    quality: npt.NDArray[np.uint8]
    low: Floats
    high: Floats


@dataclass(frozen=True)
class StoredReadings:
    """Raw readings of a span and its two neighbours, ascending; corrections are applied."""

    at_s: Floats
    received_s: Floats
    value: Floats


def take_checks(conn: Conn, stops: Mapping[int, date], limit: int) -> list[tuple[int, date]]:
    """Claim (channel, local day) pairs that changed and are over.

    Args:
        stops: channel -> its first unfinished day.
    """
    params = {"channels": list(stops), "stops": list(stops.values()), "limit": limit}
    with translate_db_errors("take checks"):
        rows = conn.execute(named_sql("validation")["take_checks"], params).fetchall()
    return [(channel, day) for channel, day in rows]


def last_values(
    conn: Conn, channels: Sequence[int], low: datetime, high: datetime
) -> dict[int, datetime]:
    """Start of the last quarter-hour in `[low, high)` that has a value; absent if none has."""
    params = {"channels": list(channels), "low": low, "high": high}
    with translate_db_errors("look for the last values"):
        return dict(conn.execute(named_sql("validation")["last_values"], params).fetchall())


def checked_until(conn: Conn) -> dict[int, date]:
    """First local day that was not yet looked at, per channel; new channels are absent."""
    with translate_db_errors("read what was checked"):
        return dict(conn.execute(named_sql("validation")["checked_until"]).fetchall())


def set_checked_until(conn: Conn, until: Mapping[int, date]) -> None:
    """Note how far the days of channels have been looked at."""
    params = {"channels": list(until), "days": list(until.values())}
    with translate_db_errors("note what was checked"):
        conn.execute(named_sql("validation")["set_checked_until"], params)


def span_buckets(conn: Conn, spans: Sequence[Span]) -> list[StoredBuckets]:
    """15-minute values of each span."""
    out = []
    for raw, quality, extremes in _texts(conn, "window_intervals", spans, (b"", "", None)):
        rows = np.frombuffer(raw, _INTERVAL)
        ends = np.frombuffer(extremes or b"", _EXTREMES)
        if len(ends) != len(rows):  # amounts, and states from before their extremes were kept
            ends = np.full(len(rows), np.nan, dtype=_EXTREMES)
        out.append(
            StoredBuckets(
                rows["at"].astype(np.int64) // 1_000_000 + _PG_EPOCH_S,
                rows["value"].astype(np.float64),
                _QUALITY[np.frombuffer(quality.encode(), np.uint8)],
                ends["low"].astype(np.float64),
                ends["high"].astype(np.float64),
            )
        )
    return out


def span_readings(conn: Conn, spans: Sequence[Span]) -> list[StoredReadings]:
    """Raw readings of each span, and the next ones on both sides; the newest correction counts."""
    out = []
    for (raw,) in _texts(conn, "window_readings", spans, (b"",)):
        rows = np.frombuffer(raw, _READING)
        at_s, received_s = (rows[n].astype(np.float64) / 1e6 + _PG_EPOCH_S for n in _TIMES)
        out.append(StoredReadings(at_s, received_s, rows["value"].astype(np.float64)))
    with translate_db_errors("read corrections"):
        found = conn.execute(named_sql("validation")["window_corrections"], _params(spans))
        for n, at_s, value in found.fetchall():
            mine = out[n - 1]
            mine.value[np.abs(mine.at_s - at_s) < 1e-6] = value
    return out


_TIMES = ("at", "received")


def span_edges(conn: Conn, spans: Sequence[Span]) -> list[tuple[float | None, float | None]]:
    """Start of the last value before each span and of the first after it, epoch seconds."""
    with translate_db_errors("read what is around"):
        rows = conn.execute(named_sql("validation")["window_edges"], _params(spans)).fetchall()
    return [(_seconds(before), _seconds(after)) for before, after in rows]


def span_findings(
    conn: Conn, spans: Sequence[Span], codes: Sequence[str]
) -> list[list[tuple[str, int, int]]]:
    """Findings that stand and touch each span: code, start and stop [epoch s]."""
    out: list[list[tuple[str, int, int]]] = [[] for _ in spans]
    params = _params(spans) | {"codes": list(codes)}
    with translate_db_errors("read findings"):
        rows = conn.execute(named_sql("validation")["window_findings"], params).fetchall()
    for n, code, start_s, stop_s in rows:
        out[n - 1].append((code, start_s, stop_s))
    return out


def span_days(
    conn: Conn, ranges: Sequence[tuple[int, date, date]]
) -> list[dict[date, tuple[float, bool]]]:
    """Daily amount and whether the day is complete, of (channel, first, stop)."""
    out: list[dict[date, tuple[float, bool]]] = [{} for _ in ranges]
    channels, lows, highs = ([list(c) for c in zip(*ranges, strict=True)]) or ([], [], [])
    params = {"channels": channels, "lows": lows, "highs": highs}
    with translate_db_errors("read days"):
        for n, day, value, complete in conn.execute(
            named_sql("validation")["window_days"], params
        ).fetchall():
            out[n - 1][day] = (value, complete)
    return out


def _texts(
    conn: Conn, name: str, spans: Sequence[Span], empty: tuple[Any, ...]
) -> list[tuple[Any, ...]]:
    out = [empty] * len(spans)
    with translate_db_errors(name.replace("_", " ")), conn.cursor(binary=True) as cur:
        for n, *texts in cur.execute(named_sql("validation")[name], _params(spans)).fetchall():
            out[n - 1] = tuple(texts)
    return out


def _params(spans: Sequence[Span]) -> dict[str, Any]:
    return {
        "channels": [s.channel_id for s in spans],
        "lows": [from_s(s.low_s) for s in spans],
        "highs": [from_s(s.high_s) for s in spans],
    }


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
