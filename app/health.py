"""Whether the jobs do their work: one knowledge for doctor, /health, metrics and the watch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.checks import Problem
from storage.db import Conn
from storage.jobs import rows

_MISSED_RUNS = 3
_AT_LEAST_S = 60.0
_LONGEST_RUN = timedelta(minutes=15)
_OLDEST_MAIL = timedelta(hours=1)
_LOG = "see the log of greenpark run"


@dataclass(frozen=True)
class JobState:
    """How the jobs are: rows of job_run, and of what waits."""

    jobs: Sequence[Mapping[str, Any]]
    waiting: Mapping[str, Any]


def read_jobs(conn: Conn) -> JobState:
    """The state of the jobs.

    Raises:
        StorageError: the database did not answer.
    """
    return JobState(rows(conn, "job_runs"), rows(conn, "work_waiting")[0])


def overdue_s(job: Mapping[str, Any], now: datetime) -> float:
    """Seconds that a job has been without a good run beyond three of its pauses; 0: all is well.

    Args:
        job: row of job_run; one that runs at present gets a quarter of an hour.
        now: wall clock.
    """
    if job["every_s"] is None:
        return 0.0
    if job["finished_at"] is None and now - job["started_at"] < _LONGEST_RUN:
        return 0.0
    since: datetime = job["last_ok_at"] or job["started_at"]
    limit_s = max(_MISSED_RUNS * float(job["every_s"]), _AT_LEAST_S)
    return max(0.0, (now - since).total_seconds() - limit_s)


def job_problems(state: JobState, now: datetime) -> Iterator[Problem]:
    """What is wrong with the jobs and the outbox at `now` (wall clock)."""
    if not state.jobs:
        yield Problem("warning", "jobs", "no job ever ran", "run: greenpark run")
    for job in state.jobs:
        subject = f"job {job['job']}"
        if job["ok"] is False:
            times = job["failures_in_a_row"]
            yield Problem("error", subject, f"failed {times} time(s): {job['error']}", _LOG)
        elif overdue_s(job, now):
            well = job["last_ok_at"]
            since = f"since {well.isoformat(timespec='seconds')}" if well else "yet"
            expected = f"expected every {job['every_s']:g} s"
            yield Problem(
                "error", subject, f"no good run {since}, {expected}", f"is greenpark run up? {_LOG}"
            )
    oldest = state.waiting["oldest_mail_at"]
    if oldest is not None and now - oldest > _OLDEST_MAIL:
        yield Problem(
            "error",
            "outbox",
            f"{state.waiting['mails_waiting']} message(s) wait, the oldest since "
            f"{oldest.isoformat(timespec='seconds')}",
            "see last_error in: greenpark alerts list; is the mail server up?",
        )
