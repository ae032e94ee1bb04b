"""Signs of life: job runs, collectors, waiting work, newest readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from storage.db import Conn, named_sql, translate_db_errors

_RUNNER_LOCK = 7_105_322_002


@contextmanager
def only_runner(conn: Conn) -> Iterator[bool]:
    """True if this session is the only one that runs jobs; held until the block ends."""
    with translate_db_errors("take the lock of the job runner"):
        row = conn.execute("SELECT pg_try_advisory_lock(%s)", (_RUNNER_LOCK,)).fetchone()
    held = bool(row and row[0])
    try:
        yield held
    finally:
        if held and not conn.closed and not conn.broken:
            conn.execute("SELECT pg_advisory_unlock(%s)", (_RUNNER_LOCK,))


def start_job(
    conn: Conn, job: str, started_at: datetime, park_time: datetime, every_s: float | None = None
) -> None:
    """Note that a job began (wall clock and park clock), and how often it is to begin."""
    with translate_db_errors("note a job run"):
        conn.execute(
            named_sql("jobs")["start_job"],
            {
                "job": job,
                "started_at": started_at,
                "park_time": park_time,
                "every_s": every_s,
            },
        )


def finish_job(
    conn: Conn, job: str, finished_at: datetime, detail: Mapping[str, Any], error: str | None
) -> None:
    """Note how a job ended; `error` None means well."""
    with translate_db_errors("note a job run"):
        conn.execute(
            named_sql("jobs")["finish_job"],
            {
                "job": job,
                "finished_at": finished_at,
                "ok": error is None,
                "detail": Jsonb(dict(detail)),
                "error": error,
            },
        )


def rows(conn: Conn, name: str) -> list[dict[str, Any]]:
    """Rows of one of the status queries: job_runs, collector_states, work_waiting."""
    with translate_db_errors(name), conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(named_sql("jobs")[name]).fetchall()


def last_readings(conn: Conn) -> dict[int, datetime | None]:
    """Time of the newest reading per channel in use; None: nothing ever came."""
    with translate_db_errors("read the newest readings"):
        return dict(conn.execute(named_sql("jobs")["last_readings"]).fetchall())
