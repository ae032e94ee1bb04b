"""APScheduler runs the pipeline until the process is told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from app.clock import Clock
from app.jobs.pipeline import calculate, deliver, keep
from app.settings import Settings
from models.errors import StorageError
from storage.db import Conn

log = logging.getLogger(__name__)

_DELIVERY_EVERY_S = 5
_LIFECYCLE_EVERY_H = 6


def serve(connect: Callable[[], Conn], settings: Settings, clock: Clock) -> None:
    """Calculate every `job_interval_s` and deliver every five seconds, until SIGTERM or SIGINT.

    One run at a time; missed runs are caught up by the next one, because every job works off
    what is stale, not what is due.
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
    scheduler.add_job(
        _guarded,
        "interval",
        seconds=settings.job_interval_s,
        id="calculate",
        args=[lambda: calculate(connect, clock.now()), "calculate"],
    )
    scheduler.add_job(
        _guarded,
        "interval",
        seconds=_DELIVERY_EVERY_S,
        id="deliver",
        args=[lambda: deliver(connect, settings, clock.now()), "deliver"],
    )
    scheduler.add_job(
        _guarded,
        "interval",
        hours=_LIFECYCLE_EVERY_H,
        id="lifecycle",
        args=[lambda: keep(connect, settings), "lifecycle"],
    )
    _guarded(lambda: calculate(connect, clock.now()), "calculate")
    _guarded(lambda: keep(connect, settings), "lifecycle")
    scheduler.start()
    log.info("jobs run every %s s", settings.job_interval_s)
    stop.wait()
    scheduler.shutdown(wait=True)


def _guarded(work: Callable[[], object], name: str) -> None:
    """The database may be away for a while; the next run finds the work where it is."""
    try:
        work()
    except StorageError as exc:
        log.warning("%s: %s; trying again at the next run", name, exc)
