"""meter: dated records of what was changed at a meter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError

from app.clock import wall_now
from app.commands.options import (
    ByOption,
    FormatOption,
    MeterOption,
    ParkOption,
    ReasonOption,
    audit_faults,
    final_before,
    instant,
)
from app.output import Format, show
from app.wiring import console, database, one_park
from models.channels import ChannelRef
from models.errors import ConfigError
from models.installations import InstallationRecord
from models.meters import Meter
from models.park import Park
from models.quantities import read_quantity
from storage.db import Conn
from storage.installations import (
    RecordRow,
    Touched,
    add_record,
    installations,
    list_records,
    record_rows,
    stored_records,
    undo_record,
)
from storage.lifecycle import sealed_until
from storage.parks import AppliedPark, applied_parks, channels

_FACTS = ("final_reading", "start_reading", "multiplier", "modulus", "rated_per_h")

Meters = Annotated[str, typer.Option("--meter", help="meter key")]
At = Annotated[
    datetime, typer.Option("--at", parser=instant, metavar="TIME", help="when it was changed")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="only say what would be computed anew")]
Facts = Annotated[list[str] | None, typer.Option(metavar="CHANNEL=VALUE")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Another device, another multiplier: dated records, undone and never changed.",
    )
    group.command("replace")(replace_meter)
    group.command("change")(change)
    group.command("history")(history)
    group.command("undo")(undo)
    app.add_typer(group, name="meter")


def replace_meter(
    meter: Meters,
    at: At,
    by: ByOption,
    reason: ReasonOption,
    serial: Annotated[str | None, typer.Option(help="serial number of the new device")] = None,
    final: Facts = None,
    start: Facts = None,
    multiplier: Facts = None,
    modulus: Facts = None,
    rated: Facts = None,
    park: ParkOption = None,
    dry_run: DryRun = False,
) -> None:
    """Record that another device was installed; its registers start anew.

    --final is the register of the old device at that time, --start that of the new one; without
    them the time between the last old and the first new reading stays missing. --multiplier,
    --modulus and --rated hold from then on; what is not named stays as it was.

    Example: greenpark meter replace --meter acme-grid --at 2026-03-10T10:07:00+08:00
    --final import_kwh=812345.6 --start import_kwh=0.2 --serial A-4711 --by "Li Na"
    --reason "defective display"
    """
    facts = (final, start, multiplier, modulus, rated)
    _record(park, meter, at, by, reason, facts, serial, dry_run=dry_run, replaced=True)


def change(
    meter: Meters,
    at: At,
    by: ByOption,
    reason: ReasonOption,
    multiplier: Facts = None,
    modulus: Facts = None,
    rated: Facts = None,
    park: ParkOption = None,
    dry_run: DryRun = False,
) -> None:
    """Record that the same device has another multiplier (CT x PT), modulus or rated power.

    Example: greenpark meter change --meter acme-grid --at 2026-03-10T10:07:00+08:00
    --multiplier import_kwh=160 --by "Li Na" --reason "CT 800/5"
    """
    facts = (None, None, multiplier, modulus, rated)
    _record(park, meter, at, by, reason, facts, None, dry_run=dry_run, replaced=False)


def history(
    meter: MeterOption = None,
    everything: Annotated[bool, typer.Option("--all", help="those undone as well")] = False,
    park: ParkOption = None,
    form: FormatOption = Format.table,
) -> None:
    """List the records of a meter, or of all.

    Example: greenpark meter history --meter acme-grid --all --format csv
    """
    with database() as connect, connect() as conn:
        number = one_park(conn, park).park_id if park else None
        rows = list_records(conn, meter, number, everything=everything)
    for row in rows:
        unit = read_quantity(row["quantity"], row["kind"]).factor(row["unit"])
        row["multiplier"] = None if row["factor"] is None else row["factor"] / unit
    columns = ["id", "enterprise", "meter", "channel", "at", "replaced", *_FACTS, "unit", "serial"]
    audit = ["origin", "who", "reason", "recorded_at"]
    undone = ["undone_at", "undone_by", "undone_reason"] if everything else []
    show(rows, columns + audit + undone, form, "no records: every meter is as park.yaml says")


def undo(
    number: Annotated[int, typer.Argument(metavar="ID", help="number in `meter history`")],
    by: ByOption,
    reason: ReasonOption,
) -> None:
    """Undo a record of this command; it stays on record. Those of park.yaml go by `apply`.

    Example: greenpark meter undo 12 --by "Li Na" --reason "wrong meter"
    """
    if faults := audit_faults(by, reason):
        raise ConfigError("meter undo", faults)
    with database() as connect, connect() as conn, conn.transaction():
        refs = channels(conn)
        stored = stored_records(conn, [c.channel_id for c in refs])
        found = [r for r in stored if r.installation_id == number]
        if not found:
            fault = f"no record {number} that counts; see: greenpark meter history --all"
            raise ConfigError("meter undo", [fault])
        if found[0].origin == "park.yaml":
            fault = f"record {number} comes from park.yaml; take it out there and apply"
            raise ConfigError("meter undo", [fault])
        touched = undo_record(conn, number, by, reason, wall_now()) or []
        mine = next(c for c in refs if c.channel_id == found[0].channel_id)
        zone = next(a.park.zone for a in applied_parks(conn) if a.park_id == mine.park_id)
        sealed = sealed_until(conn)
    console.print(f"record {number} is undone")
    _tell(touched, refs, zone, sealed)


def _record(
    park: str | None,
    meter: str,
    at: datetime,
    by: str,
    reason: str,
    facts: Sequence[list[str] | None],
    serial: str | None,
    *,
    dry_run: bool,
    replaced: bool,
) -> None:
    by_channel, unread = _by_channel(facts)
    if faults := audit_faults(by, reason) + unread:
        raise ConfigError("meter", faults)
    with database() as connect, connect() as conn, conn.transaction(force_rollback=dry_run):
        applied = one_park(conn, park)
        document = {
            "at": at,
            "replaced": replaced,
            "serial": serial,
            "by": by,
            "reason": reason,
            "channels": by_channel,
        }
        rows = _rows(conn, applied, meter, document)
        taken = {(r.channel_id, r.at) for r in stored_records(conn, [r.channel_id for r in rows])}
        if any((r.channel_id, r.at) in taken for r in rows):
            fault = f"meter {meter} has a record of {at.isoformat()} already; undo it first"
            raise ConfigError("meter", [fault])
        added = [add_record(conn, row, wall_now()) for row in rows]
        refs = channels(conn)
        sealed = sealed_until(conn)
    verb = "would be recorded" if dry_run else "recorded"
    local = at.astimezone(applied.park.zone).isoformat()
    numbers = "" if dry_run else " " + ", ".join(str(n) for n, _ in added)
    console.print(f"{verb}{numbers}: meter {meter}, {len(rows)} channel(s), from {local}")
    _tell([t for _, touched in added for t in touched], refs, applied.park.zone, sealed)


def _rows(conn: Conn, applied: AppliedPark, key: str, document: dict[str, Any]) -> list[RecordRow]:
    meter = _meter(applied.park, key)
    refs = [c for c in channels(conn) if c.park_id == applied.park_id and c.meter_key == key]
    try:
        record = InstallationRecord.model_validate(document)
        checked = Meter.model_validate(
            _as_of(conn, meter, refs, record.at) | {"installations": [record.model_dump()]}
        )
    except ValidationError as exc:
        faults = [f"{'.'.join(map(str, e['loc'])) or key}: {e['msg']}" for e in exc.errors()]
        raise ConfigError(f"meter {key}", faults) from exc
    numbers = {c.key: (c.channel_id, meter.channels[c.key]) for c in refs}
    return record_rows(numbers, checked.installations[0], "command")


def _as_of(conn: Conn, meter: Meter, refs: Sequence[ChannelRef], at: datetime) -> dict[str, Any]:
    """The meter with the displays that it had before `at`, by the records that count."""
    document = meter.model_dump()
    records = installations(conn, [c.channel_id for c in refs])
    for ref in refs:
        for record in records.get(ref.channel_id, ()):
            if record.at_s < at.timestamp():
                document["channels"][ref.key]["modulus"] = record.modulus
    return document


def _meter(park: Park, key: str) -> Meter:
    meters = {m.key: m for e in park.enterprises for m in e.meters}
    if key not in meters:
        known = ", ".join(sorted(meters)[:20]) + (", ..." if len(meters) > 20 else "")
        raise ConfigError(f"park {park.key}", [f"no meter {key!r}; expected one of: {known}"])
    return meters[key]


def _by_channel(
    facts: Sequence[list[str] | None],
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Facts by channel and name, and what is wrong with the words."""
    out: dict[str, dict[str, float]] = {}
    faults = []
    for name, given in zip(_FACTS, facts, strict=True):
        for text in given or []:
            key, _, value = text.partition("=")
            mine = out.setdefault(key, {})
            if name in mine:
                faults.append(f"{text!r}: {name} of {key} is given already; say it once")
            try:
                mine[name] = float(value)
            except ValueError:
                faults.append(f"{text!r} is not CHANNEL=VALUE, e.g. import_kwh=812345.6")
    return out, faults


def _tell(
    touched: Sequence[Touched],
    refs: Sequence[ChannelRef],
    zone: ZoneInfo,
    sealed: datetime | None,
) -> None:
    names = {c.channel_id: c.path for c in refs}
    if not touched:
        console.print("no reading is touched yet")
    for item in touched:
        first, last = (t.astimezone(zone).isoformat() for t in (item.start_at, item.stop_at))
        line = f"  {names[item.channel_id]}, {first} to {last}: the next run computes it anew"
        line += f", up to {item.quarters} quarter-hours"
        console.print(line, highlight=False, soft_wrap=True)
    if sealed is not None and any(t.start_at < sealed for t in touched):
        console.print(final_before(sealed))
