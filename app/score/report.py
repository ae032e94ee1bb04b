"""The scorecard of a run: exact truth of its days, scores, and sentences about all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from app.score.card import EnterpriseScore, EventScore, enterprise_scores, event_scores
from app.score.chain import Observed
from models.park import Park
from simulators.physics import Flows
from simulators.source import ParkSimulator
from simulators.timegrid import STEP_H, YearGrid


@dataclass(frozen=True)
class Card:
    """A whole scorecard; `lines` are sentences about all of it."""

    enterprises: list[EnterpriseScore]
    events: list[EventScore]
    lines: list[str]


def scored(simulator: ParkSimulator, park: Park, seen: Observed, start: date, stop: date) -> Card:
    """Judge what the chain said about the local days `[start, stop)`."""
    events = simulator.scenario.events
    leaks: dict[str, Any] = {}
    savings: dict[str, float] = {}
    truth = daily_truth(simulator, start, stop)
    for event in events:
        if event.kind == "leak":
            leaks[event.enterprise] = min(event.start, leaks.get(event.enterprise, event.start))
        elif event.kind == "retrofit" and event.of == "energy":
            without = daily_truth(simulator, start, stop, leave_out=event)
            saved = _used(without, event.enterprise) - _used(truth, event.enterprise)
            savings[event.enterprise] = savings.get(event.enterprise, 0.0) + saved
    told = event_scores(list(_told(simulator)), seen)
    lines = list(_lines(seen, told))
    return Card(enterprise_scores(park, truth, seen, leaks=leaks, savings_kwh=savings), told, lines)


def daily_truth(
    simulator: ParkSimulator, start: date, stop: date, leave_out: object = None
) -> pd.DataFrame:
    """True amounts by (enterprise, local day): what flowed, not what meters showed.

    Args:
        leave_out: an event that is taken out of the scenario, for what would have been.
    """
    scenario = simulator.scenario
    if leave_out is not None:
        kept = tuple(e for e in scenario.events if e is not leave_out)
        scenario = scenario.model_copy(update={"events": kept})
    parts = []
    for year in range(start.year, (stop - timedelta(days=1)).year + 1):
        grid = YearGrid(year, simulator.park.zone)
        for key, flows in simulator.years.flows(year, scenario).items():
            days = _days(flows, grid)
            days.insert(0, "enterprise", key)
            parts.append(days)
    table = pd.concat(parts)
    table = table[(table["day"] >= start) & (table["day"] < stop)]
    return table.set_index(["enterprise", "day"]).sort_index()


def _days(flows: Flows, grid: YearGrid) -> pd.DataFrame:
    generation = sum(flows.generation_kw.values(), np.zeros(len(grid)))
    frame = pd.DataFrame(
        {
            "import_kwh": flows.import_kw,
            "export_kwh": flows.export_kw,
            "generation_kwh": generation,
            "water_m3": flows.water_m3_per_h,
            "product_t": flows.product_t_per_h,
        }
    )
    daily = (frame * STEP_H).groupby(grid.day).sum()
    first = date(grid.year, 1, 1)
    daily.insert(0, "day", [first + timedelta(days=int(n)) for n in daily.index])
    return daily


def _used(truth: pd.DataFrame, enterprise: str) -> float:
    days = truth[truth.index.get_level_values("enterprise") == enterprise]
    return float((days["import_kwh"] + days["generation_kwh"] - days["export_kwh"]).sum())


def _told(simulator: ParkSimulator) -> Iterator[dict[str, Any]]:
    for event in simulator.scenario.events:
        meters = event.meters(simulator.park)
        yield {
            "kind": event.kind,
            "subject": event.subject,
            "meters": meters,
            "start": event.start,
            "stop": event.stop,
            "expected": event.expected_codes,
        }


def _lines(seen: Observed, events: list[EventScore]) -> Iterator[str]:
    count = seen.counters
    lost = count["generated"] - count["received"]
    refused = count["quarantined"]
    yield (
        f"readings: {count['generated']:,} sent, {count['received']:,} received, "
        f"{count['stored']:,} stored, {count['duplicate']:,} recognised as repetitions, "
        f"{count['conflict']:,} conflicts, {refused:,} refused, {lost:,} lost"
    )
    expecting = [e for e in events if e.expected]
    noticed = sum(e.noticed for e in expecting)
    yield f"events: {noticed} of {len(expecting)} that a finding should tell of were noticed"
    yield (
        "savings: the chain verifies none yet (no figure for saving error); saving_true_kwh is "
        "what there is to find"
    )
