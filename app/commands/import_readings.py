"""import readings: tables and meter data files, through the live path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from app.clock import RealClock
from app.commands.import_messages import report
from app.commands.import_summary import Summary
from app.progress import file_bar
from app.wiring import OpenConnection, console, database, one_park
from collectors.backfill import rehearse_history
from collectors.door import Batch
from collectors.files.readers import Opened, open_nem12, open_readings
from collectors.files.run import Ledger, begin, import_key, run_import
from models.channels import ChannelRef
from storage.parks import channels


class Layout(StrEnum):
    """What kind of file it is."""

    table = "table"
    nem12 = "nem12"


class Accept(StrEnum):
    """Which NEM12 values become readings."""

    final = "final"
    estimated = "estimated"


def register(group: typer.Typer) -> None:
    """Add the command to `greenpark import`."""
    group.command("readings")(readings)


def readings(
    file: Annotated[Path, typer.Argument(help="CSV (.gz too), Excel, Parquet, or NEM12")],
    mapping: Annotated[Path, typer.Option("--mapping", help="what the columns mean (YAML)")],
    layout: Annotated[Layout, typer.Option("--format", help="kind of file")] = Layout.table,
    sheet: Annotated[str | None, typer.Option(help="sheet of a workbook; default: first")] = None,
    accept: Annotated[
        Accept, typer.Option(help="NEM12: estimated takes the qualities E and S too")
    ] = Accept.final,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what would be stored, store nothing")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="from the first row once more")] = False,
) -> None:
    """Import readings from a file; an interrupted import goes on where it stopped.

    Rows that cannot be used go to quarantine with file and line, the rest is stored; exit code 1
    if there were any. The mapping file is described in docs/import.md.
    Example: greenpark import readings march.csv --mapping utility.yaml --dry-run
    """
    with database() as connect:
        opener = partial(connect, "import readings")
        found = partial(_find_park, connect)
        opened = (
            open_nem12(file, mapping, found, accept_estimated=accept is Accept.estimated)
            if layout is Layout.nem12
            else open_readings(file, mapping, found, sheet=sheet)
        )
        try:
            if dry_run:
                refused = _rehearse(opened, opener, found(opened.park)[0], file.name)
            else:
                options = (layout.value, sheet or "", accept.value)
                ledger = _ledger(file, mapping, options, opener, again=again)
                refused = _import(opened, ledger, opener, file.name) if ledger else Counter()
        finally:
            opened.close()
    if refused:
        raise typer.Exit(1)


def _find_park(connect: OpenConnection, key: str) -> tuple[Sequence[ChannelRef], ZoneInfo]:
    with connect() as conn:
        applied = one_park(conn, key)
        return [c for c in channels(conn) if c.park_id == applied.park_id], applied.park.zone


def _ledger(
    file: Path, mapping: Path, options: Sequence[str], opener: OpenConnection, *, again: bool
) -> Ledger | None:
    """Where the import goes on, or None when it is done already."""
    clock = RealClock()
    key = import_key(file, mapping, *options)
    before = begin(key, file.name, opener, clock, again=again)
    if before is not None and before.finished_at is not None:
        console.print(
            f"{file.name}: imported already at {before.finished_at:%Y-%m-%d %H:%M:%S%z} with this "
            "mapping; --again goes through it once more"
        )
        return None
    if before is not None:
        console.print(f"{file.name}: goes on after row {before.rows_done:,}")
    rows_done = before.rows_done if before else 0
    return Ledger("import", clock.now(), key=key, clock=clock, before=before, rows_done=rows_done)


def _import(opened: Opened, ledger: Ledger, opener: OpenConnection, name: str) -> Counter[str]:
    with _bar(opened, name) as update:
        run_import(
            partial(opened.messages, ledger.started_at),
            ledger,
            opener,
            ledger.clock,
            progress=lambda counters: update(),
        )
    report(ledger.total(ledger.counters), ledger.refused, dry_run=False)
    _tell(opened.tally)
    if ledger.refused:
        console.print("refused rows are in quarantine: greenpark findings")
    return ledger.refused


def _rehearse(
    opened: Opened, opener: OpenConnection, known: Sequence[ChannelRef], name: str
) -> Counter[str]:
    summary = Summary({c.channel_id: c for c in known})
    with _bar(opened, name) as update:

        def seen(batch: Batch, _: Mapping[str, int]) -> None:
            summary.add(batch)
            update()

        done = rehearse_history(
            opened.messages(RealClock().now(), 0),
            opener,
            RealClock(),
            seen=seen,
        )
    summary.show(console)
    report(done.counters, done.refused, dry_run=True)
    _tell(opened.tally)
    return done.refused


def _tell(tally: Mapping[str, int]) -> None:
    said = ", ".join(f"{name}: {n:,}" for name, n in tally.items())
    console.print(f"  {said}")


@contextmanager
def _bar(opened: Opened, name: str) -> Iterator[Callable[[], None]]:
    """A progress bar with rows per second; gives what moves it."""
    with file_bar() as bar:
        task = bar.add_task(name, total=opened.size, note="")

        def update() -> None:
            rows, spent_s = opened.tally["rows"], bar.tasks[task].elapsed or 1e-3
            note = f"{rows:,} rows, {rows / spent_s:,.0f} rows/s"
            bar.update(task, completed=opened.position(), note=note)

        yield update
