"""import: settled trades and cancelled certificates from CSV files; the group of all imports."""

from __future__ import annotations

import typer

from app.commands import activity, import_messages, import_readings
from app.commands.ledger import (
    DryRun,
    FileArgument,
    certificate_file,
    import_rows,
    trade_file,
)
from app.commands.options import ParkOption


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=True, help="Bring in what did not come over MQTT.")
    group.command("trades")(trades)
    group.command("certificates")(certificates)
    group.command("activity")(activity.import_file)
    import_messages.register(group)
    import_readings.register(group)
    app.add_typer(group, name="import")


def trades(file: FileArgument, park: ParkOption = None, dry_run: DryRun = False) -> None:
    """Import monthly settlements of green (or nuclear) power trades.

    Columns: enterprise,contract,month,kind,settled_kwh. A later settlement of the same contract
    and month replaces the former. Example: greenpark import trades trades.csv
    """
    import_rows(file, park, dry_run, trade_file)


def certificates(file: FileArgument, park: ParkOption = None, dry_run: DryRun = False) -> None:
    """Import cancelled green certificates; a serial counts once, ever.

    Columns: enterprise,series,serial_first,serial_last,month,cancelled_on (1 serial = 1 MWh).
    Example: greenpark import certificates certificates.csv --dry-run
    """
    import_rows(file, park, dry_run, certificate_file)
