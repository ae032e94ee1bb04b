"""savings: verified savings of the retrofit projects; savings check: of a file, without a park."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from analytics.savings.project import Span
from analytics.savings.verify import SavingResult, verify
from app.commands.options import FormatOption, ParkOption
from app.output import Format, show
from app.savings_file import MeterFile, project_of_file
from app.wiring import database, one_park
from models.errors import ConfigError
from storage.savings import list_savings

_COLUMNS = (
    *("project", "enterprise", "reporting_year", "is_accepted", "saved_amount", "saved_low"),
    *("saved_high", "unit", "target_amount", "reporting_start", "reporting_stop", "model"),
    *("refusals", "remarks"),
)


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=True, help="Measurement and verification of savings.")
    group.command("list")(listing)
    group.command("check")(check)
    app.add_typer(group, name="savings")


def listing(park: ParkOption = None, form: FormatOption = Format.table) -> None:
    """Savings of the projects of park.yaml by calendar year, accepted or refused with the reason.

    Example: greenpark savings list --format json
    """
    with database() as connect, connect() as conn:
        rows = list_savings(conn, one_park(conn, park).park_id)
    columns = _COLUMNS if form is Format.table else (*_COLUMNS, "statistics", "baseline_amount",
                                                      "measured_amount", "computed_at")  # fmt: skip
    show(rows, columns, form, "no projects; see retrofits in docs/park.md")


def check(
    file: Annotated[Path, typer.Argument(help="CSV: date,use[,temperature_degc][,driver ...]")],
    baseline: Annotated[str, typer.Option(help="2016-01-01..2017-01-01, end excluded")],
    reporting: Annotated[str, typer.Option(help="days after the works, end excluded")],
    temperature: Annotated[
        Path | None, typer.Option(help="CSV of date,temperature_degc (or temperature_degf)")
    ] = None,
    timezone: Annotated[str, typer.Option(help="zone of the days")] = "Asia/Shanghai",
    country: Annotated[str, typer.Option(help="whose holidays are days off")] = "CN",
    monthly: Annotated[bool, typer.Option("--monthly", help="judge months, not days")] = False,
    meter_change: Annotated[
        list[str] | None,
        typer.Option(help="declared change that the data already allows for, e.g. 2016-05-01"),
    ] = None,
    form: FormatOption = Format.table,
) -> None:
    """Verify the saving of a meter from a file; exit code 1: refused.

    The first column is the time, `use` the amount of each step; steps shorter than a day are
    summed to days, and a day with a missing step is missing. Every other numeric column is a
    driver, e.g. product_t. What lies between baseline and reporting is left out.

    Example: greenpark savings check meter.csv --baseline 2016-01-01..2017-01-01
    --reporting 2017-02-01..2018-02-01
    """
    told = MeterFile(
        file,
        _span(baseline),
        _span(reporting),
        timezone,
        country,
        monthly,
        temperature,
        tuple(_day(text) for text in meter_change or ()),
    )
    try:
        result = verify(project_of_file(told))
    except ValueError as exc:  # periods that overlap, and the like
        raise ConfigError(str(file), [str(exc)]) from exc
    row = said(result)
    show([row], list(row), form, "")
    if not result.accepted:
        raise typer.Exit(1)


def said(result: SavingResult) -> dict[str, Any]:
    """A result as a row."""
    spread = result.uncertainty
    found = result.statistics
    return {
        "verdict": "accepted" if result.accepted else "refused",
        "saved": result.saved,
        "unverified_estimate": None if result.accepted else result.estimate,
        "uncertainty_68": spread.at_68 if spread else None,
        "uncertainty_90": spread.at_90 if spread else None,
        "expected": result.expected,
        "measured": result.measured,
        "model": result.formula,
        "heating_degc": result.heating_degc,
        "cooling_degc": result.cooling_degc,
        "cv_rmse": found.cv_rmse if found else None,
        "r2": found.r2 if found else None,
        "refusals": list(result.refusals),
        "remarks": list(result.remarks),
    }


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is no day; expected e.g. 2016-05-01"
        raise typer.BadParameter(msg) from None


def _span(text: str) -> Span:
    try:
        start, stop = (date.fromisoformat(part) for part in text.split("..", 1))
        return Span(start, stop)
    except ValueError:
        msg = f"{text!r} is no period; expected e.g. 2016-01-01..2017-01-01"
        raise typer.BadParameter(msg) from None
