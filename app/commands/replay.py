"""replay: a measured data set over MQTT, as registers of meters."""

from __future__ import annotations

import time
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.progress import progress_bar
from app.settings import settings
from app.wiring import broker_address, console
from models.errors import ConfigError
from simulators.mapping import load_mapping
from simulators.publisher import Publisher
from simulators.replay import read_data, replay_messages, trade_rows, write_trades


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(replay)


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


def replay(
    mapping_file: Annotated[Path, typer.Argument(help="mapping, e.g. examples/uiuc/replay.yaml")],
    data: Annotated[Path, typer.Option(help="folder with the data files")],
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="first local day")
    ] = None,
    stop: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="day after the last one")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="time stamps per message")] = 1,
    rate: Annotated[float, typer.Option(min=0, help="messages/s; 0: as fast as it goes")] = 0,
    trades_csv: Annotated[
        Path | None,
        typer.Option(
            help="write the settled trades of the mapping here, for greenpark import trades"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="read and check, publish nothing")
    ] = False,
) -> None:
    """Publish a measured data set over MQTT as cumulative registers.

    Example: greenpark replay examples/steel/replay.yaml --data ~/data/steel_uci --batch 96
    """
    mapping = load_mapping(mapping_file)
    days = {"from_day": _day(start) or mapping.from_day, "stop_day": _day(stop) or mapping.stop_day}
    mapping = mapping.model_copy(update=days)
    steps = read_data(mapping, data)
    if trades_csv is not None:
        write_trades(trade_rows(mapping, steps), trades_csv)
        console.print(f"wrote {trades_csv}")
    messages = list(replay_messages(mapping, steps, batch=batch))
    readings = sum(m.readings for m in messages)
    if dry_run:
        console.print(f"would publish {len(messages)} messages, {readings} readings")
        return
    began = time.monotonic()
    publisher = Publisher(broker_address(settings())).start()
    try:
        with progress_bar() as bar:
            for number, message in enumerate(bar.track(messages, description="messages")):
                if rate and (ahead := number / rate - (time.monotonic() - began)) > 0:
                    time.sleep(ahead)
                publisher.publish(message)
        if not publisher.flush(600):
            raise ConfigError(
                "replay",
                [
                    f"{publisher.waiting} message(s) were not acknowledged "
                    "within 10 minutes; is the broker alive?"
                ],
            )
    finally:
        publisher.close()
    console.print(
        f"published {publisher.published} messages, {readings} readings, "
        f"acknowledged {publisher.acknowledged} in {time.monotonic() - began:.1f} s"
    )
