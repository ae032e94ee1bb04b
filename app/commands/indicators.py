"""indicators: stored values; indicators green: shares of any period and set of enterprises."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from app.commands import indicator_lists
from app.commands.options import FormatOption, NowOption, ParkOption
from app.green_account import GreenScope, green_account
from app.output import Format, show
from app.settings import settings
from app.wiring import clock_of, console, database, one_park
from models.errors import ConfigError
from models.indicators import IndicatorValue
from models.park import Park
from models.periods import local_day, next_month
from storage.indicators import list_indicators

_COLUMNS = (
    *("indicator", "subject", "period_kind", "period_start", "period_stop", "value", "unit"),
    *("numerator", "denominator", "completeness_ratio", "estimated_ratio", "status", "note"),
    *("threshold", "met"),
)
_SHORT = ("indicator", "value", "complete", "estimated", "status", "note")
_PERIOD = "2026, 2026-03, 2026-03-05, 2026-01-01..2026-04-01, ytd or rolling_12m"


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(indicators)
    group.command("green")(green)
    group.command("scorecard")(indicator_lists.score)
    app.add_typer(group, name="indicators")


def indicators(
    context: typer.Context,
    park: ParkOption = None,
    history: Annotated[
        bool, typer.Option("--all", help="every period, not just the newest")
    ] = False,
    listing: Annotated[
        bool, typer.Option("--list", help="what indicators there are: formula, threshold, source")
    ] = False,
    page: Annotated[
        Path | None, typer.Option(help="write the list as a page of the documentation")
    ] = None,
    form: FormatOption = Format.table,
    now: NowOption = None,
) -> None:
    """Show indicator values with period, completeness, estimated share and status.

    Examples: greenpark indicators --format json --- greenpark indicators --list
    """
    if context.invoked_subcommand is not None:
        return
    if page is not None:
        page.write_text(indicator_lists.page(), encoding="utf-8")
        return
    if listing:
        indicator_lists.listing(form)
        return
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        today = local_day(clock_of(settings(), now).now(), applied.park.zone)
        rows = list_indicators(conn, applied.park_id, today + timedelta(days=1), newest=not history)
    for row in rows:
        row |= indicator_lists.judged(row)
    show(rows, _COLUMNS, form, "no indicator values yet; run: greenpark run --once")


def green(
    enterprise: Annotated[
        list[str] | None,
        typer.Option(help="enterprise key; several: their sum. Default: the goal of the park"),
    ] = None,
    boundary: Annotated[
        str | None, typer.Option(help="a named set of enterprises of park.yaml")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="leave this enterprise out, e.g. the smelter")
    ] = None,
    period: Annotated[str | None, typer.Option(help=f"{_PERIOD}; default: ytd")] = None,
    park: ParkOption = None,
    form: FormatOption = Format.table,
    now: NowOption = None,
) -> None:
    """Green shares, direct connection, curtailment and CO2 of any period and set of enterprises.

    Every number says its period, its boundary (members), how complete and how estimated it is, and
    whether it is final. A figure that is not set is said so, it is no zero.

    Examples: greenpark indicators green --period 2026 --without baolu ---
    greenpark indicators green --enterprise shengtai --period 2026-03 --format json
    """
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        at = clock_of(settings(), now).now()
        start, stop = span(period or "ytd", local_day(at, applied.park.zone))
        chosen = members(applied.park, enterprise or (), boundary, without or ())
        scope = GreenScope(chosen, start, stop)
        name = boundary or ("park" if not enterprise else "+".join(enterprise))
        values = green_account(conn, applied, scope, at)
    if without:
        name += f" without {', '.join(without)}"
    nothing = f"no balances of {', '.join(chosen)} in [{start}, {stop})"
    if form is Format.table:
        if values:
            told = f"{name}: {', '.join(chosen)}; local days [{start}, {stop})"
            console.print(told, markup=False, highlight=False)
        show([_short(v) for v in values], _SHORT, form, nothing)
        return
    said = {"subject": name, "period_kind": period or "ytd", "members": ",".join(chosen)}
    show([v._asdict() | said for v in values], (*_COLUMNS, "members"), form, nothing)


def _short(value: IndicatorValue) -> dict[str, str]:
    """A row for a narrow screen."""
    told = "not told"
    if value.value is not None:
        is_share = value.unit == "ratio"
        told = f"{value.value:.2%}" if is_share else f"{value.value:,.1f} {value.unit}"
    return {
        "indicator": value.indicator,
        "value": told,
        "complete": f"{value.completeness_ratio:.1%}",
        "estimated": f"{value.estimated_ratio:.1%}",
        "status": value.status,
        "note": value.note or "",
    }


def span(text: str, today: date) -> tuple[date, date]:
    """Local days `[start, stop)` of a period.

    Raises:
        typer.BadParameter: it is none.
    """
    tomorrow = today + timedelta(days=1)
    named = {
        "ytd": (date(today.year, 1, 1), tomorrow),
        "rolling_12m": (tomorrow - timedelta(days=365), tomorrow),
    }
    if text in named:
        return named[text]
    try:
        if re.fullmatch(r"\d{4}", text):
            return date(int(text), 1, 1), date(int(text) + 1, 1, 1)
        if re.fullmatch(r"\d{4}-\d\d", text):
            first = date.fromisoformat(f"{text}-01")
            return first, next_month(first)
        if ".." in text:
            start, stop = (date.fromisoformat(part) for part in text.split("..", 1))
        else:
            start = date.fromisoformat(text)
            stop = start + timedelta(days=1)
    except ValueError:
        start = stop = today
    if start >= stop:
        msg = f"{text!r} is no period; expected e.g. {_PERIOD}"
        raise typer.BadParameter(msg, param_hint="--period")
    return start, stop


def members(
    park: Park, enterprises: Sequence[str], boundary: str | None, without: Sequence[str]
) -> tuple[str, ...]:
    """Keys of the enterprises that are asked for; by default those of the goal.

    Raises:
        ConfigError: an unknown key, or nobody is left.
    """
    known = {b.key: b for b in park.green.boundaries}
    if boundary is not None and boundary not in known:
        listed = ", ".join(known) or "none; see green.boundaries in docs/park.md"
        raise ConfigError(f"park {park.key}", [f"no boundary {boundary!r}; there are: {listed}"])
    chosen = [park.enterprise(key).key for key in enterprises]
    left_out = {park.enterprise(key).key for key in without}
    if boundary is not None:
        chosen += known[boundary].enterprises
        left_out |= set(known[boundary].without)
    if not chosen:
        chosen = [e.key for e in park.enterprises if e.in_goal_boundary or boundary is not None]
    kept = tuple(dict.fromkeys(key for key in chosen if key not in left_out))
    if not kept:
        raise ConfigError(f"park {park.key}", ["no enterprise is left to account for"])
    return kept
