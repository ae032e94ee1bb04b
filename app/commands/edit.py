"""edit: manual edits of quarter-hours, with who and why, reversible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated

import typer

from analytics.metering.edits import spread_total
from app.commands.options import (
    ByOption,
    FormatOption,
    MeterOption,
    NowOption,
    ParkOption,
    ReasonOption,
    audit_faults,
    final_before,
    instant_of,
    moment,
)
from app.output import Format, show
from app.settings import settings
from app.wiring import clock_of, console, database
from models.channels import ChannelRef
from models.errors import ConfigError
from models.periods import BUCKET, BUCKET_S
from models.quantities import QUANTITIES
from storage.db import Conn
from storage.edits import Edit, add_edit, list_edits, present_values, undo_edit
from storage.lifecycle import sealed_until
from storage.parks import applied_parks, channels

_LONGEST = timedelta(days=366)


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Edit quarter-hours by hand: marked as edited, with who and why; undone, never lost.",
    )
    group.command("set")(set_values)
    group.command("list")(edits)
    group.command("undo")(undo)
    app.add_typer(group, name="edit")


def set_values(
    meter: Annotated[str, typer.Option("--meter", help="meter key")],
    channel: Annotated[str, typer.Option("--channel", help="channel key")],
    start: Annotated[date, typer.Option("--from", parser=moment, metavar="TIME|DATE")],
    stop: Annotated[date, typer.Option("--to", parser=moment, metavar="TIME|DATE")],
    by: ByOption,
    reason: ReasonOption,
    value: Annotated[float | None, typer.Option(help="of each quarter-hour")] = None,
    total: Annotated[float | None, typer.Option(help="of the whole range")] = None,
    missing: Annotated[bool, typer.Option("--missing", help="wrong, and nothing better")] = False,
    park: ParkOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would change")] = False,
    now: NowOption = None,
) -> None:
    """Replace the quarter-hours of [from, to): a value each, a total, or declared missing.

    --total is spread in proportion to the present values, evenly where there are none. Units are
    canonical (kWh, m3, t, ...). The newest edit counts until it is undone; the next `greenpark
    run` or `recompute` applies it and logs the restatement.

    Example: greenpark edit set --meter acme-grid --channel import_kwh
    --from 2026-03-01T08:00:00+08:00 --to 2026-03-01T10:00:00+08:00 --total 812.5
    --by "Li Na" --reason "meter was bridged, portable meter read 812.5 kWh"
    """
    clock = clock_of(settings(), now)
    with database() as connect, connect() as conn, conn.transaction(force_rollback=dry_run):
        ref = _channel(conn, park, meter, channel)
        zone = [a.park.zone for a in applied_parks(conn) if a.park_id == ref.park_id]
        low, high = instant_of(start, zone), instant_of(stop, zone)
        assert low is not None  # noqa: S101 - both are required
        assert high is not None  # noqa: S101
        given = [name for name, v in (("value", value), ("total", total)) if v is not None]
        given += ["missing"] if missing else []
        faults = _faults(ref, (low, high), clock.now(), given, (value, total), (by, reason))
        faults += _final(conn, low)
        if faults:
            raise ConfigError(f"edit of {ref.path}", faults)
        present = present_values(conn, ref.channel_id, low, high)
        starts = [low + n * BUCKET for n in range(int((high - low) / BUCKET))]
        edit = Edit(ref.channel_id, low, high, "missing", [None] * len(starts), by, reason)
        if value is not None:
            edit = replace(edit, kind="value", values=[value] * len(starts))
        if total is not None:
            parts = spread_total(total, [present.get(s, 0.0) for s in starts])
            edit = replace(edit, kind="total", values=parts)
        number = add_edit(conn, edit, clock.now())
    unit = QUANTITIES[ref.quantity].unit
    before, after = sum(present.values()), sum(v or 0.0 for v in edit.values)
    verb = "would be recorded" if dry_run else f"recorded as edit {number}"
    console.print(
        f"{verb}: {ref.path}, {len(starts)} quarter-hours, {len(present)} of them had values, "
        f"sum {before:g} -> {after:g} {unit}",
        soft_wrap=True,
        highlight=False,
    )
    if not dry_run:
        console.print("the next greenpark run or recompute applies it")


def _final(conn: Conn, start: datetime) -> list[str]:
    """An edit of final quarter-hours would be on record, and never count."""
    sealed = sealed_until(conn)
    if sealed is None or start >= sealed:
        return []
    return [final_before(sealed)]


def edits(
    meter: MeterOption = None,
    everything: Annotated[bool, typer.Option("--all", help="those undone as well")] = False,
    form: FormatOption = Format.table,
) -> None:
    """List edits, newest first.

    Example: greenpark edit list --meter acme-grid --all --format csv
    """
    with database() as connect, connect() as conn:
        rows = list_edits(conn, meter, everything=everything)
    for row in rows:
        row["unit"] = QUANTITIES[row["quantity"]].unit
    columns = ["id", "channel", "start_at", "stop_at", "kind", "total", "unit", "who", "reason"]
    undone = ["undone_at", "undone_by", "undone_reason"] if everything else []
    show(rows, [*columns, "made_at", *undone], form, "no edits: every value is as computed")


def undo(
    number: Annotated[int, typer.Argument(metavar="ID", help="number in `edit list`")],
    by: ByOption,
    reason: ReasonOption,
    now: NowOption = None,
) -> None:
    """Undo an edit: the computed values come back, the edit stays on record.

    Example: greenpark edit undo 12 --by "Li Na" --reason "wrong hour"
    """
    if faults := audit_faults(by, reason):
        raise ConfigError("edit undo", faults)
    with database() as connect, connect() as conn, conn.transaction():
        start = undo_edit(conn, number, by, reason, clock_of(settings(), now).now())
        if start is None:
            fault = f"no edit {number} that counts; see: greenpark edit list --all"
            raise ConfigError("edit undo", [fault])
        if faults := _final(conn, start):
            raise ConfigError(f"undo of edit {number}", faults)
    console.print(f"edit {number} is undone; the next greenpark run or recompute applies it")


def _channel(conn: Conn, park: str | None, meter: str, channel: str) -> ChannelRef:
    mine = [c for c in channels(conn) if c.meter_key == meter and park in (None, c.park_key)]
    found = [c for c in mine if c.key == channel]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError("edit", [f"meter {meter} is in several parks; use --park"])
    known = ", ".join(c.key for c in mine) or "no such meter; see: greenpark intervals"
    raise ConfigError("edit", [f"no channel {meter}/{channel}; expected one of: {known}"])


def _faults(
    ref: ChannelRef,
    span: tuple[datetime, datetime],
    now: datetime,
    given: Sequence[str],
    amounts: Sequence[float | None],
    audit: tuple[str, str],
) -> list[str]:
    start, stop = span
    faults = audit_faults(*audit)
    if len(given) != 1:
        got = ", ".join(f"--{g}" for g in given) or "none of them"
        faults.append(f"exactly one of --value, --total and --missing is needed, got {got}")
    if any(t.timestamp() % BUCKET_S for t in span):
        faults.append("--from and --to have to lie on quarter-hours, e.g. 08:00, 08:15")
    if not start < stop <= start + _LONGEST:
        faults.append(f"--to has to be after --from, by at most {_LONGEST.days} days")
    if stop > now:
        faults.append(f"--to {stop.isoformat()} is in the future of {now.isoformat()}")
    if not all(a is None or math.isfinite(a) for a in amounts):
        faults.append("--value and --total have to be finite numbers; use --missing for none")
    if ref.kind == "gauge" and "total" in given:
        faults.append("a gauge has no total; use --value or --missing")
    if ref.kind not in ("rate", "gauge") and any(a is not None and a < 0 for a in amounts):
        faults.append(f"an amount of a {ref.kind} channel is not negative")
    return faults
