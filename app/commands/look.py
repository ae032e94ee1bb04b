"""findings: what the data says about itself."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands.options import (
    FormatOption,
    FromOption,
    MeterOption,
    ParkOption,
    ToOption,
    instant_of,
)
from app.output import Format, show
from app.wiring import database
from models.findings import Severity
from storage.findings import FindingFilter, list_findings
from storage.parks import applied_parks


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(findings)


def findings(
    code: Annotated[
        str | None, typer.Option(help="code or its beginning, e.g. register or quarantine.")
    ] = None,
    severity: Annotated[Severity | None, typer.Option(help="info, warning or critical")] = None,
    enterprise: Annotated[str | None, typer.Option(help="enterprise key")] = None,
    meter: MeterOption = None,
    start: FromOption = None,
    stop: ToOption = None,
    everything: Annotated[bool, typer.Option("--all", help="withdrawn ones as well")] = False,
    park: ParkOption = None,
    form: FormatOption = Format.table,
    limit: int = 10_000,
) -> None:
    """List validation findings and refused messages, newest first.

    A withdrawn finding was none when more was known. --from and --to choose findings by the time
    they are about.

    Example: greenpark findings --code register --meter grid-1 --from 2026-03-01 --format json
    """
    with database() as connect, connect() as conn:
        zones = {p.park.zone for p in applied_parks(conn) if park in (None, p.park.key)}
        asked = FindingFilter(
            code,
            severity,
            enterprise,
            meter,
            park,
            instant_of(start, zones),
            instant_of(stop, zones),
            everything,
        )
        rows = list_findings(conn, limit, asked)
    columns = [
        "code",
        "severity",
        "enterprise",
        "meter",
        "channel",
        "period_start",
        "period_stop",
        "evidence",
    ]
    show(
        rows,
        [*columns, "withdrawn_at"] if everything else columns,
        form,
        "no findings: nothing was refused or doubtful",
    )
