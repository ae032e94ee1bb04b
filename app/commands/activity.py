"""template: an empty file for reported data; import activity: bring it in; activity: look at it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from app.clock import wall_now
from app.commands import options
from app.commands.ledger import DryRun, content_of
from app.commands.options import ByOption, FormatOption, ParkOption, ReasonOption, audit_faults
from app.output import Format, show
from app.template_file import FAMILIES, csv_text, workbook
from app.wiring import console, database, one_park
from collectors.files.activity import read_activity
from models.activity import ITEMS
from models.errors import ConfigError
from models.park import Park, load_park
from models.periods import next_month
from storage.activity import ActivityFile, ActivityResult, import_activity, list_activity
from storage.parks import enterprise_ids


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("template")(template)
    app.command("activity")(activity)


def template(
    file: Annotated[
        Path | None,
        typer.Argument(help="production.xlsx, waste.csv, all.xlsx ...: the name tells the items"),
    ] = None,
    month: Annotated[
        list[str] | None, typer.Option(help="prefill rows of this month, e.g. 2026-03")
    ] = None,
    park_file: Annotated[
        Path | None, typer.Option("--park-file", help="park.yaml; default: the applied park")
    ] = None,
    park: ParkOption = None,
    listing: Annotated[bool, typer.Option("--list", help="items, units and names")] = False,
    form: FormatOption = Format.table,
) -> None:
    """Write a template for data that no meter gives, with lists to choose from.

    Examples: greenpark template production.xlsx --month 2026-10 --- greenpark template --list
    """
    if listing or file is None:
        rows = [
            {
                "item": i.key,
                "unit": i.unit,
                "zh": i.zh,
                "en": i.en,
                "metered by role": i.role or "",
                "templates": ", ".join(n for n, some in FAMILIES.items() if i in some),
            }
            for i in ITEMS.values()
        ]
        show(rows, list(rows[0]), form, "")
        return
    items = FAMILIES.get(file.stem)
    if items is None or file.suffix not in (".xlsx", ".csv"):
        names = ", ".join(FAMILIES)
        fault = f"expected one of {names} with .xlsx or .csv, e.g. production.xlsx"
        raise ConfigError(str(file), [fault])
    if file.exists():
        raise ConfigError(str(file), ["is there already; it is not overwritten: choose a folder"])
    found = _park(park_file, park)
    months = [options.month(text) for text in month or ()]
    if file.suffix == ".xlsx":
        file.write_bytes(workbook(found, items, months))
    else:
        file.write_text(csv_text(found, items, months), encoding="utf-8-sig")
    rows_n = len(found.enterprises) * len(items) * len(months)
    console.print(f"{file}: {len(items)} items, {rows_n} rows prefilled", soft_wrap=True)


def _park(park_file: Path | None, key: str | None) -> Park:
    if park_file is not None:
        return load_park(park_file)
    with database() as connect, connect() as conn:
        return one_park(conn, key).park


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV or Excel, as greenpark template writes it")],
    by: ByOption,
    reason: ReasonOption,
    replace: Annotated[
        str | None,
        typer.Option(
            help="2026-03 or 2026: the file tells this period completely; what it does not repeat "
            "of its enterprises and items is withdrawn"
        ),
    ] = None,
    park: ParkOption = None,
    dry_run: DryRun = False,
) -> None:
    """Import reported data: production, money, fuels, waste, heat, anodes, contracts.

    A file is stored as a whole or not at all. A later report of the same enterprise, item, month
    and detail replaces the former, which stays readable: greenpark activity --all

    Example: greenpark import activity production.xlsx --by "Li Na" --reason "October" --dry-run
    """
    faults = audit_faults(by, reason)
    if faults:
        raise ConfigError("import activity", faults)
    content = content_of(file)
    read = read_activity(content, file.name)
    period = _period(replace) if replace else None
    outside = [
        f"line {row.line}: {row.month:%Y-%m} is outside of --replace {replace}"
        for row in read.rows
        if period and not period[0] <= row.month < period[1]
    ]
    if outside:
        raise ConfigError(file.name, outside)
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        with conn.transaction(force_rollback=dry_run):
            result = import_activity(
                conn,
                applied.park_id,
                enterprise_ids(conn, applied.park_id),
                read.rows,
                ActivityFile(file.name, content, by, reason),
                wall_now(),
                period,
            )
    console.print(_said(file.name, len(read.rows), read.blank, result, dry_run), soft_wrap=True)


def _said(name: str, rows: int, blank: int, done: ActivityResult, dry_run: bool) -> str:
    verb = "would be " if dry_run else ""
    empty = f", {blank} without a value left out" if blank else ""
    return (
        f"{name}: {rows} values{empty}: {done.new} {verb}new, {done.changed} {verb}changed, "
        f"{done.same} known already, {done.withdrawn} {verb}withdrawn"
    )


def _period(text: str) -> tuple[date, date]:
    if len(text) == 4 and text.isdigit():
        return date(int(text), 1, 1), date(int(text) + 1, 1, 1)
    first = options.month(text)
    return first, next_month(first)


_LISTED = ("enterprise", "item", "month", "detail", "value", "source", "imported_by", "reason")


def activity(
    history: Annotated[
        bool, typer.Option("--all", help="what was replaced or withdrawn as well")
    ] = False,
    enterprise: Annotated[str | None, typer.Option(help="enterprise key")] = None,
    park: ParkOption = None,
    form: FormatOption = Format.table,
) -> None:
    """List reported data with who brought it, when and why.

    Example: greenpark activity --enterprise baolu --format csv
    """
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        if enterprise is not None:
            applied.park.enterprise(enterprise)
        rows = list_activity(conn, applied.park_id, history=history)
    chosen = [row for row in rows if enterprise in (None, row["enterprise"])]
    for row in chosen:
        row["month"] = f"{row['month']:%Y-%m}"
    columns = (*_LISTED, "imported_at", "note", *(("replaced_at",) if history else ()))
    show(chosen, columns, form, "nothing reported yet; see: greenpark template --list")
