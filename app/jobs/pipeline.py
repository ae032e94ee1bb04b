"""The jobs in their order, once; each notes its run, none takes the others down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

from alerts.channels import Channels
from alerts.email import EmailChannel, SmtpServer
from alerts.links import Links
from alerts.outbox import deliver_due
from app.channels import named
from app.clock import wall_now
from app.jobs.balances import compute_balances
from app.jobs.evaluate import evaluate_rules, pack_due
from app.jobs.indicators import compute_indicators
from app.jobs.intervals import compute_intervals
from app.jobs.lifecycle import keep_house
from app.jobs.validation import compute_validation
from app.settings import Settings
from models.errors import StorageError
from storage.db import Conn
from storage.jobs import finish_job, only_runner, start_job

log = logging.getLogger(__name__)

CALCULATIONS: Mapping[str, Callable[[Conn, datetime], Mapping[str, Any]]] = {
    "intervals": compute_intervals,
    "balances": compute_balances,
    "validation": compute_validation,
    "indicators": compute_indicators,
    "rules": evaluate_rules,
    "messages": pack_due,
}


def links(settings: Settings) -> Links:
    """Where the links of the messages lead."""
    return Links(settings.grafana_url, settings.web_url, settings.link_secret.get_secret_value())


def smtp_server(settings: Settings) -> SmtpServer:
    """The mail server of the deployment."""
    return SmtpServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_username,
        settings.smtp_password.get_secret_value(),
    )


def transport(settings: Settings) -> Channels:
    """E-mail and the channels of the deployment."""
    email = EmailChannel(smtp_server(settings), settings.mail_from, links(settings))
    return Channels(email, wall_now, *named(settings))


def calculate(
    connect: Callable[[], Conn], now: datetime, every_s: float | None = None
) -> dict[str, Mapping[str, Any]]:
    """Intervals, balances, validation, indicators, rules. Returns what each did, or its error.

    A second runner finds the lock taken and does nothing.
    """
    results: dict[str, Mapping[str, Any]] = {}
    with connect() as conn, only_runner(conn) as alone:
        if not alone:
            log.warning("another process runs the jobs, this run is left out")
            return {"skipped": {"reason": "another process runs the jobs"}}
        for name, job in CALCULATIONS.items():
            results[name] = _noted(conn, name, now, partial(job, conn, now), every_s)
            if "error" in results[name]:
                break  # the next job would build on what is not there
    return results


def deliver(
    connect: Callable[[], Conn], settings: Settings, now: datetime, every_s: float | None = None
) -> Mapping[str, Any]:
    """Send what waits in the outbox; several may do so at once."""
    with connect() as conn, transport(settings) as channel:
        return _noted(
            conn, "delivery", now, lambda: asdict(deliver_due(connect, channel, wall_now)), every_s
        )


def keep(
    connect: Callable[[], Conn], settings: Settings, every_s: float | None = None
) -> Mapping[str, Any]:
    """Compress and remove what is old."""
    with connect() as conn:
        at = wall_now()
        return _noted(conn, "lifecycle", at, partial(keep_house, conn, settings, at), every_s)


def run_once(
    connect: Callable[[], Conn], settings: Settings, now: datetime
) -> dict[str, Mapping[str, Any]]:
    """Every due job once."""
    results = calculate(connect, now)
    results["delivery"] = deliver(connect, settings, now)
    results["lifecycle"] = keep(connect, settings)
    return results


def _noted(
    conn: Conn,
    name: str,
    now: datetime,
    work: Callable[[], Mapping[str, Any]],
    every_s: float | None,
) -> Mapping[str, Any]:
    """Run a job and note its run; an error is logged with its trace, noted and returned."""
    start_job(conn, name, wall_now(), now, every_s)
    try:
        detail = work()
    except StorageError as exc:
        if exc.retryable:
            raise
        log.exception("job %s failed", name)
        detail = {"error": str(exc)}
    except Exception as exc:
        log.exception("job %s failed", name)
        detail = {"error": f"{type(exc).__name__}: {exc}"}
    finish_job(conn, name, wall_now(), detail, detail.get("error"))
    return detail
