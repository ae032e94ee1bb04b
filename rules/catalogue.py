"""Every rule with its function; what they need to see; all of them asked about one picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from models.indicators import GREEN_SHARE_CLAIM, GREEN_SHARE_PHYSICAL
from models.rules import rule_definitions
from models.verdicts import Verdict
from rules import carbon, circular, data, energy, green, grid, water
from rules.judge import Rule
from rules.snapshot import Snapshot

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        code: function
        for family in (green, energy, water, carbon, circular, grid, data)
        for code, function in family.RULES.items()
    }
)


class Need(NamedTuple):
    """How many newest values of an indicator and period kind the rules look at."""

    indicator: str
    kind: str
    points: int
    only_final: bool = False


_HISTORY = {"energy_drift": 42, "water_drift": 42, "storage_eta": 60, "co2_budget_year": 13}


def needs() -> list[Need]:
    """The indicator values that the rules look at."""
    points: dict[tuple[str, str], int] = {}
    for code, rule in rule_definitions().items():
        if rule.indicator:
            key = (rule.indicator, rule.kind)
            wanted = _HISTORY.get(code, 3 if rule.kind == "month" else 1)
            points[key] = max(points.get(key, 0), wanted)
    shares = [
        Need(share, kind, number, only_final=True)
        for share in (GREEN_SHARE_CLAIM, GREEN_SHARE_PHYSICAL)
        for kind, number in (("ytd", 1), ("rolling_12m", 1), ("month", 12))
    ]
    return [*shares, *(Need(i, k, n) for (i, k), n in points.items())]


def verdicts(snapshot: Snapshot, codes: Collection[str] | None = None) -> Iterator[Verdict]:
    """What the rules say of a picture.

    A rule that is switched off for a subject, or outside its hours, says nothing.

    Args:
        codes: the rules to ask; None: all.
    """
    local = snapshot.now.astimezone(snapshot.park.zone)
    for code, rule in RULES.items():
        if codes is not None and code not in codes:
            continue
        for said in rule(snapshot):
            tuned = snapshot.rule(code, said.enterprise_id)
            if tuned.enabled and tuned.is_asked(local):
                yield said
