"""gateway: the store-and-forward process at an enterprise, and a look at it."""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.clock import RealClock
from app.commands.options import FormatOption, instant
from app.output import Format, show
from app.wiring import console
from gateway.check import OK
from gateway.check import check as look
from gateway.config import GatewayConfig, load_gateway
from gateway.history import reoffer
from gateway.history import status as tell
from gateway.queue import Queue
from gateway.service import Gateway
from models.errors import ConfigError
from models.park import load_park

app = typer.Typer(no_args_is_help=True, help="Store and forward at an enterprise.")

ConfigArgument = Annotated[Path, typer.Argument(help="gateway.yaml")]
_COLUMNS = ("device", "meter", "channel", "register", "at", "value", "unit", "verdict")


def register(program: typer.Typer) -> None:
    """Add the commands to the program."""
    program.add_typer(app, name="gateway")


@app.command()
def run(config: ConfigArgument) -> None:
    """Read, keep and publish until told to stop (SIGTERM, Ctrl-C).

    Example: greenpark gateway run gateway.yaml
    """
    gateway = Gateway(load_gateway(config), RealClock())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _n, _f: gateway.stop())
    gateway.run()


@app.command()
def check(
    config: ConfigArgument,
    park: Annotated[Path | None, typer.Option(help="park.yaml to compare with")] = None,
    form: FormatOption = Format.table,
) -> None:
    """Validate the configuration and read every device once; nothing is published.

    Exit code 1 when a value is missing or does not fit the park.

    Example: greenpark gateway check gateway.yaml --park park.yaml
    """
    wanted = load_gateway(config)
    wanted.broker.address()
    rows = list(look(wanted, RealClock(), load_park(park) if park else None))
    show(rows, _COLUMNS, form, "no devices")
    if any(row["verdict"] != OK for row in rows):
        raise typer.Exit(1)


@app.command()
def status(config: ConfigArgument, form: FormatOption = Format.table) -> None:
    """What waits, what was lost, how the devices are; also while the gateway runs.

    Example: greenpark gateway status gateway.yaml --format json
    """
    queue = _queue(load_gateway(config))
    try:
        show(tell(queue), ("name", "value"), form, "nothing yet")
    finally:
        queue.close()


@app.command()
def resend(
    config: ConfigArgument,
    start: Annotated[
        datetime, typer.Option("--from", parser=instant, metavar="TIME", help="with zone")
    ],
    stop: Annotated[
        datetime | None,
        typer.Option("--to", parser=instant, metavar="TIME", help="with zone; default: now"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only count")] = False,
) -> None:
    """Send readings of this span again that the broker has already acknowledged.

    For a park whose broker or database lost data: what is there already is ignored. The running
    gateway sends them in slices, oldest first; a stopped one when it is started.

    Example: greenpark gateway resend gateway.yaml --from 2026-03-01T00:00+08:00 --dry-run
    """
    queue = _queue(load_gateway(config))
    try:
        count = reoffer(queue, start, stop or RealClock().now(), dry_run=dry_run)
    finally:
        queue.close()
    console.print(f"{count} reading(s) {'would be' if dry_run else 'will be'} sent again")


def _queue(config: GatewayConfig) -> Queue:
    """The queue of a gateway that has run.

    Raises:
        ConfigError: there is none.
    """
    if not config.queue.path.exists():
        fault = "is not there yet; start: greenpark gateway run CONFIG"
        raise ConfigError(f"queue {config.queue.path}", [fault])
    return Queue(config.queue.path)
