"""Rates from the commit times of the stored rows, and the check that all are there once."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg

from bench.processes import BenchError
from bench.workload import Workload
from storage.parks import channels

STORED = (
    "SELECT m.key AS meter, r.ts, r.value FROM reading r JOIN channel c USING (channel_id)"
    " JOIN meter m USING (meter_id)"
)
_EMPTIED = (
    "TRUNCATE reading, reading_revision, stale_range, quarantine, collector_state, finding CASCADE"
)


@dataclass(frozen=True)
class Result:
    """One lane, measured once.

    Attributes:
        per_s: readings per second between the first and the last commit.
        cpu_us: CPU per message of the receiver [us]; rss_mb: peak of all its processes.
        broker_us, database_us: the same of the servers.
    """

    per_s: float
    cpu_us: float = 0.0
    rss_mb: float = 0.0
    broker_us: float = 0.0
    database_us: float = 0.0


def rate(conn: psycopg.Connection, table: str = "reading") -> float:
    """Readings per second: those after the first commit by the time from it to the last one."""
    commits = conn.execute(
        f"SELECT pg_xact_commit_timestamp(xmin) AS at, count(*) FROM {table} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    if len(commits) < 3:
        raise BenchError(f"{len(commits)} commits are too few to measure; raise the number of rows")
    seconds = (commits[-1][0] - commits[0][0]).total_seconds()
    return float(sum(count for _, count in commits[1:]) / seconds)


def verify(
    conn: psycopg.Connection, load: Workload, source: str = STORED, *, copied: bool = False
) -> None:
    """Everything published is stored, once, with its value.

    Args:
        copied: by COPY, which knows no quarantine and marks nothing stale.

    Raises:
        BenchError: names the first differences.
    """
    faults = load.faults(conn, source)
    if source == STORED and not copied:
        for table in ("quarantine", "reading_revision"):
            row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()
            faults += [f"{row[0]} rows in {table}"] if row and row[0] else []
        row = conn.execute("SELECT count(DISTINCT channel_id) FROM stale_range").fetchone()
        if row and row[0] != min(load.meters, load.messages):
            faults.append(f"{row[0]} channels are marked stale")
    if faults:
        raise BenchError(f"{len(faults)} differences between sent and stored: {faults[:3]}")


def empty(conn: psycopg.Connection) -> None:
    """As after the first start: no readings."""
    conn.execute(_EMPTIED)


def copied(conn: psycopg.Connection, load: Workload, rows_per_commit: int = 2000) -> Result:
    """The limit of the database: the same rows by plain binary COPY into the same table.

    CPU is that of this process per message, as if the rows had come in messages.
    """
    numbers = {int(c.meter_key[1:]): c.channel_id for c in channels(conn) if c.key == "import_kwh"}
    rows = list(load.rows(numbers))
    types = ["int4", "timestamptz", "float8", "timestamptz"]
    statement = "COPY reading (channel_id, ts, value, received_at) FROM STDIN (FORMAT BINARY)"
    began_s = time.process_time()
    for first in range(0, len(rows), rows_per_commit):
        with conn.transaction(), conn.cursor().copy(statement) as copy:
            copy.set_types(types)
            for row in rows[first : first + rows_per_commit]:
                copy.write_row(row)
    used_s = time.process_time() - began_s
    return Result(rate(conn), used_s / load.messages * 1e6)
