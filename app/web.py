"""What `greenpark run` serves: /health, /metrics, and /ack for the links of mails."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from threading import Lock
from typing import Any

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as MetricsSource

from app.acknowledge import AcknowledgePage
from app.checks import Problem
from app.clock import Clock, wall_now
from app.health import JobState, job_problems, overdue_s, read_jobs
from app.httpd import WsgiApp, by_path
from app.settings import Settings
from models.errors import StorageError
from storage.alerts import open_by_severity
from storage.db import Conn

_FRESH_S = 2.0  # scrapers and health checks share one look at the database

Seen = tuple[JobState, dict[str, int]]


class State:
    """A look at the database, at most every two seconds; None: it is away."""

    def __init__(self, connect: Callable[[], Conn]) -> None:
        self._connect, self._lock = connect, Lock()
        self._seen: Seen | None = None
        self._seen_at = float("-inf")
        self.error = ""

    def look(self) -> Seen | None:
        """Jobs, what waits, and the number of open alerts by severity."""
        with self._lock:
            if time.monotonic() - self._seen_at > _FRESH_S:
                try:
                    with closing(self._connect()) as conn:
                        self._seen, self.error = (read_jobs(conn), open_by_severity(conn)), ""
                except StorageError as exc:
                    self._seen, self.error = None, str(exc)
                self._seen_at = time.monotonic()
            return self._seen


def health_app(state: State) -> WsgiApp:
    """/health: 200 if the jobs do their work, 503 with the problems if not."""

    def app(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        seen = state.look()
        problems = (
            [p for p in job_problems(seen[0], wall_now()) if p.level == "error"]
            if seen
            else [Problem("error", "database", state.error, "start PostgreSQL, GREENPARK_DSN")]
        )
        facts = {"ok": not problems, "problems": [asdict(p) for p in problems]}
        status = "503 Service Unavailable" if problems else "200 OK"
        start(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        return [json.dumps(facts, ensure_ascii=False).encode()]

    return app


class JobMetrics(MetricsSource):
    """Jobs, outbox and alerts for Prometheus, as of the scrape."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        """The metrics; while the database is away only `greenpark_database_up` 0."""
        seen = self._state.look()
        up = 0 if seen is None else 1
        yield GaugeMetricFamily("greenpark_database_up", "1: the database answers", value=up)
        if seen is None:
            return
        jobs, alerts = seen
        yield from _of_jobs(jobs, wall_now())
        for key, text in (
            ("mails_waiting", "messages not delivered yet"),
            ("mails_failed", "messages refused for good"),
            ("stale_ranges", "ranges of readings to be computed anew"),
            ("quarantined", "messages of meters that could not be used"),
        ):
            yield GaugeMetricFamily(f"greenpark_{key}", text, value=jobs.waiting[key])
        oldest = jobs.waiting["oldest_mail_at"]
        age_s = (wall_now() - oldest).total_seconds() if oldest else 0.0
        yield GaugeMetricFamily(
            "greenpark_oldest_mail_seconds", "age of the oldest message that waits", value=age_s
        )
        family = GaugeMetricFamily("greenpark_alerts_open", "alerts", labels=["severity"])
        for severity, number in alerts.items():
            family.add_metric([severity], number)
        yield family


def _of_jobs(state: JobState, now: datetime) -> Iterator[Metric]:
    def timestamp(at: datetime | None) -> float | None:
        return at.timestamp() if at else None

    kinds = (
        ("last_start_timestamp_seconds", "its last start", lambda j: timestamp(j["started_at"])),
        ("last_ok_timestamp_seconds", "its last good run", lambda j: timestamp(j["last_ok_at"])),
        ("duration_seconds", "how long its last run took", lambda j: j["duration_s"]),
        ("failures_in_a_row", "runs since the last good one", lambda j: j["failures_in_a_row"]),
        ("overdue_seconds", "without a good run beyond its limit", lambda j: overdue_s(j, now)),
    )
    for name, text, value in kinds:
        gauge = GaugeMetricFamily(f"greenpark_job_{name}", text, labels=["job"])
        for job in state.jobs:
            if (number := value(job)) is not None:
                gauge.add_metric([job["job"]], number)
        yield gauge
    for name, text in (("runs", "starts"), ("failures", "runs that ended with an error")):
        counter = CounterMetricFamily(f"greenpark_job_{name}", text, labels=["job"])
        for job in state.jobs:
            counter.add_metric([job["job"]], job[name])
        yield counter


def runner_app(connect: Callable[[], Conn], settings: Settings, clock: Clock) -> WsgiApp:
    """All pages of `greenpark run`."""
    state = State(connect)
    registry = CollectorRegistry()
    registry.register(JobMetrics(state))
    return by_path(
        {
            "/health": health_app(state),
            "/metrics": make_wsgi_app(registry),
            "/ack": AcknowledgePage(connect, clock, settings.link_secret.get_secret_value()),
        }
    )
