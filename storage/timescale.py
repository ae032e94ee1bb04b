"""The only module that knows whether TimescaleDB is there and what its licence allows."""

from __future__ import annotations

from typing import Literal

from storage.db import Conn

HYPERTABLES = {"reading": ("ts", "7 days"), "interval": ("bucket_start", "30 days")}

Edition = Literal["absent", "apache", "timescale"]


def edition(conn: Conn) -> Edition:
    """Installed TimescaleDB edition of this database."""
    row = conn.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    if row is None:
        return "absent"
    licence = conn.execute("SHOW timescaledb.license").fetchone()
    return "timescale" if licence and licence[0] == "timescale" else "apache"


def apply_timescale(conn: Conn) -> Edition:
    """Create the extension where the server offers it and make the big tables hypertables.

    Semantics never depend on it: without TimescaleDB they stay plain tables.
    """
    offered = conn.execute(
        "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
        " AND current_setting('shared_preload_libraries') LIKE '%timescaledb%'"
    )
    if offered.fetchone() is None:
        return "absent"
    conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    for table, (column, chunk) in HYPERTABLES.items():
        conn.execute(
            "SELECT create_hypertable(%s::regclass, %s::name, chunk_time_interval => %s::interval,"
            " if_not_exists => true, migrate_data => true)",
            (table, column, chunk),
        )
    return edition(conn)
