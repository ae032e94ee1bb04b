"""simulate check: is a simulated year plausible."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import FormatOption
from app.output import Format, show
from app.wiring import console
from models.park import load_park
from simulators.plausibility import plausibility
from simulators.scenario import load_scenario
from simulators.source import ParkSimulator
from simulators.timegrid import YearGrid

SeedOption = Annotated[int, typer.Option(help="another seed, another year")]
ParkFile = Annotated[Path, typer.Option(help="park.yaml")]
ScenarioFile = Annotated[
    Path | None, typer.Option(help="default: simulation.yaml beside park.yaml")
]


def scenario_file(park: Path, scenario: Path | None) -> Path:
    """The scenario that was named, or the one beside the park."""
    return scenario or park.parent / "simulation.yaml"


def check(
    park: ParkFile,
    scenario: ScenarioFile = None,
    year: Annotated[int | None, typer.Option(help="default: first year of the scenario")] = None,
    seed: SeedOption = 2026,
    form: FormatOption = Format.table,
) -> None:
    """Compare a simulated year with known figures: yields, capacity factors, kWh/t, shares.

    Exit code 1 when a figure is outside its range. Figures without a range are information.

    Example: greenpark simulate check --park examples/donghe/park.yaml
    """
    loaded, plan = load_park(park), load_scenario(scenario_file(park, scenario))
    simulator = ParkSimulator(loaded, plan, seed)  # tells what does not fit together
    grid = YearGrid(year or plan.first_year, loaded.zone)
    checks = list(plausibility(loaded, plan, grid, simulator.years.flows(grid.year)))
    marks = {True: "yes", False: "NO", None: "-"}
    rows = [asdict(c) | {"plausible": marks[c.is_plausible]} for c in checks]
    told = ["subject", "figure", "value", "unit", "low", "high", "plausible"]
    show(
        rows,
        told if form is Format.table else [*told, "source"],
        form,
        "nothing to compare: the scenario has no generators and no loads",
    )
    if form is Format.table:
        for figure, source in {c.figure: c.source for c in checks if c.source}.items():
            console.print(f"{figure}: {source}", soft_wrap=True)
    if any(c.is_plausible is False for c in checks):
        raise typer.Exit(1)
