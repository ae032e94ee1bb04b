"""What indicators of months are made of: daily sums, balances, reports, demand, completeness."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from psycopg.rows import dict_row

from models.definitions import Definition, Threshold
from models.periods import local_day
from storage.binary import Array, elements
from storage.db import Conn, named_sql, translate_db_errors


@dataclass(frozen=True)
class DayColumns:
    """Days of one thing: number of the day since the start that was asked for, ascending.

    Attributes:
        values: amounts by name; estimated: estimated part, of all of them together.
        buckets, expected: quarter-hours with a value, and those that are due.
    """

    day: Array
    values: Mapping[str, Array]
    estimated: Array
    buckets: Array
    expected: Array


def metered_days(
    conn: Conn, enterprises: Sequence[int], roles: Sequence[str], start: date, stop: date
) -> dict[tuple[int, str], DayColumns]:
    """Sums of the channels of a role by local day, by (enterprise, role)."""
    params = {"enterprises": list(enterprises), "roles": list(roles), "start": start, "stop": stop}
    with translate_db_errors("read daily sums"), conn.cursor(binary=True) as cur:
        rows = cur.execute(named_sql("activity")["metered_days"], params).fetchall()
    return {
        (number, role): DayColumns(
            elements([day], ">i2"),
            {"value": elements([value], ">f8")},
            elements([estimated], ">f8"),
            elements([buckets], ">i4"),
            elements([expected], ">i4"),
        )
        for number, role, day, value, estimated, buckets, expected in rows
    }


def balanced_days(
    conn: Conn, enterprises: Sequence[int], start: date, stop: date
) -> dict[int, DayColumns]:
    """Electricity by local day as the balances tell it: E, D and P [kWh]."""
    params = {"enterprises": list(enterprises), "start": start, "stop": stop}
    with translate_db_errors("read balances"), conn.cursor(binary=True) as cur:
        rows = cur.execute(named_sql("activity")["balanced_days"], params).fetchall()
    names = ("consumption_kwh", "grid_draw_kwh", "physical_green_kwh")
    return {
        number: DayColumns(
            elements([day], ">i2"),
            {n: elements([c], ">f8") for n, c in zip(names, columns[:3], strict=True)},
            elements([columns[3]], ">f8"),
            elements([columns[4]], ">i4"),
            elements([columns[5]], ">i4"),
        )
        for number, day, *columns in rows
    }


def role_channels(conn: Conn, enterprises: Sequence[int]) -> dict[int, dict[str, bool]]:
    """Metered roles by enterprise, and whether only batches feed them."""
    with translate_db_errors("read roles"):
        rows = conn.execute(
            named_sql("activity")["role_channels"], {"enterprises": list(enterprises)}
        ).fetchall()
    out: dict[int, dict[str, bool]] = {}
    for number, role, batches in rows:
        out.setdefault(number, {})[role] = batches
    return out


def reported_amounts(
    conn: Conn, enterprises: Sequence[int], stop: date
) -> dict[int, dict[str, dict[date, list[float]]]]:
    """Values in force by enterprise, item and month; several where details differ."""
    with translate_db_errors("read activity data"):
        rows = conn.execute(
            named_sql("activity")["reported_amounts"],
            {"enterprises": list(enterprises), "stop": stop},
        ).fetchall()
    out: dict[int, dict[str, dict[date, list[float]]]] = {}
    for number, item, month, amounts in rows:
        out.setdefault(number, {}).setdefault(item, {})[month] = amounts
    return out


def month_demands(
    conn: Conn, enterprises: Sequence[int], edges: Sequence[datetime]
) -> dict[int, dict[int, tuple[float, int]]]:
    """Highest quarter-hour of the grid import [kW] and how many are measured, by enterprise.

    Args:
        edges: where the months begin, and the end of the last; months are counted from 0.
    """
    params = {"enterprises": list(enterprises), "edges": list(edges)}
    with translate_db_errors("read demands"):
        rows = conn.execute(named_sql("activity")["month_demands"], params).fetchall()
    out: dict[int, dict[int, tuple[float, int]]] = {}
    for number, month, demand_kw, buckets in rows:
        out.setdefault(number, {})[month - 1] = (demand_kw, buckets)
    return out


def known_demands(
    conn: Conn, enterprises: Sequence[int], start: date, stop: date
) -> list[tuple[int, date, float, float]]:
    """Stored demands of months: enterprise, month, kW, known part of the month."""
    params = {"enterprises": list(enterprises), "start": start, "stop": stop}
    with translate_db_errors("read demands"):
        return conn.execute(named_sql("activity")["known_demands"], params).fetchall()


def substation_loads(
    conn: Conn,
    park_id: int,
    meters: Sequence[str],
    period: tuple[datetime, datetime],
    zone: ZoneInfo,
) -> list[dict[str, Any]]:
    """Highest apparent power [kVA] and energy [kWh] of meters by month (key, month, ...)."""
    params = {
        "park_id": park_id,
        "meters": list(meters),
        "start": period[0],
        "stop": period[1],
        "zone": zone.key,
    }
    with translate_db_errors("read substations"), conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(named_sql("activity")["substation_loads"], params).fetchall()
    return [row | {"month": local_day(row["month_at"], zone)} for row in rows]


def received_buckets(
    conn: Conn, enterprises: Sequence[int], start: date, stop: date
) -> dict[int, dict[date, tuple[float, float]]]:
    """Measured quarter-hours and channel-days of service by enterprise and month."""
    params = {"enterprises": list(enterprises), "start": start, "stop": stop}
    sql = named_sql("activity")
    with translate_db_errors("read completeness"):
        measured = conn.execute(sql["measured_buckets"], params).fetchall()
        due = conn.execute(sql["channels_due"], params).fetchall()
    got = {(number, month): count for number, month, count in measured}
    out: dict[int, dict[date, tuple[float, float]]] = {}
    for number, month, channel_days in due:
        pair = (got.get((number, month), 0.0), channel_days)
        out.setdefault(number, {})[month] = pair
    return out


def park_sums(
    conn: Conn, park_id: int, indicators: Collection[str], from_day: date
) -> list[dict[str, Any]]:
    """Months and years of the sum of the enterprises that end after a day."""
    params = {"park_id": park_id, "indicators": list(indicators), "from_day": from_day}
    with translate_db_errors("sum indicators"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("activity")["park_sums"], params).fetchall()


def save_definitions(
    conn: Conn, park_id: int, definitions: Sequence[tuple[Definition, Threshold | None]]
) -> None:
    """Keep what indicators mean, with the thresholds of the park, for whoever reads the tables."""
    sql = named_sql("activity")
    rows = [
        {
            "park_id": park_id,
            "indicator": about.key,
            "name_zh": about.name.zh,
            "name_en": about.name.en,
            "unit": about.unit,
            "domain_row": about.row,
            "formula": about.formula,
            "source": about.source,
            "confidence": about.confidence,
            "sense": limit.sense if limit else about.sense,
            "limit_value": limit.limit if limit else None,
            "limit_source": limit.source if limit else "not set",
        }
        for about, limit in definitions
    ]
    with translate_db_errors("save definitions"), conn.cursor() as cur:
        cur.executemany(sql["save_definition"], rows)
        cur.execute(
            sql["forget_definitions"],
            {"park_id": park_id, "indicators": [row["indicator"] for row in rows]},
        )


def night_quarters(
    conn: Conn, enterprise_id: int, start: datetime, stop: datetime, zone: ZoneInfo
) -> tuple[Array, Array]:
    """Water intake in the hours before 05:00: starts [s since 1970] and mean flow [m3/h]."""
    params = {"enterprise_id": enterprise_id, "start": start, "stop": stop, "zone": zone.key}
    with translate_db_errors("read night flow"):
        rows = conn.execute(named_sql("activity")["night_quarters"], params).fetchall()
    return np.array([at for at, _ in rows]), np.array([flow for _, flow in rows])


def water_hours(
    conn: Conn, enterprise_id: int, start: datetime, stop: datetime
) -> tuple[Array, Array]:
    """Water intake of complete hours: starts [s since 1970] and mean flow [m3/h]."""
    params = {"enterprise_id": enterprise_id, "start": start, "stop": stop}
    with translate_db_errors("read hours of water"):
        rows = conn.execute(named_sql("activity")["water_hours"], params).fetchall()
    return np.array([at for at, _ in rows]), np.array([flow for _, flow in rows])


def newest_night(conn: Conn, enterprise_id: int) -> date | None:
    """First day after the newest night that is stored; None: none is."""
    with translate_db_errors("read night flow"):
        row = conn.execute(
            named_sql("activity")["newest_night"], {"enterprise_id": enterprise_id}
        ).fetchone()
    return row[0] if row else None
