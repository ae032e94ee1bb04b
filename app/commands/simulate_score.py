"""simulate score: does the chain find the truth of a scenario."""

from __future__ import annotations

import math
import tempfile
from dataclasses import asdict, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import FormatOption
from app.commands.simulate_check import ParkFile, ScenarioFile, SeedOption, scenario_file
from app.embedded import embedded_postgres
from app.output import Format, show
from app.progress import file_bar
from app.score.card import EnterpriseScore, EventScore
from app.score.chain import run_chain
from app.score.report import scored
from app.wiring import console
from models.errors import ConfigError
from models.park import load_park
from models.periods import days
from simulators.scenario import load_scenario
from simulators.source import ParkSimulator
from storage.db import Conn, connect


def score(
    park: ParkFile,
    scenario: ScenarioFile = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="default: a day before the events")
    ] = None,
    stop: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="default: two days after them")
    ] = None,
    seed: SeedOption = 2026,
    form: FormatOption = Format.table,
) -> None:
    """Run a scenario day by day through codec, writer and all jobs, and score the answers.

    Uses an embedded database of its own that is removed afterwards; nothing is sent. Per
    enterprise: error of energy, share and water, delay of a leak, alerts; per event: was it
    noticed; in all: readings lost and twice. docs/simulator.md explains every figure.

    Example: greenpark simulate score --park examples/donghe/park.yaml --scenario
    examples/donghe/faults.yaml
    """
    loaded, plan = load_park(park), load_scenario(scenario_file(park, scenario))
    simulator = ParkSimulator(loaded, plan, seed)
    low, high = _span(simulator, start, stop)
    with (
        tempfile.TemporaryDirectory(prefix="greenpark-score-") as folder,
        embedded_postgres(Path(folder) / "postgres") as dsn,
        file_bar() as bar,
    ):
        task = bar.add_task("days", total=len(list(days(low, high))), note="")

        def opened() -> Conn:
            return connect(dsn, application="score")

        def told(day: date) -> None:
            bar.update(task, advance=1, note=day.isoformat())

        seen = run_chain(simulator, loaded, opened, low, high, told)
    card = scored(simulator, loaded, seen, low, high)
    if form is not Format.table:
        names = [f.name for f in fields(EnterpriseScore)]
        show([asdict(e) for e in card.enterprises], names, form, "no enterprise")
        return
    for columns in (_amounts, _finds, _readings):
        rows = [columns(e) for e in card.enterprises]
        show(rows, list(rows[0]), form, "none")
    show(
        [_told(e) for e in card.events],
        ["kind", "subject", "expected", "raised", "noticed"],
        form,
        "the scenario has no events",
    )
    console.print(
        "alerts: raised as expected / expected / raised; est.: estimated part", soft_wrap=True
    )
    for line in card.lines:
        console.print(line, soft_wrap=True)


def _told(event: EventScore) -> dict[str, str]:
    return {
        "kind": event.kind,
        "subject": event.subject,
        "expected": ", ".join(event.expected) or "-",
        "raised": ", ".join(event.raised) or "-",
        "noticed": ("yes" if event.noticed else "NO") if event.expected else "-",
    }


def _percent(value: float | None, digits: int = 2) -> str:
    """A dash is a figure that does not exist, never a zero."""
    return "-" if value is None else _plain(100 * value, digits)


def _amounts(score: EnterpriseScore) -> dict[str, str]:
    """Told against true, a line for people."""
    points = score.share_error_points
    return {
        "who": score.enterprise,
        "energy %": _percent(score.energy_error_ratio),
        "share pt": "-" if points is None else _plain(points, 2),
        "water %": _percent(score.water_error_ratio),
        "days %": _percent(score.complete_ratio, 1),
        "est. %": _percent(score.estimated_ratio, 1),
    }


def _finds(score: EnterpriseScore) -> dict[str, str]:
    """What should be found and was, a line for people."""
    delay, saved = score.leak_delay_days, score.saving_true_kwh
    return {
        "who": score.enterprise,
        "save MWh": "-" if saved is None else f"{saved / 1000:.1f}",
        "saving err": _percent(score.saving_error_ratio, 1),
        "leak d": "-" if delay is None else "not told" if delay == math.inf else f"{delay:.1f}",
        "alerts": f"{score.alerts_both}/{score.alerts_expected}/{score.alerts_raised}",
    }


def _readings(score: EnterpriseScore) -> dict[str, str]:
    """What became of the readings, a line for people."""
    return {
        "who": score.enterprise,
        "sent": f"{score.readings_sent:,}",
        "twice": f"{score.readings_twice}",
        "refused": f"{score.readings_refused}",
        "lost": f"{score.readings_lost}",
    }


def _plain(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}"  # no minus before a zero


def _span(simulator: ParkSimulator, start: str | None, stop: str | None) -> tuple[date, date]:
    """The days that were asked for, or those around the events.

    Raises:
        ConfigError: no day, or the wrong order.
    """
    try:
        low = date.fromisoformat(start) if start else None
        high = date.fromisoformat(stop) if stop else None
    except ValueError as exc:
        raise ConfigError("simulate score", [f"{exc}; expected days like 2026-03-01"]) from exc
    around = simulator.event_days()
    if around is None and (low is None or high is None):
        raise ConfigError("simulate score", ["the scenario has no events; give --from and --to"])
    if around is not None:
        low = low or around[0] - timedelta(days=1)
        high = high or around[1] + timedelta(days=2)
    assert low is not None  # noqa: S101
    assert high is not None  # noqa: S101
    if low >= high:
        raise ConfigError("simulate score", [f"--from {low} is not before --to {high}"])
    return low, high
