"""The only module that knows whether TimescaleDB is there and what its licence allows.

| edition   | big tables  | compression                   | old readings leave by    |
|-----------|-------------|-------------------------------|--------------------------|
| timescale | hypertables | policy, after a number of days | dropped chunks           |
| apache    | hypertables | not in this edition            | dropped chunks           |
| absent    | plain       | none                          | DELETE, channel by channel |
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from psycopg import sql

from storage.db import Conn

HYPERTABLES = {"reading": ("ts", "7 days"), "interval": ("bucket_start", "30 days")}
"""Table, time column, time span of a chunk. A park of 1,000 channels read every minute has 10 M
readings, about 1 GB, in a week: the newest chunk and its index should fit into memory. Roll-ups are
a tenth of that and stay plain."""

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


def compress_after(conn: Conn, days: int) -> bool:
    """Let TimescaleDB compress chunks older than `days`; 0: no more. Safe to repeat.

    Late data may still be written into compressed chunks.

    Returns:
        False where the edition cannot compress.
    """
    if edition(conn) != "timescale":
        return False
    for table, (column, _) in HYPERTABLES.items():
        row = conn.execute(
            "SELECT (config ->> 'compress_after')::interval = make_interval(days => %s)"
            " FROM timescaledb_information.jobs"
            " WHERE hypertable_name = %s AND proc_name LIKE 'policy_compression%%'",
            (days, table),
        ).fetchone()
        if row is not None and not row[0]:
            conn.execute("CALL remove_columnstore_policy(%s::regclass)", (table,))
        if days and (row is None or not row[0]):
            conn.execute(
                sql.SQL(
                    "ALTER TABLE {} SET (timescaledb.enable_columnstore = true,"
                    " timescaledb.segmentby = 'channel_id', timescaledb.orderby = {})"
                ).format(sql.Identifier(table), sql.Literal(column))
            )
            conn.execute(
                "CALL add_columnstore_policy(%s::regclass, after => make_interval(days => %s))",
                (table, days),
            )
    return True


def drop_reading_chunks(conn: Conn, before: datetime) -> int | None:
    """Drop the chunks of raw readings that end before a time; None where there are no chunks."""
    if edition(conn) == "absent":
        return None
    rows = conn.execute("SELECT drop_chunks('reading', older_than => %s)", (before,)).fetchall()
    return len(rows)
