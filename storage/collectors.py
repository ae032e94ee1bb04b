"""Collectors among themselves: signs of life, who holds which client id, who subscribed what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from storage.db import Conn, named_sql, translate_db_errors


def save_state(
    conn: Conn,
    client_id: str,
    started_at: datetime,
    now: datetime,
    counters: Mapping[str, int],
    health: Mapping[str, Any],
) -> None:
    """Leave a sign of life with the counters since start."""
    with translate_db_errors("save the collector's state"):
        conn.execute(
            named_sql("collectors")["save_state"],
            {
                "client_id": client_id,
                "started_at": started_at,
                "now": now,
                "counters": Jsonb(dict(counters)),
                "health": Jsonb(dict(health)),
            },
        )


def lock_client(conn: Conn, client_id: str, application: str) -> bool:
    """Take the lock of a client id for as long as this connection lives.

    A connection of this same process that broke without the server noticing is ended first, so
    that a collector is not locked out by its own ghost.

    Args:
        application: name of all connections of this process, and of no other.

    Returns:
        False when another process holds it.
    """
    sql = named_sql("collectors")
    with translate_db_errors(f"lock client id {client_id}"):
        for _ in range(2):
            row = conn.execute(sql["lock_client"], {"client_id": client_id}).fetchone()
            if row and row[0]:
                return True
            conn.execute(sql["end_own_ghosts"], {"application": application})
    return False


def subscriptions(conn: Conn) -> dict[str, set[str]]:
    """Client id -> topic filters that the broker has granted it."""
    found: dict[str, set[str]] = {}
    with translate_db_errors("read the subscriptions"):
        for client_id, topic in conn.execute(named_sql("collectors")["subscriptions"]):
            found.setdefault(client_id, set()).add(topic)
    return found


def save_subscriptions(
    conn: Conn, client_id: str, granted: Iterable[str], dropped: Iterable[str], now: datetime
) -> None:
    """Record what the broker granted to a client, and what it has given up."""
    sql = named_sql("collectors")
    with translate_db_errors(f"save the subscriptions of {client_id}"):
        for topic in granted:
            row = {"client_id": client_id, "filter": topic, "now": now}
            conn.execute(sql["add_subscription"], row)
        for topic in dropped:
            conn.execute(sql["drop_subscription"], {"client_id": client_id, "filter": topic})
