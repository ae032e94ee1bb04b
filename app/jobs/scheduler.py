"""APScheduler runs the pipeline until the process is told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from app.clock import Clock, wall_now
from app.heartbeat import Heartbeat
from app.jobs.pipeline import calculate, deliver, keep
from app.settings import Settings
from models.errors import StorageError
from storage.db import Conn
from storage.jobs import rows

log = logging.getLogger(__name__)

_DELIVERY_EVERY_S = 5.0
_LIFECYCLE_EVERY_S = 6 * 3600.0


@dataclass(frozen=True)
class Job:
    """Something that runs again and again; `note` is the row of job_run that tells when it did."""

    name: str
    note: str
    every_s: float
    work: Callable[[], Mapping[str, Any]]


def jobs(connect: Callable[[], Conn], settings: Settings, clock: Clock) -> list[Job]:
    """What `greenpark run` does, and how often."""
    every_s = settings.job_interval_s
    return [
        Job("calculate", "intervals", every_s, lambda: calculate(connect, clock.now(), every_s)),
        Job(
            "deliver",
            "delivery",
            _DELIVERY_EVERY_S,
            lambda: deliver(connect, settings, clock.now(), _DELIVERY_EVERY_S),
        ),
        Job(
            "lifecycle",
            "lifecycle",
            _LIFECYCLE_EVERY_S,
            lambda: keep(connect, settings, _LIFECYCLE_EVERY_S),
        ),
    ]


def first_run(now: datetime, every_s: float, last: Mapping[str, Any] | None) -> datetime:
    """When a job is due after a start of the program: a restart neither repeats nor forgets runs.

    Args:
        last: its row of job_run with started_at and finished_at (wall clock); None: it never ran.

    A run that was missed, or that was killed on its way, is due at once, and once only.
    """
    if last is None or last["finished_at"] is None:
        return now
    due: datetime = last["started_at"] + timedelta(seconds=every_s)
    return min(max(now, due), now + timedelta(seconds=every_s))  # a clock that was set back


def serve(connect: Callable[[], Conn], settings: Settings, clock: Clock) -> None:
    """Calculate every `job_interval_s` and deliver every five seconds, until SIGTERM or SIGINT.

    One run of a job at a time. The state of the jobs is in the database (job_run): after a
    restart each goes on where it was.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(2)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    heartbeat = Heartbeat(settings.heartbeat_url.get_secret_value())
    last = _last_runs(connect)
    for job in jobs(connect, settings, clock):
        scheduler.add_job(
            _guarded,
            "interval",
            seconds=job.every_s,
            id=job.name,
            args=[job, heartbeat if job.name == "calculate" else None],
            next_run_time=first_run(wall_now(), job.every_s, last.get(job.note)),
        )
    scheduler.start()
    log.info("jobs run every %s s", settings.job_interval_s)
    stop.wait()
    scheduler.shutdown(wait=True)


def _last_runs(connect: Callable[[], Conn]) -> dict[str, dict[str, Any]]:
    """Rows of job_run by job; none while the database is away: everything is due then."""
    try:
        with closing(connect()) as conn:
            return {r["job"]: r for r in rows(conn, "job_runs")}
    except StorageError as exc:
        log.warning("the last runs are not known: %s", exc)
        return {}


def _guarded(job: Job, heartbeat: Heartbeat | None) -> None:
    """Whatever happens, the next run finds the work where it is."""
    try:
        result = job.work()
    except StorageError as exc:
        log.warning("%s: %s; trying again at the next run", job.name, exc)
        result = {"error": str(exc)}
    except Exception as exc:  # a defect of one run must not end the service
        log.exception("%s failed; trying again at the next run", job.name)
        result = {"error": str(exc)}
    if heartbeat is not None:
        heartbeat.beat(well=not _failed(result))


def _failed(result: Mapping[str, Any]) -> bool:
    return "error" in result or any(
        isinstance(part, Mapping) and "error" in part for part in result.values()
    )
