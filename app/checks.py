"""What is wrong with a park or a collector, and what to do about it: the knowledge of doctor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from collectors.health import OUTCOMES
from models.park import Enterprise, Park
from models.roles import Role

_BALANCE = {Role.GRID_IMPORT, Role.DIRECT_SUPPLY, Role.ONSITE_PV, Role.ONSITE_WIND}
_LAG_S = 30.0
_QUIET = timedelta(hours=1)


@dataclass(frozen=True)
class Problem:
    """One thing that needs somebody's attention."""

    level: Literal["error", "warning", "info"]
    subject: str
    problem: str
    remedy: str


def park_problems(park: Park) -> Iterator[Problem]:
    """What park.yaml leaves open or contradicts."""
    if park.goal.source == "not stated":
        yield Problem(
            "warning",
            f"park {park.key}",
            "the green goal names no source",
            "set goal.source: who promised which share, where, when",
        )
    if not park.contacts:
        yield Problem(
            "warning",
            f"park {park.key}",
            "the park has no contact: alerts about the park as a whole reach nobody",
            "add contacts to park.yaml",
        )
    for enterprise in park.enterprises:
        yield from _enterprise_problems(enterprise)


def _enterprise_problems(enterprise: Enterprise) -> Iterator[Problem]:
    subject = f"enterprise {enterprise.key}"
    roles = {c.role for m in enterprise.meters for c in m.channels.values()}
    targets = enterprise.targets
    wanted = (
        (
            not enterprise.contacts and bool(roles & _BALANCE),
            "no contact: its alerts go to the park's contacts",
            "add contacts with an e-mail address",
        ),
        (
            not roles & _BALANCE and enterprise.in_goal_boundary and enterprise.kind != "utility",
            "no electricity supply meter: it takes no part in the green share",
            "give a channel the role grid_import or set in_goal_boundary: false",
        ),
        (
            targets.energy_intensity_kwh_per_t is not None and Role.PRODUCTION not in roles,
            "energy target per tonne, but no production channel",
            "add a channel with role production",
        ),
        (
            targets.water_intensity_m3_per_t is not None
            and not {Role.PRODUCTION, Role.WATER_INTAKE} <= roles,
            "water target per tonne, but production or water intake is not metered",
            "add channels with the roles production and water_intake",
        ),
        (
            Role.STORAGE_CHARGE in roles and Role.STORAGE_DISCHARGE not in roles,
            "storage is charged but never discharged",
            "add the discharge channel",
        ),
    )
    for wrong, problem, remedy in wanted:
        if wrong:
            yield Problem("warning", subject, problem, remedy)
    for meter in enterprise.meters:
        for key, channel in meter.channels.items():
            if channel.kind == "register" and channel.modulus is None:
                yield Problem(
                    "info",
                    f"{enterprise.key}/{meter.key}/{key}",
                    "register without modulus: a roll-over will look like a fall",
                    "set modulus from the data sheet, e.g. 1000000",
                )


def collector_problems(state: dict[str, Any], now: datetime) -> Iterator[Problem]:
    """What the last sign of life of a collector tells.

    Args:
        state: a row of collector_state: client_id, updated_at, counters and health.
    """
    subject = f"collector {state['client_id']}"
    counters, health = state["counters"], state["health"]
    if counters.get("received", 0) != sum(counters.get(k, 0) for k in OUTCOMES):
        yield Problem(
            "error", subject, f"counters do not add up: {counters}", "report this as a defect"
        )
    if now - state["updated_at"] > timedelta(minutes=5):
        yield Problem(
            "warning",
            subject,
            f"no sign of life since {state['updated_at'].isoformat()}",
            "is greenpark collect running?",
        )
        return
    wanted = (
        (
            not health.get("connected", 1),
            "not connected to the broker",
            "see its log; is the broker running?",
        ),
        (
            (lag_s := health.get("commit_lag_s", 0)) > _LAG_S,
            f"{lag_s:.0f} s from arrival to commit, {health.get('queued', 0):.0f} messages wait",
            "the database is slow or was away; for more collectors see GREENPARK_SHARD",
        ),
        (
            (kept := health.get("kept_filters", 0)) > 0,
            f"keeps {kept:.0f} subscription(s) that are not its own",
            "start the collectors of all shards: nobody has taken these over",
        ),
    )
    for wrong, problem, remedy in wanted:
        if wrong:
            yield Problem("warning", subject, problem, remedy)
    for code, number in sorted(health.get("refused", {}).items()):
        yield Problem(
            "warning",
            subject,
            f"{number} value(s) refused since its start: {code}",
            "see docs/mqtt.md for the remedy, greenpark findings for the messages",
        )
    for enterprise, at in sorted(health.get("last_message", {}).items()):
        if now - datetime.fromisoformat(at) > _QUIET:
            yield Problem(
                "warning",
                f"enterprise {enterprise}",
                f"no message since {at}",
                "check its gateway and its network",
            )
