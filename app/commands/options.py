"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from app.output import Format
from models.errors import ConfigError
from models.periods import day_start


def instant(text: str) -> datetime:
    """An instant with a zone, as UTC.

    Raises:
        typer.BadParameter: another form or no zone.
    """
    try:
        value = datetime.fromisoformat(text)
    except ValueError as exc:
        msg = f"{text!r} is not a time; expected e.g. 2026-03-01T08:15:00+08:00"
        raise typer.BadParameter(msg) from exc
    if value.tzinfo is None:
        msg = f"{text!r} has no time zone; expected e.g. 2026-03-01T08:15:00+08:00"
        raise typer.BadParameter(msg)
    return value.astimezone(UTC)


def moment(text: str) -> date:
    """An instant with a zone, as UTC, or a local day of the park.

    Raises:
        typer.BadParameter: neither.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        return instant(text)


def month(text: str) -> date:
    """The first day of a month such as 2026-03.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        msg = f"{text!r} is no month; expected e.g. 2026-03"
        raise typer.BadParameter(msg) from None


def instant_of(when: date | None, zones: Collection[ZoneInfo]) -> datetime | None:
    """The instant; a date begins with the local midnight of the one zone.

    Raises:
        ConfigError: a date, and several zones.
    """
    if when is None or isinstance(when, datetime):
        return when
    if len(set(zones)) != 1:
        names = ", ".join(sorted({z.key for z in zones})) or "no park"
        fault = f"{when} needs the zone of one park, got {names}; use --park or a time with zone"
        raise ConfigError("time", [fault])
    return day_start(when, next(iter(zones)))


FormatOption = Annotated[Format, typer.Option("--format", help="table, json or csv")]
ParkOption = Annotated[str | None, typer.Option("--park", help="park key, if several are applied")]
MeterOption = Annotated[str | None, typer.Option("--meter", help="meter key")]
FromOption = Annotated[
    date | None,
    typer.Option("--from", parser=moment, metavar="TIME|DATE", help="a date: its local midnight"),
]
ToOption = Annotated[
    date | None,
    typer.Option("--to", parser=moment, metavar="TIME|DATE", help="the first that is left out"),
]
NowOption = Annotated[
    datetime | None,
    typer.Option(
        "--now",
        parser=instant,
        metavar="TIME",
        help="do as if it were this time (with zone); default: the clock",
    ),
]
ByOption = Annotated[str, typer.Option("--by", help="who says so, for the audit")]
ReasonOption = Annotated[str, typer.Option("--reason", help="why, for the audit")]


def audit_faults(by: str, reason: str) -> list[str]:
    """What an auditor would miss in who and why."""
    faults = [] if by.strip() else ["--by is empty; expected a name"]
    return faults if len(reason.strip()) >= 3 else [*faults, "--reason needs at least 3 characters"]


def final_before(sealed: datetime) -> str:
    """What an operator has to know of the time before the horizon of readings."""
    return f"what lies before {sealed.isoformat()} is final: its readings were removed"
