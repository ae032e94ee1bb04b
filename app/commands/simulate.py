"""simulate: a simulated park that speaks MQTT, live or as fast as it goes."""

from __future__ import annotations

import signal
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.clock import AcceleratedClock, Clock, RealClock, wall_now
from app.commands.options import instant
from app.commands.simulate_bulk import record, store, tell_truth
from app.commands.simulate_check import check, scenario_file
from app.commands.simulate_score import score
from app.progress import progress_bar
from app.settings import settings
from app.wiring import broker_address, clock_of, console
from models.errors import ConfigError
from models.park import load_park
from simulators.live import run_live
from simulators.message import Message
from simulators.publisher import Publisher
from simulators.scenario import load_scenario
from simulators.source import ParkSimulator

_FLUSH_S = 600.0  # after a range: nothing may stay behind
_FLUSH_LIVE_S = 10.0  # after a request to stop
_MAX = "max"


def register(app: typer.Typer) -> None:
    """Add the command and its parts to the program."""
    group = typer.Typer(invoke_without_command=True, subcommand_metavar="[check|score]")
    group.callback()(simulate)
    group.command("check")(check)
    group.command("score")(score)
    app.add_typer(group, name="simulate")


def speed_of(text: str) -> float | None:
    """Park seconds per second; None for as fast as it goes.

    Raises:
        typer.BadParameter: neither a positive number nor max.
    """
    if text == _MAX:
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.001 <= value < 1e9:
        msg = f"{text!r} is no speed; expected park seconds per second, e.g. 60, or max"
        raise typer.BadParameter(msg)
    return value


def simulate(
    ctx: typer.Context,
    park: Annotated[Path | None, typer.Option(help="park.yaml")] = None,
    scenario: Annotated[
        Path | None,
        typer.Option(help="how the park behaves; default: simulation.yaml beside park.yaml"),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--from", parser=instant, metavar="TIME", help="default: now"),
    ] = None,
    stop: Annotated[
        datetime | None,
        typer.Option("--to", parser=instant, metavar="TIME", help="end here; default: Ctrl-C"),
    ] = None,
    speed: Annotated[
        str | None,
        typer.Option(
            metavar="N|max",
            help="park seconds per second; default: max with --to, else GREENPARK_CLOCK",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="another seed, another year")] = 2026,
    batch: Annotated[
        int, typer.Option(min=1, max=1000, help="time stamps per message, at speed max")
    ] = 96,
    to_database: Annotated[
        bool, typer.Option("--store", help="a range into the database, without a broker")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="a range as recording (.jsonl.gz) for `import messages`")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="folder for the exact truth of the range")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="count, publish nothing")] = False,
) -> None:
    """Publish the meters of a simulated park over MQTT.

    Live from now (or --from) on the clock of the settings, until Ctrl-C or --to. At speed max a
    range goes as fast as it can: over MQTT, --store into the database, --out to a file. The same
    seed continues the same registers; repetitions are recognised.

    Examples:
    greenpark simulate --park examples/donghe/park.yaml
    --- greenpark simulate --park P --from 2026-03-01T00:00:00+08:00 --speed 60
    --- greenpark simulate --park P --from 2026-03-01T00:00:00+08:00
    --to 2026-03-08T00:00:00+08:00
    --- the same with --store --truth truth
    --- greenpark simulate check --park P
    --- greenpark simulate score --park P --scenario examples/donghe/faults.yaml
    """
    if ctx.invoked_subcommand is not None:
        return
    if park is None:
        msg = "give --park park.yaml"
        raise typer.BadParameter(msg)
    wanted = speed_of(speed) if speed is not None else None
    at_once = stop is not None and wanted is None
    if speed == _MAX and stop is None:
        msg = "--speed max needs a range: --from and --to"
        raise typer.BadParameter(msg)
    if stop is not None and (start is None or start >= stop):
        msg = "--to needs an earlier --from"
        raise typer.BadParameter(msg)
    if (to_database or out or truth) and not at_once:
        msg = "--store, --out and --truth are for a range at speed max: give --from and --to"
        raise typer.BadParameter(msg)
    if to_database and out:
        msg = "--store and --out are two ways to go; give one"
        raise typer.BadParameter(msg)
    plan = load_scenario(scenario_file(park, scenario))
    simulator = ParkSimulator(load_park(park), plan, seed)
    if at_once:
        assert start is not None and stop is not None  # noqa: S101, PT018
        if truth is not None and not dry_run:
            tell_truth(simulator, start, stop, truth)
        if to_database and not dry_run:
            store(simulator, start, stop, batch)
        elif out is not None and not dry_run:
            record(simulator, start, stop, batch, out)
        else:
            _range(simulator, start, stop, batch, dry_run=dry_run)
        return
    clock = _clock(start, wanted)
    if dry_run:
        console.print(f"would publish live from {start or clock.now()}, speed {clock.speed:g}")
        return
    _live(simulator, clock, start or clock.now(), stop)


