"""Options that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from app.output import Format


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


FormatOption = Annotated[Format, typer.Option("--format", help="table, json or csv")]
ParkOption = Annotated[str | None, typer.Option("--park", help="park key, if several are applied")]
NowOption = Annotated[
    datetime | None,
    typer.Option(
        "--now",
        parser=instant,
        metavar="TIME",
        help="do as if it were this time (with zone); default: the clock",
    ),
]
