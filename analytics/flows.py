"""Energy and water flows of a month as nodes and links, with the balance of every node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_TINY = 1e-9


@dataclass(frozen=True)
class MeterAmount:
    """What a meter measured in a month [kWh or m3]; below another meter if `parent` is set.

    Attributes:
        is_main: it feeds the balance of its enterprise, so what is below it is below the
            enterprise.
    """

    key: str
    enterprise: str
    parent: str | None
    amount: float
    completeness_ratio: float
    is_main: bool

    @property
    def node(self) -> str:
        """Key of its node."""
        return f"{self.enterprise}/{self.key}"


@dataclass(frozen=True)
class Balance:
    """Where the supply of an enterprise came from and where it went in a month.

    Attributes:
        sources: by name of the source (`grid`, `onsite`, `direct`, `intake`, `reclaimed`).
        sinks: what left beside the use, by name (`export`, `storage_loss`).
        used: end use.
    """

    enterprise: str
    sources: Mapping[str, float]
    sinks: Mapping[str, float]
    used: float
    completeness_ratio: float


class Link(NamedTuple):
    """Amount from node to node."""

    source: str
    target: str
    amount: float
    completeness_ratio: float


class Node(NamedTuple):
    """A node; None: nothing is metered on that side.

    Attributes:
        kind: source, enterprise, meter, sink or rest.
        error_ratio: (in - out) / in: for an enterprise what its balance leaves open, for a meter
            what is not metered below it, losses included.
    """

    key: str
    kind: str
    amount_in: float | None
    amount_out: float | None
    error_ratio: float | None


def flow_graph(
    balances: Sequence[Balance], meters: Sequence[MeterAmount]
) -> tuple[list[Node], list[Link]]:
    """Nodes and links of one medium.

    Nodes are `@grid` and the like for sources and sinks, `enterprise`, `enterprise/meter`. What
    the meters below a node do not tell goes to `<node>/*`, so that every node but an
    enterprise with an open balance closes; if they tell more than the node, there is no rest and
    the error is negative. Meters of another month or unit must not be mixed in.
    """
    links: list[Link] = []
    known = {b.enterprise: b for b in balances}
    for b in balances:
        told = b.completeness_ratio
        links += [Link(f"@{s}", b.enterprise, v, told) for s, v in b.sources.items() if v > _TINY]
        links += [Link(b.enterprise, f"@{s}", v, told) for s, v in b.sinks.items() if v > _TINY]
    by_key = {m.key: m for m in meters}
    for m in meters:
        source = _above(m, by_key, known)
        if source is not None:
            links.append(Link(source, m.node, m.amount, m.completeness_ratio))
    amounts = {m.node: m for m in meters}
    links += _rests(links, known, amounts)
    return _nodes(links, known, amounts), sorted(links)


def _above(
    meter: MeterAmount, by_key: Mapping[str, MeterAmount], known: Mapping[str, Balance]
) -> str | None:
    """Node that a meter hangs on; None for a main meter: its enterprise has it as a source."""
    parent = by_key.get(meter.parent or "")
    if parent is None or (meter.is_main and parent.is_main):
        return None
    if parent.is_main and parent.enterprise in known:
        return parent.enterprise
    return parent.node


def _rests(
    links: Sequence[Link], known: Mapping[str, Balance], amounts: Mapping[str, MeterAmount]
) -> list[Link]:
    below: dict[str, float] = {}
    for link in links:
        if link.target in amounts:
            below[link.source] = below.get(link.source, 0.0) + link.amount
    out = []
    for node, told in below.items():
        has = known[node].used if node in known else amounts[node].amount
        if has - told > _TINY:
            out.append(Link(node, f"{node}/*", has - told, 1.0))
    return out


def _nodes(
    links: Sequence[Link], known: Mapping[str, Balance], amounts: Mapping[str, MeterAmount]
) -> list[Node]:
    out = []
    for key in sorted({link.source for link in links} | {link.target for link in links}):
        given = [link.amount for link in links if link.source == key]
        metered = [x.amount for x in links if x.source == key and x.target in amounts]
        if key in known:
            b = known[key]
            supply = sum(b.sources.values())
            spent = b.used + sum(b.sinks.values())
            out.append(Node(key, "enterprise", supply, spent, _error(supply, spent)))
        elif key in amounts:
            amount = amounts[key].amount
            error = _error(amount, sum(metered)) if metered else None
            out.append(Node(key, "meter", amount, sum(metered) if metered else None, error))
        elif given:
            out.append(Node(key, "source", None, sum(given), None))
        else:
            kind = "rest" if key.endswith("/*") else "sink"
            got = sum(link.amount for link in links if link.target == key)
            out.append(Node(key, kind, got, None, None))
    return out


def _error(got: float, given: float) -> float | None:
    return (got - given) / got if got > 0 else None
