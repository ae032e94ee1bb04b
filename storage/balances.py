"""Hourly and daily balances, what the storages hold, and the work lists of what follows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
from psycopg.rows import dict_row

from models.periods import to_us
from storage.binary import PG_EPOCH_US, Array, copy_in, elements, pg_days
from storage.db import Conn, named_sql, translate_db_errors


@dataclass(frozen=True)
class ChannelQuarters:
    """Stored quarter-hours of a channel: starts [us since 1970], values, 1 where estimated."""

    at_us: Array
    value: Array
    estimated: Array


def balance_values(
    conn: Conn, channel_ids: Sequence[int], start: datetime, stop: datetime
) -> dict[int, ChannelQuarters]:
    """Quarter-hours of `[start, stop)` in no order; a channel without any is absent."""
    with translate_db_errors("read intervals"), conn.cursor(binary=True) as cur:
        rows = cur.execute(
            named_sql("balances")["balance_values"],
            {"channels": list(channel_ids), "start": start, "stop": stop},
        ).fetchall()
    return {
        channel: ChannelQuarters(
            elements([at], ">i8") + PG_EPOCH_US,
            elements([value], ">f8"),
            elements([marks], ">i2"),
        )
        for channel, at, value, marks in rows
    }


def replace_balances(
    conn: Conn,
    enterprise_id: int,
    period: tuple[date, date, datetime, datetime],
    hours: tuple[Array, Mapping[str, Array]],
    days: tuple[Sequence[date], Mapping[str, Array], Sequence[int]],
    now: datetime,
) -> None:
    """Replace the balances of whole local days; what has no closed balance any more vanishes.

    Args:
        period: first day, day after the last, and the instants at which they begin.
        hours: their starts [us since 1970], and the columns of a balance.
        days: the days, their columns, and the quarter-hours of each day.
    """
    sql = named_sql("balances")
    first, stop, start_at, stop_at = period
    with translate_db_errors("replace balances"):
        who = {"enterprise_id": enterprise_id}
        conn.execute(sql["delete_balance_days"], who | {"first": first, "stop": stop})
        conn.execute(sql["delete_balance_hours"], who | {"start": start_at, "stop": stop_at})
        at_us, columns = hours
        _copy(conn, "copy_balance_hours", enterprise_id, [at_us - PG_EPOCH_US], columns)
        named, columns, expected = days
        computed = np.full(len(named), to_us(now) - PG_EPOCH_US, dtype=np.int64)
        keys = [pg_days(named), np.array(expected, dtype=np.int16), computed]
        _copy(conn, "copy_balance_days", enterprise_id, keys, columns)


def _copy(
    conn: Conn, name: str, enterprise_id: int, keys: Sequence[Array], columns: Mapping[str, Array]
) -> None:
    if len(keys[0]):
        *amounts, buckets = columns.values()
        owner = np.full(len(keys[0]), enterprise_id, dtype=np.int32)
        copy_in(conn, "balances", name, owner, *keys, *amounts, buckets.astype(np.int16))


def stock_before(conn: Conn, enterprise_id: int, day: date) -> list[float]:
    """Layers that the storage holds when a local day begins; empty if nothing was traced."""
    with translate_db_errors("read the stock"):
        row = conn.execute(
            named_sql("balances")["stock_before"], {"enterprise_id": enterprise_id, "day": day}
        ).fetchone()
    return list(row[1]) if row else []


def replace_stocks(
    conn: Conn, enterprise_id: int, first: date, stop: date, stocks: Mapping[date, Sequence[float]]
) -> None:
    """Replace what the storage holds at the end of the days of `[first, stop)`."""
    sql = named_sql("balances")
    with translate_db_errors("replace stocks"), conn.cursor() as cur:
        cur.execute(
            sql["delete_stocks"], {"enterprise_id": enterprise_id, "first": first, "stop": stop}
        )
        cur.executemany(
            sql["insert_stock"],
            [
                {"enterprise_id": enterprise_id, "day": day, "layers": list(layers)}
                for day, layers in stocks.items()
            ],
        )


def mark_balances_stale(conn: Conn, enterprise_id: int, days: Sequence[date]) -> None:
    """The balances of these local days have to be traced anew."""
    with translate_db_errors("mark balances stale"):
        conn.execute(
            named_sql("balances")["mark_balances_stale"],
            {"enterprise_id": enterprise_id, "days": list(days)},
        )


def stale_enterprises(conn: Conn) -> dict[int, int]:
    """Enterprises with days to trace, and how many."""
    with translate_db_errors("read stale balances"):
        return dict(conn.execute(named_sql("balances")["stale_enterprises"]).fetchall())


def take_stale_balances(conn: Conn, enterprise_id: int) -> list[date]:
    """Claim the days of an enterprise that are to be traced, in order."""
    with translate_db_errors("take stale balances"):
        rows = conn.execute(
            named_sql("balances")["take_stale_balances"], {"enterprise_id": enterprise_id}
        ).fetchall()
    return sorted(day for (day,) in rows)


def last_day(conn: Conn, enterprise_id: int, roles: Sequence[str]) -> date | None:
    """Last local day that has an energy of one of these roles."""
    with translate_db_errors("read the last day"):
        row = conn.execute(
            named_sql("balances")["last_day"],
            {"enterprise_id": enterprise_id, "roles": list(roles)},
        ).fetchone()
    return row[0] if row else None


def mark_indicators_stale(conn: Conn, enterprise_id: int, from_day: date) -> None:
    """Everything derived of this enterprise from this day on has to be computed anew."""
    with translate_db_errors("mark indicators stale"):
        conn.execute(
            named_sql("balances")["mark_indicators_stale"],
            {"enterprise_id": enterprise_id, "from_day": from_day},
        )


def take_stale_indicators(conn: Conn, park_id: int) -> dict[int, date]:
    """Claim the work list of a park: enterprise -> first day to compute."""
    with translate_db_errors("take stale indicators"):
        rows = conn.execute(
            named_sql("balances")["take_stale_indicators"], {"park_id": park_id}
        ).fetchall()
    return dict(rows)


def _frame(conn: Conn, name: str, params: dict[str, Any]) -> pd.DataFrame:
    with translate_db_errors(name.replace("_", " ")), conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(named_sql("balances")[name], params).fetchall()
        columns = [c.name for c in cur.description or []]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.set_index(pd.Index(frame.pop("day"), dtype=object, name="day"))


def balance_days(conn: Conn, enterprise_id: int, from_day: date, stop_day: date) -> pd.DataFrame:
    """Daily balances of `[from_day, stop_day)`, index local day."""
    frame = _frame(
        conn,
        "balance_days",
        {
            "park_id": None,
            "enterprise_id": enterprise_id,
            "from_day": from_day,
            "stop_day": stop_day,
        },
    )
    return frame.drop(columns="enterprise_id")


def park_balance_days(
    conn: Conn, park_id: int, from_day: date, stop_day: date
) -> dict[int, tuple[list[date], dict[str, Array]]]:
    """Daily balances of `[from_day, stop_day)` of every enterprise that has any.

    Returns:
        by enterprise: the days, ascending, and the columns.
    """
    params = {
        "park_id": park_id,
        "enterprise_id": None,
        "from_day": from_day,
        "stop_day": stop_day,
    }
    with translate_db_errors("read balance days"), conn.cursor(binary=True) as cur:
        rows = cur.execute(named_sql("balances")["balance_days"], params).fetchall()
        names = [c.name for c in cur.description or []]
    if not rows:
        return {}
    owner, days, *amounts = zip(*rows, strict=True)
    number = np.array(owner)
    table = np.array(amounts, dtype=np.float64)
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(number)]
    return {
        owner[low]: (
            list(days[low:high]),
            {name: table[n, low:high] for n, name in enumerate(names[2:])},
        )
        for low, high in itertools.pairwise(edges)
    }


def balance_hours(
    conn: Conn, enterprise_id: int, start: datetime, stop: datetime
) -> tuple[Array, Array, Array]:
    """Hours of `[start, stop)`: start [s since 1970], end use and its green part [kWh]."""
    with translate_db_errors("read balance hours"), conn.cursor(binary=True) as cur:
        rows = cur.execute(
            named_sql("balances")["balance_hours"],
            {"enterprise_id": enterprise_id, "start": start, "stop": stop},
        ).fetchall()
    at_s, load, green = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(at_s, dtype=np.int64), np.array(load), np.array(green)


def role_days(
    conn: Conn, enterprise_id: int, role: str, from_day: date, stop_day: date
) -> pd.DataFrame:
    """Daily amount of a role (columns value, estimated_value); incomplete days are absent."""
    return _frame(
        conn,
        "role_days",
        {"enterprise_id": enterprise_id, "role": role, "from_day": from_day, "stop_day": stop_day},
    )
