"""intervals, findings, indicators, alerts: what the system knows."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

import typer

from app.commands.options import FormatOption, NowOption, ParkOption, instant
from app.output import Format, show
from app.settings import settings
from app.wiring import clock_of, database, one_park
from models.periods import local_day
from models.quantities import QUANTITIES
from storage.alerts import list_alerts
from storage.findings import list_findings
from storage.indicators import list_indicators
from storage.intervals import list_intervals


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(intervals)
    app.command()(findings)
    app.command()(indicators)
    group = typer.Typer(no_args_is_help=True, help="Alerts and their e-mails.")
    group.command("list")(alerts_list)
    app.add_typer(group, name="alerts")


def intervals(
    start: Annotated[
        datetime | None, typer.Option("--from", parser=instant, metavar="TIME")
    ] = None,
    stop: Annotated[datetime | None, typer.Option("--to", parser=instant, metavar="TIME")] = None,
    meter: Annotated[str | None, typer.Option(help="meter key")] = None,
    form: FormatOption = Format.table,
    now: NowOption = None,
) -> None:
    """Show 15-minute values: amount or mean, unit, quality. Default: the last 24 hours.

    Example: greenpark intervals --from 2026-03-01T00:00:00+08:00 --meter grid-1 --format csv
    """
    last = stop or clock_of(settings(), now).now()
    with database() as connect, connect() as conn:
        rows = list_intervals(conn, start or last - timedelta(days=1), last, meter)
    for row in rows:
        row["unit"] = QUANTITIES[row["quantity"]].unit
    show(
        rows,
        ["bucket_start", "channel", "value", "unit", "quality", "method"],
        form,
        "no intervals in this range; are readings coming in? see: greenpark doctor",
    )


def findings(form: FormatOption = Format.table, limit: int = 10_000) -> None:
    """List validation findings and refused messages, newest first.

    Example: greenpark findings --format json
    """
    with database() as connect, connect() as conn:
        rows = list_findings(conn, limit)
    show(
        rows,
        [
            "code",
            "severity",
            "enterprise",
            "meter",
            "channel",
            "period_start",
            "period_stop",
            "evidence",
        ],
        form,
        "no findings: nothing was refused or doubtful",
    )


def indicators(
    park: ParkOption = None,
    history: Annotated[
        bool, typer.Option("--all", help="every period, not just the newest")
    ] = False,
    form: FormatOption = Format.table,
    now: NowOption = None,
) -> None:
    """Show indicator values with period, completeness, estimated share and status.

    Example: greenpark indicators --format json
    """
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        today = local_day(clock_of(settings(), now).now(), applied.park.zone)
        rows = list_indicators(conn, applied.park_id, today + timedelta(days=1), newest=not history)
    show(
        rows,
        [
            "indicator",
            "subject",
            "period_kind",
            "period_start",
            "period_stop",
            "value",
            "unit",
            "numerator",
            "denominator",
            "completeness_ratio",
            "estimated_ratio",
            "status",
        ],
        form,
        "no indicator values yet; run: greenpark run --once",
    )


def alerts_list(
    everything: Annotated[bool, typer.Option("--all", help="resolved ones as well")] = False,
    form: FormatOption = Format.table,
) -> None:
    """List alerts with their state, reason and e-mails.

    Example: greenpark alerts list --all --format csv
    """
    with database() as connect, connect() as conn:
        rows = [asdict(a) for a in list_alerts(conn, include_resolved=everything)]
    for row in rows:
        row["value"], row["target"] = (row["evidence"].get(k) for k in ("value", "target"))
    show(
        rows,
        [
            "alert_id",
            "enterprise_key",
            "rule",
            "severity",
            "state",
            "value",
            "target",
            "opened_at",
            "resolved_at",
            "mails_sent",
            "mails_waiting",
            "mails_failed",
            "last_error",
        ],
        form,
        "no open alerts",
    )
