"""Sparkplug nodes between two lives of a collector: births, aliases, last sequence number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.db import Conn, named_sql, translate_db_errors

Key = tuple[str, str]


def load_nodes(conn: Conn) -> dict[Key, dict[str, Any]]:
    """Saved states by group and edge node; rows `<edge>/<device>` hold a birth's metrics."""
    with translate_db_errors("read the Sparkplug nodes"):
        rows = conn.execute(named_sql("sparkplug")["load_nodes"]).fetchall()
    return {(group, edge): state for group, edge, state in rows}


def save_nodes(conn: Conn, states: Mapping[Key, Mapping[str, Any]], now: datetime) -> None:
    """Write changed states; the caller's transaction is that of the readings.

    Args:
        states: as `load_nodes` gives them; in one order, so that two writers cannot deadlock.
    """
    if not states:
        return
    keys = sorted(states)
    params = {
        "groups": [group for group, _ in keys],
        "edges": [edge for _, edge in keys],
        "states": [json.dumps(dict(states[key])) for key in keys],
        "now": now,
    }
    with translate_db_errors("save the Sparkplug nodes"):
        conn.execute(named_sql("sparkplug")["save_nodes"], params)
