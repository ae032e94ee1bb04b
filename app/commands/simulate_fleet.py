"""simulate fleet: park.yaml of a made-up fleet of meters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.wiring import console
from simulators.fleet_park import fleet_yaml

MOST_METERS = 100_000


def fleet(
    meters: Annotated[int, typer.Option(min=1, max=MOST_METERS, help="number of meters")],
    out: Annotated[Path, typer.Option(help="file to write")],
) -> None:
    """Write park.yaml of the meters of `simulate --meters`, for `greenpark apply`.

    A load for broker, collector and database; a reading of each meter every minute.

    Example: greenpark simulate fleet --meters 10000 --out fleet.yaml
    --- greenpark apply fleet.yaml
    --- greenpark simulate --meters 10000
    """
    out.write_text(fleet_yaml(meters), encoding="utf-8")
    console.print(
        f"written; apply it: greenpark apply {out}; then: greenpark simulate --meters {meters}",
        soft_wrap=True,
    )
