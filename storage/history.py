"""Quarter-hours, roll-ups and restatements for output: now, or as they were known at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from psycopg.rows import class_row, dict_row

from storage.db import Conn, named_sql, translate_db_errors

Row = dict[str, Any]
_PAGE = 10_000
_TABLES = {"hour": "list_hours", "day": "list_days", "month": "list_months"}
_ROLE_TABLES = {"hour": "list_role_hours", "day": "list_role_days", "month": "list_role_months"}


@dataclass(frozen=True)
class Shown:
    """A channel whose values are shown; `channel` is its path enterprise/meter/channel."""

    channel_id: int
    channel: str
    quantity: str
    kind: str
    role: str
    enterprise_id: int
    enterprise: str
    timezone: str
    in_service_from: date | None
    is_retired: bool

    @property
    def zone(self) -> ZoneInfo:
        """Zone of its park."""
        return ZoneInfo(self.timezone)


def shown_channels(
    conn: Conn,
    park: str | None = None,
    enterprise: str | None = None,
    meter: str | None = None,
    channel: str | None = None,
) -> list[Shown]:
    """Channels with these keys, None for any; by park and path, retired ones as well."""
    keys = {"park": park, "enterprise": enterprise, "meter": meter, "channel": channel}
    with translate_db_errors("read channels"), conn.cursor(row_factory=class_row(Shown)) as cur:
        return cur.execute(named_sql("history")["shown_channels"], keys).fetchall()


def channel_span(conn: Conn, channel_id: int) -> tuple[datetime, datetime] | None:
    """The whole quarter-hours `[first, stop)` that readings or intervals of a channel reach."""
    with translate_db_errors("read the span of a channel"):
        row = conn.execute(
            named_sql("history")["channel_span"], {"channel_id": channel_id}
        ).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1])


def quarters(
    conn: Conn, channel_id: int, start: datetime, stop: datetime, as_of: datetime | None = None
) -> Iterator[Row]:
    """Quarter-hours of `[start, stop)` in time order; missing ones are absent.

    Read page by page; needs a transaction.

    Args:
        as_of: as they were known at this instant, also those that vanished since. Low, high and
            last of a gauge are known only where nothing changed since; a value restated before
            the times of old values were kept counts as known ever since.
    """
    name = "list_quarters" if as_of is None else "list_quarters_as_of"
    params = {"channel_id": channel_id, "start": start, "stop": stop, "as_of": as_of}
    return _pages(conn, name, params)


def periods(
    conn: Conn,
    by: Literal["hour", "day", "month"],
    channel_id: int,
    start: datetime | date,
    stop: datetime | date,
) -> Iterator[Row]:
    """Roll-ups of a channel that begin in `[start, stop)`: instants for hours, else local days."""
    return _pages(conn, _TABLES[by], {"channel_id": channel_id, "start": start, "stop": stop})


def role_periods(
    conn: Conn,
    by: Literal["hour", "day", "month"],
    enterprise_id: int,
    role: str,
    start: datetime | date,
    stop: datetime | date,
) -> Iterator[Row]:
    """Sums of a role that begin in `[start, stop)`: instants for hours, else local days."""
    params = {"enterprise_id": enterprise_id, "role": role, "start": start, "stop": stop}
    return _pages(conn, _ROLE_TABLES[by], params)


def restatements(
    conn: Conn,
    channel_ids: Sequence[int],
    since: datetime,
    start: datetime | None = None,
    stop: datetime | None = None,
    *,
    buckets: bool = False,
) -> Iterator[Row]:
    """What changed in runs from `since` on, newest first: per run, or every bucket.

    Args:
        start, stop: only quarter-hours of `[start, stop)`.
    """
    name = "restated_buckets" if buckets else "restatement_runs"
    params = {"channels": list(channel_ids), "since": since, "start": start, "stop": stop}
    return _pages(conn, name, params)


def _pages(conn: Conn, name: str, params: Row) -> Iterator[Row]:
    with (
        translate_db_errors(name.replace("_", " ")),
        conn.cursor(name=name, row_factory=dict_row) as cur,
    ):
        cur.itersize = _PAGE
        cur.execute(named_sql("history")[name], params)
        yield from cur
