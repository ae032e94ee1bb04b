"""Indicator values: written as a set, only what changed; read newest first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from psycopg.rows import dict_row

from models.indicators import IndicatorValue
from storage.db import Conn, named_sql, translate_db_errors

_TYPES = (
    "text",
    "int2",
    "int4",
    "text",
    "date",
    "date",
    "float8",
    "float8",
    "float8",
    "text",
    "float8",
    "float8",
    "text",
    "text",
    "timestamptz",
)


def save_indicators(
    conn: Conn,
    park_id: int,
    values: Sequence[IndicatorValue],
    scopes: Sequence[tuple[int | None, date]],
    now: datetime,
    indicators: Collection[str],
) -> int:
    """Replace the values of the scopes; returns the number that is new, changed or gone.

    Args:
        scopes: (enterprise, or None for the park; first day): what is stored of them from that
            day on and is not among `values` can no longer be computed and is removed.
        indicators: keys of what is computed here; others stay.
    """
    sql = named_sql("indicators")
    with translate_db_errors(f"save {len(values)} indicator values"), conn.cursor() as cur:
        cur.execute(sql["create_indicator_staging"])
        cur.execute(sql["clear_indicator_staging"])
        with cur.copy(sql["copy_indicators"]) as copy:
            copy.set_types(_TYPES)
            for v in values:
                copy.write_row((v.indicator, park_id, *v[1:], now))
        cur.execute("ANALYZE indicator_staging")
        gone = cur.execute(
            sql["delete_vanished_indicators"],
            {
                "park_id": park_id,
                "enterprises": [-1 if number is None else number for number, _ in scopes],
                "from_days": [from_day for _, from_day in scopes],
                "indicators": list(indicators),
                "first": min(from_day for _, from_day in scopes),
            },
        ).rowcount
        return gone + cur.execute(sql["upsert_indicators"]).rowcount


def list_indicators(
    conn: Conn, park_id: int, stop_by: date, *, newest: bool = True
) -> list[dict[str, Any]]:
    """Values whose period ends by `stop_by`, as rows for output; only the newest if asked."""
    with translate_db_errors("list indicators"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(
            named_sql("indicators")["list_indicators"],
            {"park_id": park_id, "stop_by": stop_by, "newest": newest},
        ).fetchall()


def newest_values(
    conn: Conn,
    park_id: int,
    indicator: str,
    period_kind: str,
    stop_by: date,
    *,
    only_final: bool,
) -> dict[int | None, dict[str, Any]]:
    """Newest value per enterprise (None: the park) of one indicator."""
    with translate_db_errors("read newest values"), conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(
            named_sql("indicators")["newest_final"],
            {
                "park_id": park_id,
                "indicator": indicator,
                "period_kind": period_kind,
                "stop_by": stop_by,
                "only_final": only_final,
            },
        ).fetchall()
    return {row["enterprise_id"]: row for row in rows}
