"""ledger: trades and certificates, appended, listed, cancelled, verified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from app.clock import wall_now
from app.commands.options import FormatOption, ParkOption
from app.ledger_check import checked
from app.output import Format, show
from app.wiring import console, database, one_park
from models.claims import (
    CERTIFICATE_COLUMNS,
    CURVE_COLUMNS,
    EVENT_COLUMNS,
    TRADE_COLUMNS,
    columns_of,
    read_certificates,
    read_curve,
    read_events,
    read_trades,
)
from models.errors import ConfigError
from models.findings import Finding, Severity
from models.ledger import LedgerRefusal, SerialEvent, Violation
from models.periods import day_start, local_day, next_month
from storage.claims import certificates, ledger_log, trades
from storage.db import Conn
from storage.findings import save_findings
from storage.ledger import (
    ImportResult,
    import_certificates,
    import_curve,
    import_events,
    import_trades,
)
from storage.parks import AppliedPark, enterprise_ids

FileArgument = Annotated[Path, typer.Argument(help="UTF-8 CSV file")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="check everything, store nothing")]
EnterpriseOption = Annotated[str | None, typer.Option(help="enterprise key")]
Store = Callable[[Conn, AppliedPark, dict[str, int]], ImportResult]
Reader = Callable[[bytes, str], tuple[Sequence[Any], Store]]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=True, help="Trades and certificates, append-only.")
    group.command("import")(import_file)
    group.command("list")(list_ledger)
    group.command("cancel")(cancel)
    group.command("verify")(verify)
    app.add_typer(group, name="ledger")


def import_file(file: FileArgument, park: ParkOption = None, dry_run: DryRun = False) -> None:
    """Append a file of trades, hourly curves, cancelled certificates or events of certificates.

    The header tells which: see docs/ledger.md. A file is stored as a whole or not at all; a broken
    rule is told with the serials and kept as a finding.

    Examples: greenpark ledger import trades.csv --dry-run --- greenpark ledger import gec.csv
    """
    import_rows(file, park, dry_run, _reader)


def import_rows(file: Path, park: str | None, dry_run: bool, read: Reader) -> None:
    """Append a file as `read` understands it, and say what it did."""
    content = content_of(file)
    rows, store = read(content, file.name)
    result = stored(file.name, park, dry_run, store)
    verb = "would be " if dry_run else ""
    console.print(
        f"{file.name}: {len(rows)} rows: {result.new} {verb}new, {result.changed} "
        f"{verb}changed, {result.same} known already"
    )


def content_of(file: Path) -> bytes:
    """What a file holds.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as exc:
        raise ConfigError(str(file), [f"cannot be read: {exc.strerror}"]) from exc


def trade_file(content: bytes, source: str) -> tuple[Sequence[Any], Store]:
    """Settlements and contracts of a file, and how they are stored."""
    rows, now = read_trades(content, source), wall_now()
    return rows, lambda conn, _, ids: import_trades(conn, ids, rows, source, content, now)


def certificate_file(content: bytes, source: str) -> tuple[Sequence[Any], Store]:
    """Cancelled certificates of a file, and how they are stored."""
    rows, now = read_certificates(content, source), wall_now()
    return rows, lambda conn, applied, ids: import_certificates(
        conn, ids, rows, source, content, now, strict_same_year=_strict(applied)
    )


def _event_file(content: bytes, source: str) -> tuple[Sequence[Any], Store]:
    rows, now = read_events(content, source), wall_now()
    return rows, lambda conn, applied, ids: import_events(
        conn, ids, rows, source, content, now, strict_same_year=_strict(applied)
    )


def _curve_file(content: bytes, source: str) -> tuple[Sequence[Any], Store]:
    rows, now = read_curve(content, source), wall_now()
    return rows, lambda conn, applied, ids: import_curve(
        conn, ids, rows, source, content, now, zone=applied.park.zone
    )


def _strict(applied: AppliedPark) -> bool:
    return applied.park.ledger.strict_same_year


def _reader(content: bytes, source: str) -> tuple[Sequence[Any], Store]:
    """Rows of a file and how they are stored, by its header."""
    header = set(columns_of(content, source))
    readers: tuple[tuple[tuple[str, ...], Reader], ...] = (
        (EVENT_COLUMNS, _event_file),
        (CERTIFICATE_COLUMNS, certificate_file),
        (CURVE_COLUMNS, _curve_file),
        (TRADE_COLUMNS[:4], trade_file),
    )
    for columns, read in readers:
        if header.issuperset(columns):
            return read(content, source)
    kinds = (TRADE_COLUMNS, CURVE_COLUMNS, CERTIFICATE_COLUMNS, EVENT_COLUMNS)
    expected = "; or ".join(",".join(columns) for columns in kinds)
    got = ",".join(sorted(header)) or "nothing"
    raise ConfigError(source, [f"header: got {got}; expected {expected}"])


def stored(source: str, park: str | None, dry_run: bool, store: Store) -> ImportResult:
    """Append in one transaction; what broke a rule becomes a finding of its own.

    Raises:
        ConfigError: the file is refused; nothing of it is stored.
    """
    result = ImportResult()
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        ids = enterprise_ids(conn, applied.park_id)
        try:
            with conn.transaction(force_rollback=dry_run):
                result = store(conn, applied, ids)
        except LedgerRefusal as exc:
            if not dry_run:
                with conn.transaction():
                    save_findings(conn, _findings(exc, applied, ids), wall_now())
            raise
    return result


