"""Hours, days and months of channels, and their sums per enterprise and role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import numpy as np
import numpy.typing as npt

from models.roles import Role
from storage.binary import copy_in, elements
from storage.db import Conn, named_sql, translate_db_errors

Array = npt.NDArray[Any]
_SUMS = ("roll_up_months", "mark_checks_stale")
_ROLE_STAGING = ("create_role_staging", "create_role_due")
_ROLE_SUMS = ("roll_up_role_hours", "roll_up_role_days", "roll_up_role_months")
_AMOUNTS = (">i8", ">f8", ">i2")
_STATES = (*_AMOUNTS, ">f8", ">f8", ">f8")


@dataclass(frozen=True)
class Staged:
    """Columns of the local days to roll up, in order of channel and day.

    Attributes:
        day: days since 2000-01-01, as PostgreSQL has them.
        start, stop: microseconds since 2000-01-01 UTC.
    """

    channel: Array
    day: Array
    start: Array
    stop: Array
    is_gauge: Array


@dataclass(frozen=True)
class Quarters:
    """Stored quarter-hours of staged days, those of a day together and in time order.

    Attributes:
        item: number of the staged day.
        at: bucket start, microseconds since 2000-01-01 UTC.
        quality: 0 measured, 1 estimated, 2 edited.
        extremes: low, high and last of gauges.
    """

    item: Array
    at: Array
    value: Array
    quality: Array
    extremes: tuple[Array, Array, Array] | None


@dataclass(frozen=True)
class Made:
    """Roll-ups to store: columns of `channel_hour` or `channel_day` after the key.

    Attributes:
        item: number of the staged day that each belongs to.
        start: the second part of the key, as PostgreSQL has it.
    """

    item: Array
    channel: Array
    start: Array
    columns: tuple[Array, ...]
    has_extremes: bool


def channel_kinds(conn: Conn) -> dict[int, tuple[str, int]]:
    """Channel -> kind, number of the park."""
    with translate_db_errors("read the kinds of channels"):
        rows = conn.execute(named_sql("rollups")["channel_kinds"]).fetchall()
    return {channel: (kind, park_id) for channel, kind, park_id in rows}


def stage_days(conn: Conn, staged: Staged, calendar: Sequence[Array]) -> None:
    """Begin a roll-up. Needs a transaction.

    Args:
        calendar: columns park, day, start, stop, quarter-hours, even hours of all days of the
            months concerned.
    """
    sql = named_sql("rollups")
    with translate_db_errors("stage days"):
        for name in (
            "create_day_staging",
            "create_day_calendar",
            "create_hour_made",
            "create_day_made",
        ):
            conn.execute(sql[name])
        # days before these may have been staged in the same transaction, that of a dry run
        conn.execute("TRUNCATE day_staging, day_calendar, hour_made, day_made")
        number = np.arange(len(staged.channel), dtype=np.int32)
        columns = (staged.channel, staged.day, staged.start, staged.stop, staged.is_gauge)
        copy_in(conn, "rollups", "copy_days", number, *columns)
        copy_in(conn, "rollups", "copy_calendar", *calendar)
        conn.execute("ANALYZE day_staging, day_calendar")


def read_quarters(conn: Conn, *, gauges: bool) -> Quarters:
    """Stored quarter-hours of the staged days: of gauges, or of all other channels."""
    with translate_db_errors("read quarter-hours"), conn.cursor(binary=True) as cur:
        name = "read_states" if gauges else "read_amounts"
        rows = cur.execute(named_sql("rollups")[name]).fetchall()
    item, count = (np.array([row[n] for row in rows], dtype=np.int64) for n in (0, 1))
    at, value, quality, *extremes = (
        elements([row[n] for row in rows], kind)
        for n, kind in enumerate(_STATES if gauges else _AMOUNTS, 2)
    )
    return Quarters(
        np.repeat(item, count),
        at,
        value,
        quality,
        (extremes[0], extremes[1], extremes[2]) if gauges else None,
    )


@dataclass(frozen=True)
class Target:
    """Names of the statements that write hours or days."""

    in_use: str
    stage: tuple[str, str]
    analyze: LiteralString
    merge: str
    insert: tuple[str, str]


HOURS = Target(
    "items_with_hours",
    ("stage_hour_amounts", "stage_hour_states"),
    "ANALYZE hour_made",
    "merge_hours",
    ("insert_hour_amounts", "insert_hour_states"),
)
DAYS = Target(
    "items_with_days",
    ("stage_day_amounts", "stage_day_states"),
    "ANALYZE day_made",
    "merge_days",
    ("insert_day_amounts", "insert_day_states"),
)


def write(conn: Conn, target: Target, parts: Sequence[Made]) -> None:
    """Store roll-ups of the staged days: only what differs is written, what vanished is deleted.

    Days that have no rows yet go straight into the table.
    """
    sql = named_sql("rollups")
    with translate_db_errors("write roll-ups"):
        rows = conn.execute(sql[target.in_use]).fetchall()
        in_use = np.array([item for (item,) in rows], dtype=np.int64)
        known = [np.isin(made.item, in_use) for made in parts]
        if len(in_use):
            for made, chosen in zip(parts, known, strict=True):
                _put(conn, target.stage, made, chosen)
            conn.execute(target.analyze)
            conn.execute(sql[target.merge])
        for made, chosen in zip(parts, known, strict=True):
            _put(conn, target.insert, made, ~chosen)


def _put(conn: Conn, names: tuple[str, str], made: Made, chosen: Array) -> None:
    if chosen.any():
        columns = (made.channel, made.start, *made.columns)
        copy_in(conn, "rollups", names[made.has_extremes], *(c[chosen] for c in columns))


def sum_up(conn: Conn) -> None:
    """Months and sums per role from the hours and days of the staged days.

    The staged days go on the work list of the validation job.
    """
    sql = named_sql("rollups")
    with translate_db_errors("sum up"):
        for name in (*_SUMS, *_ROLE_STAGING):
            conn.execute(sql[name])
        conn.execute("TRUNCATE role_staging, role_due")
        conn.execute(sql["fill_role_staging"])
        conn.execute("ANALYZE role_staging")
        conn.execute(sql["fill_role_due"])
        conn.execute("ANALYZE role_due")
        for name in _ROLE_SUMS:
            conn.execute(sql[name], {"roles": [r for r in Role if r != Role.NONE]})
