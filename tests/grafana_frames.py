"""The answer of a query as Grafana's data frames, with the column rules that Grafana enforces."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg

_NUMBERS = {16, 20, 21, 23, 700, 701, 1700}  # bool, int8, int2, int4, float4, float8, numeric
_TIMES = {1082, 1114, 1184}  # date, timestamp, timestamptz
_TEXTS = {18, 19, 25, 1042, 1043, 2950}  # char, name, text, bpchar, varchar, uuid


class ColumnError(ValueError):
    """Grafana would show an error instead of the data."""


def run(conn: psycopg.Connection[Any], sql: str, fmt: str) -> dict[str, Any]:
    """Run an expanded query; returns one frame in the wire format of `/api/ds/query`.

    Raises:
        ColumnError: the columns do not fit the format.
    """
    with conn.cursor() as cur:
        cur.execute(sql)  # type: ignore[call-overload]
        rows = cur.fetchall()
        columns = [(c.name, _kind(c.name, c.type_code)) for c in cur.description or ()]
    names = [name for name, _ in columns]
    if len(set(names)) != len(names):
        raise ColumnError(f"a column name is used twice: {names}")
    if fmt == "time_series":
        _check_series(columns, rows)
    fields = [
        {
            "name": "Time" if fmt == "time_series" and name == "time" else name,
            "type": kind,
            "config": {},
        }
        for name, kind in columns
    ]
    values = [[_wire(row[i]) for row in rows] for i in range(len(columns))]
    return {"schema": {"fields": fields}, "data": {"values": values}}


def rows_of(frame: dict[str, Any]) -> int:
    """Number of rows."""
    values = frame["data"]["values"]
    return len(values[0]) if values else 0


def column(frame: dict[str, Any], name: str) -> list[Any]:
    """Values of one column."""
    names = [f["name"] for f in frame["schema"]["fields"]]
    values: list[Any] = frame["data"]["values"][names.index(name)]
    return values


def _kind(name: str, oid: int) -> str:
    for kind, oids in (("number", _NUMBERS), ("time", _TIMES), ("string", _TEXTS)):
        if oid in oids:
            return kind
    raise ColumnError(f"column {name!r}: type {oid} cannot be shown")


def _check_series(columns: list[tuple[str, str]], rows: list[tuple[Any, ...]]) -> None:
    if ("time", "time") not in columns:
        raise ColumnError(f"no time column called time: {columns}")
    if any(kind == "string" for _, kind in columns):
        raise ColumnError("text columns make labels; our series are columns")
    times = [row[columns.index(("time", "time"))] for row in rows]
    if None in times or times != sorted(times) or len(set(times)) != len(times):
        raise ColumnError("time is null, repeated or not ascending")


def _wire(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, date):
        return round(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000)
    if isinstance(value, Decimal):
        return float(value)
    return value
