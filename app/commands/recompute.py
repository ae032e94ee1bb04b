"""recompute: quarter-hours of a range anew from the readings, with a dry run."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date, datetime
from typing import Annotated, Any

import typer

from app.commands.options import (
    FromOption,
    NowOption,
    ParkOption,
    ToOption,
    final_before,
    instant_of,
)
from app.jobs.balances import compute_balances
from app.jobs.intervals import compute_intervals
from app.output import Format, show
from app.progress import progress_bar
from app.settings import settings
from app.wiring import clock_of, console, database
from models.channels import ChannelRef
from models.errors import ConfigError
from models.quantities import QUANTITIES
from storage.db import Conn
from storage.intervals import changes_since, last_restatement, mark_stale
from storage.jobs import only_runner
from storage.lifecycle import sealed_until
from storage.parks import applied_parks, channels

Meters = Annotated[list[str] | None, typer.Option("--meter", help="meter key; may be repeated")]
Channel = Annotated[str | None, typer.Option("--channel", help="channel key")]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(recompute)


def recompute(
    start: FromOption = None,
    stop: ToOption = None,
    meter: Meters = None,
    channel: Channel = None,
    park: ParkOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only show what would change; leaves nothing")
    ] = False,
    now: NowOption = None,
) -> None:
    """Compute quarter-hours, roll-ups and balances anew from the readings of a range.

    Without --meter and --channel all channels, without --from and --to all readings. Computing
    anew changes nothing unless something was wrong; what changes is logged as a restatement.
    Work that waits (late readings, edits, of any channel) is done, and counted, as well.
    Indicators follow with the next `greenpark run`.

    Example: greenpark recompute --from 2026-03-01 --to 2026-04-01 --meter acme-grid --dry-run
    """
    at = clock_of(settings(), now).now()
    with database() as connect, connect() as conn, only_runner(conn) as alone:
        if not alone:
            fault = "another process runs the jobs; stop `greenpark run` or wait for it"
            raise ConfigError("recompute", [fault])
        refs = _chosen(conn, meter, channel, park)
        span = _span(conn, start, stop, refs)
        before = last_restatement(conn)
        outer = conn.transaction(force_rollback=True) if dry_run else nullcontext()
        with outer, progress_bar() as bar:
            ranges = mark_stale(conn, [c.channel_id for c in refs], *span, "recompute")
            task = bar.add_task("quarter-hours", total=ranges)
            waiting = 0

            def advance(taken: int) -> None:  # late readings, edits, gaps that follow their days
                nonlocal waiting
                waiting += taken
                bar.update(task, completed=waiting, total=max(ranges, waiting))

            done = compute_intervals(conn, at, advance)
            compute_balances(conn, at)
            rows = changes_since(conn, before)
        _report(rows, done, (len(refs), ranges), dry_run=dry_run)
        if (sealed := sealed_until(conn)) is not None:
            console.print(final_before(sealed))
        if done["failed"]:
            raise typer.Exit(1)


def _chosen(
    conn: Conn, meters: list[str] | None, channel: str | None, park: str | None
) -> list[ChannelRef]:
    refs = [c for c in channels(conn) if park is None or c.park_key == park]
    faults = [f"no meter {m!r}" for m in meters or [] if m not in {c.meter_key for c in refs}]
    refs = [c for c in refs if not meters or c.meter_key in meters]
    refs = [c for c in refs if channel is None or c.key == channel]
    if faults or not refs:
        known = "; see: greenpark intervals --by day"
        raise ConfigError("recompute", faults or [f"no channel {channel or ''} is chosen{known}"])
    return refs


def _span(
    conn: Conn, start: date | None, stop: date | None, refs: list[ChannelRef]
) -> tuple[datetime | None, datetime | None]:
    mine = {c.park_id for c in refs}
    zones = [a.park.zone for a in applied_parks(conn) if a.park_id in mine]
    low, high = instant_of(start, zones), instant_of(stop, zones)
    if low is not None and high is not None and low >= high:
        raise ConfigError("recompute", [f"--from {start} is not before --to {stop}"])
    return low, high


def _report(
    rows: list[dict[str, Any]], done: dict[str, int], marked: tuple[int, int], *, dry_run: bool
) -> None:
    verb = "would change" if dry_run else "changed"
    number, ranges = marked
    console.print(f"{number} channel(s), {done['buckets']} quarter-hours {verb}")
    if (more := done["ranges"] - ranges) > 0:
        console.print(f"with {more} piece(s) of other work: late readings, edits, like days")
    for row in rows:
        row["unit"] = QUANTITIES[str(row["quantity"])].unit
    if rows:
        columns = ["channel", "quarters", "first", "last", "old_sum", "new_sum", "unit"]
        show(rows, columns, Format.table, "")
    if not dry_run:
        console.print("indicators follow with the next: greenpark run")
