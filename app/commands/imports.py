"""import: settled trades and cancelled certificates from CSV files; the group of all imports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from app.clock import wall_now
from app.commands import import_messages, import_readings
from app.commands.options import ParkOption
from app.wiring import console, database, one_park
from models.claims import read_certificates, read_trades
from models.errors import ConfigError
from storage.claims import ImportResult, import_certificates, import_trades
from storage.parks import enterprise_ids

FileArgument = Annotated[Path, typer.Argument(help="UTF-8 CSV file")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="check everything, store nothing")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=True, help="Bring in what did not come over MQTT.")
    group.command("trades")(trades)
    group.command("certificates")(certificates)
    import_messages.register(group)
    import_readings.register(group)
    app.add_typer(group, name="import")


class _DryRun(Exception):
    """Rolls a dry run back."""


def trades(file: FileArgument, park: ParkOption = None, dry_run: DryRun = False) -> None:
    """Import monthly settlements of green (or nuclear) power trades.

    Columns: enterprise,contract,month,kind,settled_kwh. A later settlement of the same contract
    and month replaces the former. Example: greenpark import trades trades.csv
    """
    _run(file, park, dry_run, read_trades, import_trades)


def certificates(file: FileArgument, park: ParkOption = None, dry_run: DryRun = False) -> None:
    """Import cancelled green certificates; a serial counts once, ever.

    Columns: enterprise,series,serial_first,serial_last,month,cancelled_on (1 serial = 1 MWh).
    Example: greenpark import certificates certificates.csv --dry-run
    """
    _run(file, park, dry_run, read_certificates, import_certificates)


def _run(
    file: Path,
    park: str | None,
    dry_run: bool,
    read: Callable[..., Any],
    store: Callable[..., ImportResult],
) -> None:
    try:
        content = file.read_bytes()
    except OSError as exc:
        raise ConfigError(str(file), [f"cannot be read: {exc.strerror}"]) from exc
    rows = read(content, file.name)
    result = ImportResult()
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        try:
            with conn.transaction():
                ids = enterprise_ids(conn, applied.park_id)
                result = store(conn, ids, rows, file.name, content, wall_now())
                if dry_run:
                    raise _DryRun
        except _DryRun:
            pass
    verb = "would be " if dry_run else ""
    console.print(
        f"{file.name}: {len(rows)} rows: {result.new} {verb}new, {result.changed} "
        f"{verb}changed, {result.same} known already"
    )
