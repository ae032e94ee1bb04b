"""Year-end forecasts: what they are made of, and what was said when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from storage.db import Conn, named_sql, translate_db_errors


def generation_days(
    conn: Conn, park_id: int, first: date, stop: date
) -> dict[int, dict[str, dict[date, float]]]:
    """On-site and direct supply [kWh] of `[first, stop)`: enterprise, technology, local day."""
    params = {"park_id": park_id, "first": first, "stop": stop}
    with translate_db_errors("read generation"):
        rows = conn.execute(named_sql("forecasts")["generation_days"], params).fetchall()
    out: dict[int, dict[str, dict[date, float]]] = {}
    for number, technology, day, energy_kwh in rows:
        out.setdefault(number, {}).setdefault(technology, {})[day] = energy_kwh
    return out


def has_forecast(conn: Conn, park_id: int, made_for: date) -> bool:
    """True if something was forecast on that morning."""
    params = {"park_id": park_id, "made_for": made_for}
    with translate_db_errors("read forecasts"):
        row = conn.execute(named_sql("forecasts")["has_forecast"], params).fetchone()
    return row == (True,)


def save_forecast(
    conn: Conn,
    park_id: int,
    enterprise_id: int | None,
    made_for: date,
    values: Mapping[str, Any],
    now: datetime,
) -> None:
    """Store or renew the forecast of a subject and morning; `values` by column."""
    row = {"park_id": park_id, "enterprise_id": enterprise_id, "made_for": made_for, "now": now}
    with translate_db_errors("save a forecast"):
        conn.execute(named_sql("forecasts")["save_forecast"], row | dict(values))
