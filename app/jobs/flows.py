"""Flow diagrams of the months that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from analytics.flows import Balance, Link, MeterAmount, Node, flow_graph
from models.park import Park
from models.periods import next_month
from models.roles import Role
from storage.db import Conn
from storage.flows import balance_months, meter_months, replace_flows, water_months
from storage.parks import AppliedPark

_MEDIA = {"electricity": "active_energy", "water": "water_volume"}
_MAIN = [Role.GRID_IMPORT, Role.WATER_INTAKE]
_OTHER_WAY = [
    *(Role.GRID_EXPORT, Role.STORAGE_CHARGE, Role.STORAGE_DISCHARGE, Role.DIRECT_EXPORT),
    *(Role.DIRECT_AVAILABLE, Role.ONSITE_AVAILABLE, Role.DIRECT_GENERATION, Role.DIRECT_SUPPLY),
    *(Role.ONSITE_PV, Role.ONSITE_WIND, Role.WATER_RECLAIMED, Role.WATER_DISCHARGED),
    Role.WATER_RECYCLED,
]
_NAMES = {
    "grid": ("电网", "Grid"),
    "direct": ("绿电直连", "Direct lines"),
    "onsite": ("自发", "On-site generation"),
    "export": ("上网", "Export"),
    "storage_loss": ("储能损耗", "Storage"),
    "intake": ("取水", "Intake"),
    "reclaimed": ("再生水", "Reclaimed"),
    "discharge": ("外排", "Discharged"),
}


class _Flows(NamedTuple):
    month: date
    medium: str
    nodes: Sequence[Node]
    links: Sequence[Link]


def make_flows(conn: Conn, applied: AppliedPark, first: date, today: date) -> None:
    """Make the diagrams of all months from `first` on anew; needs a transaction."""
    start, stop = first.replace(day=1), next_month(today)
    params = {
        "park_id": applied.park_id,
        "quantities": list(_MEDIA.values()),
        "main_roles": [str(r) for r in _MAIN],
        "other_roles": [str(r) for r in _OTHER_WAY],
        "start": start,
        "stop": stop,
    }
    meters = meter_months(conn, params)
    balances = _electricity(balance_months(conn, applied.park_id, start, stop))
    water = _water(water_months(conn, applied.park_id, start, stop))
    names = _names(applied.park)
    links: list[dict[str, Any]] = []
    nodes: list[dict[str, Any]] = []
    for flows in _graphs(applied.park, meters, {"electricity": balances, "water": water}):
        where = {"month": flows.month, "medium": flows.medium}
        links += [where | link._asdict() for link in flows.links]
        nodes += [where | _node(node, names) for node in flows.nodes]
    replace_flows(conn, applied.park_id, start, links, nodes)


def _graphs(
    park: Park,
    meters: Sequence[Mapping[str, Any]],
    balances: Mapping[str, Mapping[date, list[Balance]]],
) -> Iterator[_Flows]:
    parents = {m.key: m.parent for e in park.enterprises for m in e.meters}
    for medium, quantity in _MEDIA.items():
        by_month: dict[date, list[MeterAmount]] = {m: [] for m in balances[medium]}
        for row in meters:
            if row["quantity"] == quantity:
                amount = MeterAmount(
                    row["meter"],
                    row["enterprise"],
                    parents.get(row["meter"]),
                    row["amount"],
                    min(row["completeness_ratio"], 1.0),
                    row["is_main"],
                )
                by_month.setdefault(row["month"], []).append(amount)
        for month, amounts in sorted(by_month.items()):
            nodes, links = flow_graph(balances[medium].get(month, []), amounts)
            yield _Flows(month, medium, nodes, links)


def _electricity(rows: Sequence[Mapping[str, Any]]) -> dict[date, list[Balance]]:
    out: dict[date, list[Balance]] = {}
    for r in rows:
        balance = Balance(
            r["enterprise"],
            {"grid": r["import_kwh"], "direct": r["direct_kwh"], "onsite": r["onsite_kwh"]},
            {"export": r["export_kwh"], "storage_loss": r["charge_kwh"] - r["discharge_kwh"]},
            r["load_kwh"],
            r["completeness_ratio"],
        )
        out.setdefault(r["month"], []).append(balance)
    return out


def _water(rows: Sequence[Mapping[str, Any]]) -> dict[date, list[Balance]]:
    found: dict[tuple[date, str], dict[str, Mapping[str, Any]]] = {}
    for r in rows:
        found.setdefault((r["month"], r["enterprise"]), {})[r["role"]] = r
    out: dict[date, list[Balance]] = {}
    for (month, enterprise), roles in found.items():
        amounts = {role: r["value"] for role, r in roles.items()}
        sources = {
            "intake": amounts.get("water_intake", 0.0),
            "reclaimed": amounts.get("water_reclaimed", 0.0),
        }
        sinks = {"discharge": amounts.get("water_discharged", 0.0)}
        used = sum(sources.values()) - sum(sinks.values())
        complete = min(r["completeness_ratio"] for r in roles.values())
        balance = Balance(enterprise, sources, sinks, used, min(complete, 1.0))
        out.setdefault(month, []).append(balance)
    return out


def _names(park: Park) -> dict[str, tuple[str, str]]:
    """Names of enterprises and meters by the key of their node."""
    return {e.key: (e.name.zh, e.name.en) for e in park.enterprises} | {
        f"{e.key}/{m.key}": (m.name.zh, m.name.en) for e in park.enterprises for m in e.meters
    }


def _node(node: Node, names: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    fields = node._asdict()
    key = fields.pop("key")
    above = names.get(key.removesuffix("/*"), (key, key))
    if key.startswith("@"):
        above = _NAMES[key[1:]]
    elif node.kind == "rest":
        above = (f"{above[0]} 其余", f"{above[1]}, rest")
    return {"node": key, "name_zh": above[0], "name_en": above[1], **fields}
