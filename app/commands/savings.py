"""savings: verified savings of the retrofit projects; savings check: of a file, without a park."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import holidays
import pandas as pd
import typer

from analytics.savings.project import Granularity, Project, Span
from analytics.savings.verify import SavingResult, verify
from app.commands.options import FormatOption, ParkOption
from app.output import Format, show
from app.wiring import database, one_park
from models.errors import ConfigError
from storage.savings import list_savings

_COLUMNS = (
    *("project", "enterprise", "reporting_year", "is_accepted", "saved_amount", "saved_low"),
    *("saved_high", "unit", "target_amount", "reporting_start", "reporting_stop", "model"),
    *("refusals", "remarks"),
)
_RESERVED = ("date", "use", "temperature_degc", "temperature_degf")


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
    country: Annotated[str, typer.Option(help="whose holidays are days off")] = "CN",
    monthly: Annotated[bool, typer.Option("--monthly", help="judge months, not days")] = False,
    meter_change: Annotated[
        list[str] | None,
        typer.Option(help="declared change that the data already allows for, e.g. 2016-05-01"),
    ] = None,
    form: FormatOption = Format.table,
) -> None:
    """Verify the saving of a meter from a file; exit code 1: refused.

    `use` is the amount of each step; steps shorter than a day are summed to days, and a day with
    a missing step is missing. Every other numeric column is a driver, e.g. product_t. What lies
    between baseline and reporting is left out. Times are local.

    Example: greenpark savings check meter.csv --baseline 2016-01-01..2017-01-01
    --reporting 2017-02-01..2018-02-01
    """
    project = _project(file, _span(baseline), _span(reporting), country, monthly, meter_change)
    result = verify(project)
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


def _span(text: str) -> Span:
    try:
        start, stop = (date.fromisoformat(part) for part in text.split("..", 1))
        return Span(start, stop)
    except ValueError:
        msg = f"{text!r} is no period; expected e.g. 2016-01-01..2017-01-01"
        raise typer.BadParameter(msg) from None


def _project(
    file: Path,
    baseline: Span,
    reporting: Span,
    country: str,
    monthly: bool,
    changes: list[str] | None,
) -> Project:
    from analytics.savings.project import MeterRecord

    table = _days(file)
    granularity: Granularity = "month" if monthly else "day"
    temperature = table.pop("temperature_degc") if "temperature_degc" in table else None
    use = table.pop("use")
    if monthly:
        counted = use.resample("MS")
        use = counted.sum().where(counted.count() == counted.size())
        table = table.resample("MS").sum(min_count=28)
    years = range(baseline.start.year, reporting.stop.year + 1)
    off = holidays.country_holidays(country, years=years)
    return Project(
        file.stem,
        use,
        baseline,
        Span(baseline.stop, max(reporting.start, baseline.stop)),
        reporting,
        table if len(table.columns) else None,
        temperature,
        frozenset(off),
        meter_changes=tuple(
            MeterRecord(date.fromisoformat(day), handled=True) for day in changes or ()
        ),
        granularity=granularity,
    )


def _days(file: Path) -> pd.DataFrame:
    """Daily sums of use and drivers, means of temperature; incomplete days are missing."""
    try:
        raw = pd.read_csv(file)
    except (OSError, ValueError) as exc:
        raise ConfigError(str(file), [f"is no readable CSV file: {exc}"]) from exc
    missing = [c for c in ("date", "use") if c not in raw.columns]
    if missing:
        fault = f"column(s) missing: {', '.join(missing)}; expected: {', '.join(_RESERVED)}"
        raise ConfigError(str(file), [fault])
    index = pd.to_datetime(raw.pop("date"), errors="coerce")
    if index.isna().any():
        line = int(index.isna().to_numpy().argmax()) + 2
        raise ConfigError(
            str(file), [f"line {line}: no date; expected e.g. 2016-01-31 or with time"]
        )
    raw = raw.apply(pd.to_numeric, errors="coerce").set_index(pd.DatetimeIndex(index))
    raw.index = raw.index.tz_localize(None) if raw.index.tz is not None else raw.index
    if "temperature_degf" in raw:
        raw["temperature_degc"] = (raw.pop("temperature_degf") - 32) / 1.8
    if raw.index.has_duplicates and (raw.index.normalize() == raw.index).all():
        raise ConfigError(str(file), ["a date occurs twice; expected each once"])
    daily = raw.resample("D")
    counted: pd.DataFrame = daily.count()
    sums: pd.DataFrame = daily.sum().where(counted.eq(daily.size(), axis=0) & (counted > 0))
    if "temperature_degc" in raw:
        sums["temperature_degc"] = daily["temperature_degc"].mean()
    return sums
