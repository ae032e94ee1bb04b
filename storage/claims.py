"""Claims in force, as the ledger has them: for shares, forecasts and lists."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from psycopg.rows import dict_row

from models.ledger import SERIAL_WH
from storage.db import Conn, named_sql, translate_db_errors
from storage.ledger import replayed

Months = dict[str, dict[date, float]]


def park_claims(conn: Conn, park_id: int, until: date) -> dict[int, Months]:
    """Energy [kWh] by enterprise, kind (green, nuclear, certificate) and month of generation.

    Args:
        until: certificates cancelled after this day are not known yet.
    """
    params = {"park_id": park_id, "until": until}
    with translate_db_errors("read claims"):
        rows = conn.execute(named_sql("ledger")["park_claims"], params).fetchall()
    out: dict[int, Months] = {}
    for number, kind, month, energy_kwh in rows:
        kinds = out.setdefault(number, {"green": {}, "nuclear": {}, "certificate": {}})
        kinds[kind][month] = energy_kwh
    return out


def trade_curves(
    conn: Conn, park_id: int, start: datetime, stop: datetime
) -> list[tuple[int, datetime, float]]:
    """Green trades by the hour in `[start, stop)`: enterprise, start of the hour, kWh."""
    params = {"park_id": park_id, "start": start, "stop": stop}
    with translate_db_errors("read curves of trades"):
        rows = conn.execute(named_sql("ledger")["trade_curves"], params).fetchall()
    return [(number, at, float(kwh)) for number, at, kwh in rows]


def contracted_months(conn: Conn, park_id: int) -> dict[int, dict[date, float]]:
    """Green energy [kWh] that is agreed for months without a settlement, by enterprise."""
    with translate_db_errors("read contracts"):
        rows = conn.execute(
            named_sql("ledger")["contracted_months"], {"park_id": park_id}
        ).fetchall()
    out: dict[int, dict[date, float]] = {}
    for number, month, energy_kwh in rows:
        out.setdefault(number, {})[month] = energy_kwh
    return out


def trades(conn: Conn, park_id: int) -> list[dict[str, Any]]:
    """Every month of every contract: settled, contracted, curve [kWh]; newest entry."""
    with translate_db_errors("read trades"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("ledger")["trades"], {"park_id": park_id}).fetchall()


def ledger_log(conn: Conn, park_id: int) -> list[dict[str, Any]]:
    """Every entry, in order."""
    with translate_db_errors("read the ledger"), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("ledger")["log"], {"park_id": park_id}).fetchall()


def curve_rows(conn: Conn, park_id: int, seq: int) -> list[tuple[datetime, int]]:
    """Hours of the curve that an entry brought: start, Wh."""
    with translate_db_errors("read a curve"):
        return conn.execute(
            named_sql("ledger")["curve_rows"], {"park_id": park_id, "seq": seq}
        ).fetchall()


def certificates(conn: Conn, park_id: int) -> list[dict[str, Any]]:
    """Present state of every range of serials: series, first, last, state, holder, month, basis."""
    params = {"park_id": park_id}
    with translate_db_errors("read certificates"), conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(named_sql("ledger")["serial_entries"], params).fetchall()
    by_series: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_series.setdefault(row["series"], []).append(row)
    return [
        {
            "enterprise": piece.holder,
            "series": series,
            "serial_first": piece.first,
            "serial_last": piece.last,
            "mwh": piece.last - piece.first + 1,
            "state": piece.state,
            "month": piece.month,
            "basis": piece.basis,
            "on": piece.on,
        }
        for series, mine in sorted(by_series.items())
        for piece in replayed(mine).pieces
    ]


def newest_cancelled(
    conn: Conn, park_id: int, enterprise: str, year: int, energy_kwh: float
) -> list[dict[str, Any]]:
    """The last cancelled serials of a year that make up an excess of claims, newest first."""
    mine = [
        row
        for row in certificates(conn, park_id)
        if (row["enterprise"], row["state"], row["basis"], row["month"].year)
        == (enterprise, "cancelled", "standalone", year)
    ]
    missing = -int(-energy_kwh * 1000 // SERIAL_WH)  # whole certificates, rounded up
    out = []
    for row in sorted(mine, key=lambda r: (r["on"], r["serial_last"]), reverse=True):
        if missing <= 0:
            break
        first = max(row["serial_first"], row["serial_last"] - missing + 1)
        missing -= row["serial_last"] - first + 1
        out.append({"series": row["series"], "serials": f"{first}-{row['serial_last']}"})
    return out
