"""import: settled trades and cancelled certificates from CSV files; the group of all imports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from app.clock import wall_now
from app.commands import import_messages, import_readings
from app.commands.ledger import DryRun, FileArgument, content_of, stored, told
from app.commands.options import ParkOption
from app.wiring import console
from models.claims import read_certificates, read_trades
from storage.ledger import ImportResult, import_certificates, import_trades


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=True, help="Bring in what did not come over MQTT.")
    group.command("trades")(trades)
    group.command("certificates")(certificates)
    import_messages.register(group)
    import_readings.register(group)
    app.add_typer(group, name="import")


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
    read: Callable[[bytes, str], Sequence[Any]],
    store: Callable[..., ImportResult],
) -> None:
    content = content_of(file)
    rows = read(content, file.name)
    now = wall_now()
    result = stored(
        file.name,
        park,
        dry_run,
        lambda conn, applied, ids: store(conn, ids, rows, file.name, content, now),
    )
    console.print(told(file.name, len(rows), result, dry_run))
