"""The scorecard of a run: exact truth of its days, scores, and sentences about all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.score.card import EnterpriseScore, EventScore, enterprise_scores, event_scores
from app.score.chain import Observed
from models.park import Park
from models.periods import day_start
from simulators.event_kinds import Leak
from simulators.source import ParkSimulator


@dataclass(frozen=True)
class Card:
    """A whole scorecard; `lines` are sentences about all of it."""

    enterprises: list[EnterpriseScore]
    events: list[EventScore]
    lines: list[str]


def scored(simulator: ParkSimulator, park: Park, seen: Observed, start: date, stop: date) -> Card:
    """Judge what the chain said about the local days `[start, stop)`."""
    truth = simulator.truth(*(day_start(day, park.zone) for day in (start, stop)))
    energy = truth.energy.set_index(["enterprise", "day"]).sort_index()
    energy["generation_kwh"] = energy["used_kwh"] + energy["export_kwh"] - energy["import_kwh"]
    leaks: dict[str, datetime] = {}
    for event in simulator.scenario.events:
        if isinstance(event, Leak):
            leaks[event.enterprise] = min(event.start, leaks.get(event.enterprise, event.start))
    saved = truth.savings[truth.savings["of"] == "energy"].groupby("enterprise")["saved"].sum()
    savings = {str(key): float(kwh) for key, kwh in saved.items()}
    told = event_scores(list(_told(simulator)), seen)
    enterprises = enterprise_scores(park, energy, seen, leaks=leaks, savings_kwh=savings)
    return Card(enterprises, told, list(_lines(seen, enterprises, told)))


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


def _lines(
    seen: Observed, enterprises: list[EnterpriseScore], events: list[EventScore]
) -> Iterator[str]:
    count = seen.counters
    sent, lost = (
        sum(getattr(e, f"readings_{name}") for e in enterprises) for name in ("sent", "lost")
    )
    yield (
        f"readings: {sent:,} sent, {count['received']:,} received, "
        f"{count['stored']:,} stored, {count['duplicate']:,} recognised as repetitions, "
        f"{count['conflict']:,} conflicts, {count['quarantined']:,} refused, {lost:,} lost"
    )
    expecting = [e for e in events if e.expected]
    noticed = sum(e.noticed for e in expecting)
    yield f"events: {noticed} of {len(expecting)} that a finding should tell of were noticed"
    yield (
        "savings: a run of weeks has no baseline (no figure for saving error); saving_true_kwh is "
        "what there is to find"
    )
