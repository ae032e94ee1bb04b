"""green: where a kWh came from, line by line; where the year will end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import numpy as np
import typer

from analytics.green.balance import Traced, trace
from analytics.green.climatology import baotou
from analytics.green.forecast import LEAST_DAYS, forecast_year
from analytics.green.stock import Stock
from analytics.green.supply import SOURCES, USES
from app.commands.indicators import members
from app.commands.options import FormatOption, NowOption, ParkOption, instant
from app.jobs.forecasts import columns, years_so_far
from app.jobs.green_members import green_members
from app.jobs.tracing import Account, Quarters, accounts, quarters, stock_at
from app.output import Format, show
from app.settings import settings
from app.wiring import clock_of, database, one_park
from models.errors import ConfigError
from models.periods import BUCKET, from_us, local_day
from storage.db import Conn
from storage.parks import enterprise_ids

Row = dict[str, Any]
_NAMES = {
    "onsite": "on-site generation",
    "direct": "direct line",
    "storage": "storage",
    "grid": "grid",
    "load": "load",
    "charge": "charging",
    "export": "export",
}


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=True, help="Green power accounting, looked into.")
    group.callback()(lambda: None)
    group.command("explain")(explain)
    group.command("forecast")(forecast)
    app.add_typer(group, name="green")


def explain(
    enterprise: Annotated[str, typer.Option(help="enterprise key")],
    at: Annotated[
        datetime,
        typer.Option(parser=instant, metavar="TIME", help="any instant of the quarter-hour"),
    ],
    park: ParkOption = None,
    form: FormatOption = Format.table,
) -> None:
    """Show where the energy of a quarter-hour came from and where it went, line by line.

    From the meters over every flow to the green amounts, with the storage before and after.

    Example: greenpark green explain --enterprise zhongtian --at 2026-03-01T20:15:00+08:00
    """
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        known = enterprise_ids(conn, applied.park_id)
        applied.park.enterprise(enterprise)  # names what there is
        account = accounts(conn).get(known.get(enterprise, -1))
        if account is None:
            fault = f"enterprise {enterprise} has no channel of an energy balance"
            raise ConfigError("explain", [f"{fault}; give its meters roles, see docs/park.md"])
        rows = list(_explained(conn, account, at))
    show(
        rows,
        ["step", "line", "kwh", "green_kwh", "note"],
        form,
        "nothing is stored of that day; see: greenpark intervals --by day",
    )


def forecast(
    enterprise: Annotated[
        list[str] | None,
        typer.Option(help="enterprise key; several: their sum. Default: the goal of the park"),
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="leave this enterprise out")] = None,
    target: Annotated[
        float | None, typer.Option(min=0, max=1, help="share to reach; default: the goal")
    ] = None,
    park: ParkOption = None,
    form: FormatOption = Format.table,
    now: NowOption = None,
) -> None:
    """Forecast S1 and S3 of this year end: P10, P50, P90, the chance to reach the target, the gap.

    Examples: greenpark green forecast --- greenpark green forecast --without baolu --target 0.5
    """
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        at = clock_of(settings(), now).now()
        today = local_day(at, applied.park.zone)
        chosen = members(applied.park, enterprise or (), None, without or ())
        begin = date(today.year, 1, 1)
        known = green_members(conn, applied, begin, today + timedelta(days=1), today)
        mine = {n: m for n, m in known.items() if m.key in chosen and m.has_balance}
        years = years_so_far(conn, applied, mine, today)
        goal = applied.park.goal.year_end_ratio if target is None else target
        made = forecast_year(list(years.values()), baotou(), goal)
    if made is None:
        most = max((len(y.days) for y in years.values()), default=0)
        fault = f"at most {most} known days of {today.year} before {today} with a consumption"
        raise ConfigError("forecast", [f"{fault}; expected {LEAST_DAYS} or more"])
    row = {"members": ",".join(chosen), "made_for": today} | columns(made)
    if form is Format.table:
        show([{"what": k, "value": v} for k, v in row.items()], ["what", "value"], form, "")
    else:
        show([row], list(row), form, "")


def _explained(conn: Conn, account: Account, at: datetime) -> Iterator[Row]:
    day = local_day(at, account.park.zone)
    metered = quarters(conn, account, day, day + timedelta(days=1))
    if metered is None:
        return
    step = (at - from_us(metered.start_us)) // BUCKET
    before = stock_at(conn, account, day)
    cuts = [step, step + 1, sum(metered.buckets)]
    result = trace(metered.series, cuts, before, account.accounting)
    start = from_us(metered.start_us) + step * BUCKET
    yield _row("period", f"{start.isoformat()} to {(start + BUCKET).isoformat()}")
    yield from _meters(account, metered, step)
    if not result.closed[step]:
        note = "a channel has no value: left out of every sum, never filled"
        yield _row("balance", "not closed", note=note)
        return
    yield from _flows(result, step)
    if account.has_storage:
        yield from _storage(account, result, step)
    yield from _sums(result, step)


def _row(
    step: str,
    line: str,
    kwh: float | None = None,
    green: float | None = None,
    note: str | None = None,
) -> Row:
    return {"step": step, "line": line, "kwh": kwh, "green_kwh": green, "note": note}


def _meters(account: Account, metered: Quarters, step: int) -> Iterator[Row]:
    for ref, series in zip(account.channels, metered.series, strict=True):
        value = None if np.isnan(series.value[step]) else float(series.value[step])
        note = ref.role
        if not series.in_service[step]:
            note += ", not in service yet: counts as zero"
        elif value is None:
            note += ", missing"
        elif series.estimated[step]:
            note += ", estimated"
        yield _row("meter", ref.path, value, note=note)


def _flows(result: Traced, step: int) -> Iterator[Row]:
    c = {name: float(column[step]) for name, column in result.columns.items()}
    mix = _mix(c)
    for use in USES:
        for source in SOURCES:
            kwh = c[f"{source}_to_{use}_kwh"]
            if kwh:
                green = {"grid": 0.0, "storage": kwh * mix}.get(source, kwh)
                yield _row("flow", f"{_NAMES[source]} -> {_NAMES[use]}", kwh, green)
    if c["unbalanced_kwh"]:
        note = "charged or exported beyond all supply: the meters disagree"
        yield _row("flow", "no source", c["unbalanced_kwh"], 0.0, note)


def _mix(c: dict[str, float]) -> float:
    """Green part of the discharge, from what the uses got of it."""
    for use in USES:
        out = c[f"storage_to_{use}_kwh"]
        if out:
            straight = c[f"onsite_to_{use}_kwh"] + c[f"direct_to_{use}_kwh"]
            return (c[f"green_{use}_kwh"] - straight) / out
    return 0.0


def _storage(account: Account, result: Traced, step: int) -> Iterator[Row]:
    choices = account.accounting
    storage = account.park.enterprise(account.channels[0].enterprise_key).storage
    method = choices.method.replace("_", " ")
    note = f"{method}, efficiency {choices.efficiency_ratio} ({storage.efficiency_source})"
    stocks: dict[str, Stock] = {"before": result.stocks[0], "after": result.stocks[1]}
    for when, stock in stocks.items():
        yield _row("storage", f"{when}: can still give", stock.energy_kwh, stock.green_kwh, note)
    untraced = float(result.columns["untraced_kwh"][step])
    if untraced:
        yield _row("storage", "discharge beyond what was traced", untraced, 0.0, "not green")
    lost = float(result.columns["green_lost_kwh"][step])
    if lost:
        yield _row("storage", "lost by storing, taken at charging", None, lost)


def _sums(result: Traced, step: int) -> Iterator[Row]:
    c = {name: float(column[step]) for name, column in result.columns.items()}
    yield _row("sum", "load", c["load_kwh"], c["green_load_kwh"], "end use, fully tracked")
    physical, draw = c["physical_green_kwh"], c["grid_draw_kwh"]
    yield _row("sum", "P physical", physical, physical, "on-site + direct - green export")
    yield _row("sum", "D draw", draw, None, "import - export that is not green")
    used = c["consumption_kwh"]
    note = f"E = D + P; P / E = {physical / used:.4f}" if used > 0 else "E = D + P"
    yield _row("sum", "E use", used, physical, note)