def _clock(start: datetime | None, speed: float | None) -> RealClock | AcceleratedClock:
    clock: Clock = clock_of(settings())
    if not isinstance(clock, RealClock | AcceleratedClock):
        raise ConfigError("simulate", ["a fixed clock does not run; unset GREENPARK_CLOCK"])
    if speed is None:
        return clock
    return AcceleratedClock(wall_now(), start or clock.now(), speed)


def _range(
    simulator: ParkSimulator, start: datetime, stop: datetime, batch: int, *, dry_run: bool
) -> None:
    began, expected, messages, readings = time.monotonic(), simulator.count(start, stop), 0, 0
    publisher = None if dry_run else Publisher(broker_address(settings())).start()
    try:
        with progress_bar() as bar:
            task = bar.add_task("readings", total=expected)
            for message in simulator.messages(start, stop, batch=batch):
                if publisher is not None:
                    publisher.publish(message)
                messages, readings = messages + 1, readings + message.readings
                bar.advance(task, message.readings)
        if publisher is not None and not publisher.flush(_FLUSH_S):
            raise ConfigError("simulate", [_left_over(publisher)])
    finally:
        if publisher is not None:
            publisher.close()
    verb = "would publish" if publisher is None else "published"
    _close(verb, messages, readings, publisher.acknowledged if publisher else 0, began)


def _live(
    simulator: ParkSimulator,
    clock: RealClock | AcceleratedClock,
    start: datetime,
    stop: datetime | None,
) -> None:
    began, stopping = time.monotonic(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _n, _f: stopping.set())
    publisher = Publisher(broker_address(settings())).start()
    sink = _Counting(publisher)
    console.print(f"live from {start.isoformat()}, speed {clock.speed:g}; Ctrl-C ends it")
    try:
        again_at = run_live(simulator, sink, clock, start, stopping, stop)
        if not publisher.flush(_FLUSH_LIVE_S):
            raise ConfigError("simulate", [_left_over(publisher)])
    finally:
        publisher.close()
    _close("published", publisher.published, sink.readings, publisher.acknowledged, began)
    console.print(f"go on with --from {again_at.isoformat()}")


class _Counting:
    """A publisher that counts readings."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher, self.readings = publisher, 0

    def publish(self, message: Message, timeout_s: float | None = None) -> bool:
        """Hand a message over; False when it was not taken in time."""
        taken = self.publisher.publish(message, timeout_s)
        self.readings += message.readings if taken else 0
        return taken


def _left_over(publisher: Publisher) -> str:
    return (
        f"{publisher.waiting} message(s) were not acknowledged; is the broker alive? Run it again "
        "with the same --from: repetitions are recognised"
    )


def _close(verb: str, messages: int, readings: int, acknowledged: int, began: float) -> None:
    console.print(
        f"{verb} {messages} messages, {readings} readings, acknowledged {acknowledged} "
        f"in {time.monotonic() - began:.1f} s"
    )
