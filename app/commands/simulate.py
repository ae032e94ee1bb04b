"""simulate: a simulated park that speaks MQTT, live or as fast as it goes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.backfill import Source
from app.clock import AcceleratedClock, Clock, RealClock, wall_now
from app.commands.options import instant
from app.commands.simulate_bulk import record, store, tell_truth
from app.commands.simulate_check import check, scenario_file
from app.commands.simulate_fleet import MOST_METERS, fleet
from app.commands.simulate_mqtt import publish_live, publish_range
from app.commands.simulate_score import score
from app.settings import settings
from app.wiring import clock_of, console
from models.errors import ConfigError
from models.park import load_park
from simulators.fleet import FleetSimulator
from simulators.fleet_park import fleet_park
from simulators.scenario import load_scenario
from simulators.source import ParkSimulator

_MAX = "max"


def register(app: typer.Typer) -> None:
    """Add the command and its parts to the program."""
    group = typer.Typer(invoke_without_command=True, subcommand_metavar="[check|score|fleet]")
    group.callback()(simulate)
    group.command("check")(check)
    group.command("score")(score)
    group.command("fleet")(fleet)
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
    meters: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_METERS, help="instead of a park: so many made-up meters, each minute"
        ),
    ] = None,
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
    state: Annotated[
        Path | None, typer.Option(help="file that remembers how far --store has come")
    ] = None,
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
    --- greenpark simulate --meters 10000 --speed 10
    --- greenpark simulate check --park P
    --- greenpark simulate score --park P --scenario examples/donghe/faults.yaml
    """
    if ctx.invoked_subcommand is not None:
        return
    if (park is None) == (meters is None):
        msg = "give --park park.yaml, or --meters for a made-up fleet"
        raise typer.BadParameter(msg)
    if meters is not None and (scenario or truth):
        msg = "--scenario and --truth belong to a park, not to --meters"
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
    if state and not to_database:
        msg = "--state remembers how far --store has come: give --store"
        raise typer.BadParameter(msg)
    if to_database and out:
        msg = "--store and --out are two ways to go; give one"
        raise typer.BadParameter(msg)
    simulator = _simulator(park, scenario, meters, seed)
    if at_once:
        assert start is not None and stop is not None  # noqa: S101, PT018
        if isinstance(simulator, ParkSimulator) and truth is not None and not dry_run:
            tell_truth(simulator, start, stop, truth)
        if to_database and not dry_run:
            store(simulator, start, stop, batch, state)
        elif out is not None and not dry_run:
            record(simulator, start, stop, batch, out)
        else:
            publish_range(simulator, start, stop, batch, dry_run=dry_run)
        return
    clock = _clock(start, wanted)
    if dry_run:
        console.print(f"would publish live from {start or clock.now()}, speed {clock.speed:g}")
        return
    publish_live(simulator, clock, start or clock.now(), stop)


def _simulator(park: Path | None, scenario: Path | None, meters: int | None, seed: int) -> Source:
    if park is None:
        return FleetSimulator(*fleet_park(meters or 1), seed)
    plan = load_scenario(scenario_file(park, scenario))
    return ParkSimulator(load_park(park), plan, seed)


def _clock(start: datetime | None, speed: float | None) -> RealClock | AcceleratedClock:
    clock: Clock = clock_of(settings())
    if not isinstance(clock, RealClock | AcceleratedClock):
        raise ConfigError("simulate", ["a fixed clock does not run; unset GREENPARK_CLOCK"])
    if speed is None:
        return clock
    return AcceleratedClock(wall_now(), start or clock.now(), speed)
