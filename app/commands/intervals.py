"""intervals, restatements: what was measured, how sure it is, and what changed since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from app.commands.options import (
    FormatOption,
    FromOption,
    MeterOption,
    NowOption,
    ParkOption,
    ToOption,
    instant_of,
    moment,
)
from app.commands.roles import role_rows
from app.commands.spans import Asked, By, bounds, finished, rolled_up, with_missing
from app.output import Format, show
from app.settings import settings
from app.wiring import clock_of, database
from models.errors import ConfigError
from models.periods import day_start, local_day
from models.quantities import QUANTITIES
from storage.db import Conn
from storage.history import (
    Shown,
    channel_span,
    periods,
    quarters,
    restatements,
    shown_channels,
)

_QUARTER = ["bucket_start", "channel", "value", "unit", "quality", "method"]
_EXTREMES = ["low", "high", "last"]
_EDIT = ["edited_by", "edit_reason"]
_PERIOD = [
    "value",
    "unit",
    "buckets",
    "expected_buckets",
    "completeness_ratio",
    "estimated_ratio",
    "edited_ratio",
]
_RUN = [
    "restated_at",
    "channel",
    "reason",
    "buckets",
    "first_bucket",
    "last_bucket",
    "old_sum",
    "new_sum",
    "delta",
    "unit",
]
_BUCKET = [
    "restated_at",
    "channel",
    "reason",
    "bucket_start",
    "old_value",
    "new_value",
    "delta",
    "unit",
    "old_quality",
    "new_quality",
    "old_method",
    "new_method",
    "old_computed_at",
]
_START, _END = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

AsOfOption = Annotated[
    date | None,
    typer.Option(
        "--as-of",
        parser=moment,
        metavar="TIME|DATE",
        help="as it was known then; a date: by the end of that local day",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("intervals")(intervals)
    app.command("restatements")(restatements_)


def intervals(
    start: FromOption = None,
    stop: ToOption = None,
    as_of: AsOfOption = None,
    by: Annotated[By, typer.Option(help="length of the periods")] = By.quarter,
    meter: MeterOption = None,
    channel: Annotated[str | None, typer.Option(help="channel key")] = None,
    enterprise: Annotated[
        str | None,
        typer.Option(help="enterprise key; with --by its sums per role, 'all': of all enterprises"),
    ] = None,
    park: ParkOption = None,
    missing: Annotated[
        bool, typer.Option("--missing/--no-missing", help="list missing quarter-hours")
    ] = True,
    form: FormatOption = Format.table,
    now: NowOption = None,
) -> None:
    """Show 15-minute values, hours, days or months: amount or mean, unit, how sure it is.

    Without --from and --to a table shows the last 24 hours, csv and json everything.

    Example: greenpark intervals --from 2026-03-01 --meter grid-1 --by day --format csv
    """
    with database() as connect, connect() as conn, conn.transaction():
        roles = enterprise is not None and by is not By.quarter
        key = None if enterprise == "all" else enterprise
        chosen = shown_channels(conn, park, key, meter, channel)
        if not chosen:
            raise ConfigError("intervals", [_nothing(park, enterprise, meter, channel)])
        if roles and (meter or channel):
            fault = "--enterprise with --by is about roles; leave out --meter and --channel"
            raise ConfigError("intervals", [fault])
        asked = _asked(chosen, (start, stop, as_of), by, form, now, missing=missing)
        rows = role_rows(conn, chosen, asked) if roles else _rows(conn, chosen, asked)
        show(
            rows,
            _columns(chosen, by, form, roles=roles),
            form,
            "no intervals in this range; are readings coming in? see: greenpark doctor",
        )


def _nothing(*keys: str | None) -> str:
    names = ("--park", "--enterprise", "--meter", "--channel")
    given = " ".join(f"{n} {k}" for n, k in zip(names, keys, strict=True) if k is not None)
    return f"no channel for {given or 'any park'}; what there is: greenpark doctor"


def _asked(
    chosen: list[Shown],
    times: tuple[date | None, date | None, date | None],
    by: By,
    form: Format,
    now: datetime | None,
    *,
    missing: bool,
) -> Asked:
    start, stop, as_of = times
    clock = clock_of(settings(), now)
    first, last = _at(start, chosen), _at(stop, chosen)
    if form is Format.table and start is None:
        last = last or clock.now()
        first = last - timedelta(days=1)
        if by is not By.quarter:  # periods that have begun by then, the running one as well
            day = local_day(first, chosen[0].zone)
            first = day_start(day.replace(day=1) if by is By.month else day, chosen[0].zone)
    known = _at(as_of, chosen)
    if known is not None and not isinstance(as_of, datetime):
        known = _at(_next_day(as_of), chosen)
        known = known - timedelta(microseconds=1) if known else None
    return Asked(first or _START, last or _END, known, by, missing)


def _next_day(day: date | None) -> date | None:
    return day + timedelta(days=1) if day else None


def _at(when: date | None, chosen: list[Shown]) -> datetime | None:
    return instant_of(when, {c.zone for c in chosen})


def _columns(chosen: list[Shown], by: By, form: Format, *, roles: bool) -> list[str]:
    """Programs get the same columns every time, people those that say something."""
    gauges = any(c.kind == "gauge" for c in chosen) or form is not Format.table
    if roles:
        return ["bucket_start", "period", "enterprise", "role", "channels", *_PERIOD]
    extremes = _EXTREMES if gauges else []
    if by is By.quarter:
        return [*_QUARTER, *extremes, *_EDIT]
    return ["bucket_start", "period", "channel", *_PERIOD, *extremes]


def _rows(conn: Conn, chosen: list[Shown], asked: Asked) -> Iterator[dict[str, Any]]:
    for shown in chosen:
        named = {"channel": shown.channel, "unit": QUANTITIES[shown.quantity].unit}
        if asked.by is By.quarter:
            found: Iterable[dict[str, Any]] = _quarters(conn, shown, asked)
        elif asked.as_of is not None:
            known = quarters(conn, shown.channel_id, asked.start, asked.stop, asked.as_of)
            found = rolled_up(known, asked.by, shown.kind, shown.zone)
        else:
            found = periods(conn, asked.table, shown.channel_id, *bounds(asked, shown.zone))
        for row in found:
            yield named | (row if asked.by is By.quarter else finished(row, shown.zone))


def _quarters(conn: Conn, shown: Shown, asked: Asked) -> Iterable[dict[str, Any]]:
    stored = quarters(conn, shown.channel_id, asked.start, asked.stop, asked.as_of)
    if shown.kind == "batch" or not asked.missing:
        return stored
    stop = min(asked.stop, asked.as_of) if asked.as_of else asked.stop
    return with_missing(stored, channel_span(conn, shown.channel_id), asked.start, stop)


def restatements_(
    since: Annotated[
        date | None,
        typer.Option(
            "--since",
            parser=moment,
            metavar="TIME|DATE",
            help="restated from then on; default: the last 7 days",
        ),
    ] = None,
    start: FromOption = None,
    stop: ToOption = None,
    meter: MeterOption = None,
    park: ParkOption = None,
    buckets: Annotated[bool, typer.Option("--buckets", help="every quarter-hour")] = False,
    form: FormatOption = Format.table,
    now: NowOption = None,
) -> None:
    """Show what was restated: by how much and why, per run, channel and reason.

    Sums are over the quarter-hours that changed, those without a value left out; for gauges they
    are means. --from and --to choose quarter-hours.

    Example: greenpark restatements --since 2026-03-01 --meter grid-1
    """
    with database() as connect, connect() as conn, conn.transaction():
        chosen = shown_channels(conn, park, None, meter)
        if not chosen:
            raise ConfigError("restatements", [_nothing(park, None, meter, None)])
        first = _at(since, chosen) or clock_of(settings(), now).now() - timedelta(days=7)
        rows = restatements(
            conn,
            [c.channel_id for c in chosen],
            first,
            _at(start, chosen),
            _at(stop, chosen),
            buckets=buckets,
        )
        show(
            (_compared(row) for row in rows),
            _BUCKET if buckets else _RUN,
            form,
            f"nothing was restated since {first.isoformat()}",
        )


def _compared(row: dict[str, Any]) -> dict[str, Any]:
    old, new = (row.get(f"{n}_sum", row.get(f"{n}_value")) for n in ("old", "new"))
    unit = QUANTITIES[row["quantity"]].unit
    return row | {"unit": unit, "delta": (new or 0.0) - (old or 0.0)}
