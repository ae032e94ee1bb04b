"""flows: energy and water of a month as nodes and links, for Sankey diagrams."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from app.commands import options
from app.commands.options import FormatOption, NowOption, ParkOption
from app.output import Format, show
from app.settings import settings
from app.wiring import clock_of, database, one_park
from models.periods import local_day, month_start
from storage.flows import list_flows


class Medium(StrEnum):
    """What flows."""

    electricity = "electricity"
    water = "water"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("flows")(flows)


def flows(
    month: Annotated[str | None, typer.Option(help="2026-03; default: the last whole one")] = None,
    medium: Annotated[Medium, typer.Option(help="what flows")] = Medium.electricity,
    park: ParkOption = None,
    form: FormatOption = Format.table,
    now: NowOption = None,
) -> None:
    """Flows from source to use, and how far every node closes.

    JSON has `nodes` and `links` (source, target, amount in kWh or m3) as Sankey tools want them;
    table and CSV list the nodes with their balance error.

    Examples: greenpark flows --month 2026-03 --format json --- greenpark flows --medium water
    """
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        today = local_day(clock_of(settings(), now).now(), applied.park.zone)
        first = month_start(month_start(today) - timedelta(days=1))
        if month is not None:
            first = options.month(month)
        nodes, links = list_flows(conn, applied.park_id, first, medium)
    if form is Format.json:
        unit = "kWh" if medium is Medium.electricity else "m3"
        told = {"month": f"{first:%Y-%m}", "medium": medium, "unit": unit}
        print(json.dumps(told | {"nodes": nodes, "links": links}, ensure_ascii=False, indent=1))
        return
    columns = ("node", "kind", "name_zh", "name_en", "amount_in", "amount_out", "error_ratio")
    show(nodes, columns, form, f"no flows of {first:%Y-%m}; run: greenpark run --once")
