"""Flows of energy and water by month: what they are made of, and the diagrams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from psycopg.rows import dict_row

from storage.db import Conn, named_sql, translate_db_errors


def _rows(conn: Conn, name: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    with translate_db_errors(name.replace("_", " ")), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("flows")[name], params).fetchall()


def meter_months(conn: Conn, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Amounts of meters by month and quantity; `params`: park, quantities, roles, months."""
    return _rows(conn, "meter_months", params)


def balance_months(conn: Conn, park_id: int, start: date, stop: date) -> list[dict[str, Any]]:
    """Electricity of enterprises by month [kWh]."""
    return _rows(conn, "balance_months", {"park_id": park_id, "start": start, "stop": stop})


def water_months(conn: Conn, park_id: int, start: date, stop: date) -> list[dict[str, Any]]:
    """Water of enterprises by month and role [m3]."""
    return _rows(conn, "water_months", {"park_id": park_id, "start": start, "stop": stop})


def replace_flows(
    conn: Conn,
    park_id: int,
    start: date,
    links: Sequence[Mapping[str, Any]],
    nodes: Sequence[Mapping[str, Any]],
) -> None:
    """Replace the diagrams of all months from `start` on."""
    sql = named_sql("flows")
    with translate_db_errors("replace flows"), conn.cursor() as cur:
        cur.execute(sql["delete_flow_links"], {"park_id": park_id, "start": start})
        cur.execute(sql["delete_flow_nodes"], {"park_id": park_id, "start": start})
        cur.executemany(sql["insert_flow_link"], [{"park_id": park_id, **row} for row in links])
        cur.executemany(sql["insert_flow_node"], [{"park_id": park_id, **row} for row in nodes])


def list_flows(
    conn: Conn, park_id: int, month: date, medium: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Nodes and links of a month and medium."""
    params = {"park_id": park_id, "month": month, "medium": medium}
    return _rows(conn, "list_flow_nodes", params), _rows(conn, "list_flow_links", params)