def _findings(refused: LedgerRefusal, applied: AppliedPark, ids: dict[str, int]) -> list[Finding]:
    """A critical finding for each broken rule, enterprise and month, with the serials."""
    groups: dict[tuple[str, str, date], list[Violation]] = {}
    for violation in refused.violations:
        event = violation.event
        groups.setdefault((violation.code, event.enterprise, event.month), []).append(violation)
    zone = applied.park.zone
    return [
        Finding(
            code,
            Severity.CRITICAL,
            day_start(month, zone),
            day_start(next_month(month), zone),
            enterprise_id=ids[enterprise],
            evidence={
                "file": refused.source,
                "violations": [
                    {
                        "line": v.event.line,
                        "event": v.event.event,
                        "series": v.event.series,
                        "serials": f"{v.first}-{v.last}",
                        "reason": v.reason,
                    }
                    for v in mine
                ],
            },
        )
        for (code, enterprise, month), mine in groups.items()
    ]


def list_ledger(
    enterprise: EnterpriseOption = None,
    period: Annotated[
        str | None, typer.Option(help="year or month of generation: 2026 or 2026-03")
    ] = None,
    state: Annotated[
        str | None, typer.Option(help="held, reserved, cancelled, expired or withdrawn")
    ] = None,
    trade: Annotated[bool, typer.Option("--trades", help="trades instead of certificates")] = False,
    entries: Annotated[bool, typer.Option("--entries", help="the log, entry by entry")] = False,
    park: ParkOption = None,
    form: FormatOption = Format.table,
) -> None:
    """List certificates by range of serials and state, or trades by month, or the log.

    Examples: greenpark ledger list --enterprise baolu --period 2026-03 ---
    greenpark ledger list --entries --format json
    """
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        if enterprise is not None:
            applied.park.enterprise(enterprise)
        read = ledger_log if entries else trades if trade else certificates
        rows = read(conn, applied.park_id)
    rows = [
        row
        for row in rows
        if enterprise in (None, row["enterprise"])
        and (period is None or row["month"].isoformat().startswith(period))
        and (state is None or row.get("state") == state)
    ]
    for row in rows:
        row["month"] = f"{row['month']:%Y-%m}"
        if entries:
            row["hash"] = row["hash"].hex()
    show(rows, _COLUMNS[entries, trade], form, "nothing in the ledger that fits")


_TRADES = (
    *("enterprise", "contract", "month", "kind", "settled_kwh", "contracted_kwh"),
    *("generated_kwh", "used_kwh", "curve_kwh"),
)
_LOG = (
    *("seq", "recorded_at", "enterprise", "event", "month", "energy_wh", "contract", "kind"),
    *("series", "serial_first", "serial_last", "basis", "from_state", "event_on", "source", "hash"),
)
_CERTIFICATES = (
    *(
        "enterprise",
        "series",
        "serial_first",
        "serial_last",
        "mwh",
        "state",
        "month",
        "basis",
        "on",
    ),
)
_COLUMNS = {
    (False, False): _CERTIFICATES,
    (False, True): _TRADES,
    (True, False): _LOG,
    (True, True): _LOG,
}


def cancel(
    enterprise: Annotated[str, typer.Option(help="holder of the certificates")],
    series: Annotated[str, typer.Option(help="series of the serials")],
    first: Annotated[int, typer.Option(min=0, help="first serial")],
    last: Annotated[int, typer.Option(min=0, help="last serial")],
    month: Annotated[
        datetime, typer.Option(formats=["%Y-%m"], help="month of generation, e.g. 2026-03")
    ],
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="day; default: today")
    ] = None,
    park: ParkOption = None,
    dry_run: DryRun = False,
) -> None:
    """Cancel certificates for the enterprise that holds them: they count in its S3 from then on.

    Example: greenpark ledger cancel --enterprise baolu --series GEC-NM-202603 --first 100
    --last 199 --month 2026-03 --dry-run
    """
    if last < first:
        raise ConfigError("cancel", [f"--last {last} is below --first {first}"])
    now = wall_now()

    def store(conn: Conn, applied: AppliedPark, ids: dict[str, int]) -> ImportResult:
        day = on.date() if on else local_day(now, applied.park.zone)
        event = SerialEvent(1, "cancelled", enterprise, series, first, last, month.date(), day)
        strict = _strict(applied)
        return import_events(conn, ids, [event], "command", b"", now, strict_same_year=strict)

    result = stored("command", park, dry_run, store)
    verb = "would be cancelled" if dry_run else "cancelled" if result.new else "known already"
    console.print(f"{series} {first}-{last}: {last - first + 1} MWh {verb}", soft_wrap=True)


def verify(park: ParkOption = None, form: FormatOption = Format.table) -> None:
    """Recompute the chain of hashes and replay every entry. Exit code 1: something is not true.

    Example: greenpark ledger verify
    """
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        faults, summary = checked(conn, applied.park_id)
    show(faults, ["seq", "fault"], form, summary)
    if faults:
        raise typer.Exit(1)
