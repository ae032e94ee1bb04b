"""The exact truth of a simulated range, beside what its meters say: what a scorecard judges by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from models.park import Enterprise, Park
from models.roles import Role
from simulators.deliver import Deliveries
from simulators.event_kinds import DropOut, Leak, Retrofit
from simulators.events import Event
from simulators.flows import Flows, Part
from simulators.timegrid import STEP_H, Floats, YearGrid

FlowsOf = Callable[[int, Sequence[Event]], Mapping[str, Flows]]
_ROLES = {Role.DIRECT_SUPPLY: "direct_kwh", Role.ONSITE_PV: "pv_kwh", Role.ONSITE_WIND: "wind_kwh"}
_PARTS: dict[str, Part] = {
    "reclaimed_m3": "reclaimed_water",
    "gas_m3": "gas",
    "steam_t": "steam",
    "waste_t": "waste",
}
_NO_FACTS = ("kind", "enterprise", "meter", "start", "stop", "at")


@dataclass(frozen=True)
class Truth:
    """What truly happened in `[start, stop)`.

    Attributes:
        digest: of the scenario, as the caller computes it.
        energy: one row per enterprise and local day. load + charge + export = import + direct +
            pv + wind + discharge. `available_kwh` is what generators could have given,
            `curtailed_kwh` what they did not give, by an order or untaken. `used_kwh` = import +
            generation - export. `green_kwh` = generation - export: batteries are not traced,
            their energy counts where it is generated and their losses are part of the use.
        savings: per retrofit and day: amount without it, with it, and the difference [kWh or m3].
        events: every event as it was applied.
    """

    park: str
    seed: int
    digest: str
    start: datetime
    stop: datetime
    energy: pd.DataFrame
    savings: pd.DataFrame
    events: list[dict[str, Any]]

    @property
    def totals(self) -> dict[str, float]:
        """Sums over all enterprises and days."""
        sums = self.energy.drop(columns=["day", "enterprise"]).sum()
        return {str(k): float(v) for k, v in sums.items()}

    @property
    def green_ratio(self) -> float | None:
        """Physical green share of the park; None when nothing was used."""
        totals = self.totals
        return totals["green_kwh"] / totals["used_kwh"] if totals["used_kwh"] else None


def truth_of(
    park: Park,
    events: Sequence[Event],
    flows_of: FlowsOf,
    start: datetime,
    stop: datetime,
    *,
    seed: int,
    digest: str,
    deliveries: Deliveries | None = None,
) -> Truth:
    """The truth of a range; its edges fall on quarter-hours.

    Args:
        flows_of: flows of every enterprise for a local year with just these events.
        deliveries: what became of the messages, when they were delivered.
    """
    span = (start, stop)
    actual = _days(park, flows_of, events, span)
    savings, leaks = [], {}
    for number, event in enumerate(events):
        if not isinstance(event, Retrofit | Leak):
            continue
        others = [e for e in events if e is not event]
        without = _days(park, flows_of, others, span)
        mine = without["enterprise"] == event.enterprise
        if isinstance(event, Leak):
            leaks[number] = float((actual["water_m3"] - without["water_m3"])[mine].sum())
            continue
        column = "used_kwh" if event.of == "energy" else "water_m3"
        rows = without.loc[mine, ["day", "enterprise"]]
        would, did = without.loc[mine, column], actual.loc[mine, column]
        rows = rows.assign(of=event.of, counterfactual=would, actual=did, saved=would - did)
        rows.insert(0, "retrofit", f"events.{number}")
        savings.append(rows)
    told = [_told(n, e, park, leaks.get(n), deliveries) for n, e in enumerate(events)]
    columns = ["retrofit", "day", "enterprise", "of", "counterfactual", "actual", "saved"]
    table = pd.concat(savings, ignore_index=True) if savings else pd.DataFrame(columns=columns)
    return Truth(park.key, seed, digest, start, stop, actual, table, told)


def _days(
    park: Park, flows_of: FlowsOf, events: Sequence[Event], span: tuple[datetime, datetime]
) -> pd.DataFrame:
    low, high = (at.timestamp() for at in span)
    last = (span[1] - timedelta(seconds=1)).astimezone(park.zone).year
    parts = []
    for year in range(span[0].astimezone(park.zone).year, last + 1):
        grid = YearGrid(year, park.zone)
        inside = (grid.edges_s >= low) & (grid.edges_s < high)
        flows = flows_of(year, events)
        for enterprise in park.enterprises:
            if enterprise.key in flows:
                steps = pd.DataFrame(_amounts(enterprise, flows[enterprise.key], grid))[inside]
                days = steps.groupby(grid.day[inside]).sum()
                first = date(year, 1, 1)
                days.insert(0, "day", [first + timedelta(days=int(n)) for n in days.index])
                days.insert(1, "enterprise", enterprise.key)
                parts.append(days)
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(["day", "enterprise"], ignore_index=True)


def _amounts(enterprise: Enterprise, flows: Flows, grid: YearGrid) -> dict[str, Floats]:
    """Amounts of every step [kWh, m3, t]; what an enterprise has not got is zero."""
    zero = np.zeros(len(grid))
    made = dict.fromkeys(_ROLES.values(), zero)
    column_of = {
        m.key: _ROLES[c.role]
        for m in enterprise.meters
        for c in m.channels.values()
        if c.role in _ROLES
    }
    for meter, power in flows.generation_kw.items():
        made[column_of[meter]] = made[column_of[meter]] + power
    generation = sum(made.values(), zero)
    available = sum(flows.available_kw.values(), zero)
    power_kw = {
        "load_kwh": flows.load_kw,
        "import_kwh": flows.import_kw,
        "export_kwh": flows.export_kw,
        **made,
        "charge_kwh": flows.charge_kw,
        "discharge_kwh": flows.discharge_kw,
        "available_kwh": available,
        "curtailed_kwh": np.maximum(available - generation, 0.0),
        "used_kwh": flows.import_kw + generation - flows.export_kw,
        "green_kwh": np.maximum(generation - flows.export_kw, 0.0),
        "water_m3": flows.water_m3_per_h,
        "product_t": flows.product_t_per_h,
        **{column: flows.parts.get(part, zero) for column, part in _PARTS.items()},
    }
    return {key: series * STEP_H for key, series in power_kw.items()}


def _told(
    number: int, event: Event, park: Park, leaked_m3: float | None, deliveries: Deliveries | None
) -> dict[str, Any]:
    """One event as it was applied, ready for JSON."""
    told: dict[str, Any] = {
        "event": f"events.{number}",
        "kind": event.kind,
        "subject": event.subject,
        "meters": list(event.meters(park)),
        "from": event.start.astimezone(UTC).isoformat(),
        "to": None if event.stop is None else event.stop.astimezone(UTC).isoformat(),
        "expected": list(event.expected_codes),
        "facts": event.model_dump(mode="json", exclude=set(_NO_FACTS), exclude_none=True),
    }
    if leaked_m3 is not None:
        told["leaked_m3"] = round(leaked_m3, 6)
    if isinstance(event, DropOut) and deliveries is not None:
        name = (event.subject, event.start.astimezone(UTC))
        told["dropped_messages"] = deliveries.dropped_by.get(name, 0)
    return told
