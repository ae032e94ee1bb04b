"""doctor: every problem of configuration and operation, each with its remedy."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import typer

from app.brokerconf.certificates import certificate_days_left
from app.channels import file_problems, unknown_channels
from app.checks import Problem, collector_problems, park_problems
from app.clock import wall_now
from app.commands.options import FormatOption, NowOption
from app.health import job_problems, read_jobs
from app.output import Format, show
from app.settings import Settings, settings
from app.wiring import clock_of, console, database
from models.errors import ParkError
from storage.db import Conn
from storage.jobs import last_readings, rows
from storage.parks import applied_parks, channels
from storage.timescale import edition

_SILENT_PERIODS = 4
_JOB_COLUMNS = (
    *("job", "started_at", "last_ok_at", "duration_s", "every_s", "runs", "failures"),
    *("failures_in_a_row", "error"),
)
_RENEW_DAYS = 30
_NEW_AUTHORITY = "docs/operations.md, A new authority: every hand-out of broker-config changes"
_NEW_CERTIFICATE = "greenpark broker-config --rotate greenpark-collector, restart the collector"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(doctor)


def doctor(form: FormatOption = Format.table, now: NowOption = None) -> None:
    """List every problem of configuration and operation, with its remedy. Exit 1 on errors.

    Example: greenpark doctor --format json
    """
    config = settings()
    at = clock_of(config, now).now()
    found = [*_broker(config), *certificate_problems(config, at), *file_problems(config)]
    jobs: list[dict[str, Any]] = []
    try:
        with database() as connect, connect() as conn:
            found += _database(conn)
            jobs = rows(conn, "job_runs")
            found += [
                p for check in (_parks, _silence, _jobs, _collectors) for p in check(conn, at)
            ]
    except ParkError as exc:
        found.append(
            Problem(
                "error",
                "database",
                str(exc),
                "start PostgreSQL, check GREENPARK_DSN, run: greenpark migrate",
            )
        )
    order = {"error": 0, "warning": 1, "info": 2}
    found.sort(key=lambda p: order[p.level])
    show(
        [asdict(p) for p in found],
        ["level", "subject", "problem", "remedy"],
        form,
        "no problems found",
    )
    if form is Format.table and jobs:
        show(jobs, _JOB_COLUMNS, form, "")
    errors = sum(p.level == "error" for p in found)
    if form is Format.table and found:
        console.print(f"{len(found)} finding(s), {errors} error(s)")
    if errors:
        raise typer.Exit(1)


def _broker(config: Settings) -> Iterator[Problem]:
    where = f"{config.mqtt_host}:{config.mqtt_port}"
    try:
        socket.create_connection((config.mqtt_host, config.mqtt_port), 3).close()
    except OSError as exc:
        yield Problem(
            "error",
            f"broker {where}",
            f"does not answer: {exc}",
            "start the broker or set GREENPARK_MQTT_HOST and GREENPARK_MQTT_PORT",
        )
    if not config.mqtt_username and config.mqtt_host not in ("127.0.0.1", "localhost"):
        yield Problem(
            "warning",
            f"broker {where}",
            "the collector logs in without a user",
            "set GREENPARK_MQTT_USERNAME and GREENPARK_MQTT_PASSWORD_FILE",
        )


def certificate_problems(config: Settings, now: datetime) -> Iterator[Problem]:
    """Certificates of the connection to the broker that end soon, have ended or are no use."""
    for name, path, remedy in (
        ("GREENPARK_MQTT_CA_FILE", config.mqtt_ca_file, _NEW_AUTHORITY),
        ("GREENPARK_MQTT_CERT_FILE", config.mqtt_cert_file, _NEW_CERTIFICATE),
    ):
        if path is None:
            continue
        try:
            days = certificate_days_left(path, now)
        except (OSError, ValueError) as exc:
            yield Problem("error", name, f"{path} is no use: {exc}", "expected a PEM certificate")
            continue
        if days < 0:
            yield Problem("error", name, f"{path} ended {-days:.0f} day(s) ago", remedy)
        elif days < _RENEW_DAYS:
            yield Problem("warning", name, f"{path} ends in {days:.0f} day(s)", remedy)


def _database(conn: Conn) -> Iterator[Problem]:
    if edition(conn) == "absent":
        yield Problem(
            "info",
            "database",
            "no TimescaleDB: readings are in plain tables",
            "good for trials; use the TimescaleDB of docker-compose.yml in production",
        )
    sync = conn.execute("SHOW synchronous_commit").fetchone()
    if sync and sync[0] == "off":
        yield Problem(
            "error",
            "database",
            "synchronous_commit is off: an acknowledged reading can be lost",
            "set synchronous_commit = on",
        )


def _parks(conn: Conn, _now: datetime) -> Iterator[Problem]:
    applied = applied_parks(conn)
    if not applied:
        yield Problem("error", "park", "no park is applied", "run: greenpark apply park.yaml")
    for item in applied:
        yield from park_problems(item.park)
        yield from unknown_channels(item.park, settings())


def _silence(conn: Conn, now: datetime) -> Iterator[Problem]:
    newest = last_readings(conn)
    for ref in channels(conn):
        last = newest.get(ref.channel_id)
        limit = timedelta(seconds=_SILENT_PERIODS * ref.period_s)
        if last is None:
            yield Problem(
                "warning", ref.path, "never sent a reading", "check meter, topic and gateway"
            )
        elif now - last > limit:
            yield Problem(
                "warning",
                ref.path,
                f"silent since {last.isoformat()}",
                f"expected every {ref.period_s} s: check meter, gateway and network",
            )


def _jobs(conn: Conn, _now: datetime) -> Iterator[Problem]:
    state = read_jobs(conn)
    waiting = state.waiting
    if waiting["mails_failed"]:
        yield Problem(
            "error",
            "outbox",
            f"{waiting['mails_failed']} message(s) were refused for good",
            "see: greenpark alerts list --all; correct the addresses and channels",
        )
    if waiting["quarantined"]:
        yield Problem(
            "warning",
            "quarantine",
            f"{waiting['quarantined']} message(s) could not be used",
            "see: greenpark findings",
        )
    yield from job_problems(state, wall_now())


def _collectors(conn: Conn, now: datetime) -> Iterator[Problem]:
    states = rows(conn, "collector_states")
    live = [s for s in states if s["client_id"] not in ("backfill", "import")]
    if not live:
        yield Problem(
            "warning", "collector", "no collector ever committed", "run: greenpark collect"
        )
    for state in live:
        yield from collector_problems(state, now)
