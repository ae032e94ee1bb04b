"""What the green shares are made of: every enterprise's days, plants and claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from analytics.green.direct import PLANT_ROLES, curtailment_days, direct_days
from analytics.green.shares import Claims, DayTable
from models.channels import ChannelRef
from models.meters import Role
from models.park import Park
from storage.balances import park_balance_days, role_days
from storage.claims import park_claims
from storage.db import Conn
from storage.parks import AppliedPark, channels

_NONE = DayTable(np.zeros(0, dtype=np.int64), {})
_DAYS = (
    *("import_kwh", "export_kwh", "direct_kwh", "onsite_kwh", "charge_kwh", "discharge_kwh"),
    *("load_kwh", "green_load_kwh", "direct_export_kwh", "untraced_kwh", "unbalanced_kwh"),
    *("physical_green_kwh", "grid_draw_kwh", "consumption_kwh", "estimated_kwh", "buckets"),
)


@dataclass(frozen=True)
class GreenMember:
    """One enterprise.

    Attributes:
        days: columns of a balance, `matched_kwh` (green energy that served the load of its hour),
            and those of `direct_days` and `curtailment_days` if it has such plants.
    """

    enterprise_id: int
    key: str
    days: DayTable
    claims: Claims


def green_members(
    conn: Conn, applied: AppliedPark, first: date, stop: date, known_by: date
) -> dict[int, GreenMember]:
    """Enterprises with a balance in the local days `[first, stop)`.

    Args:
        known_by: certificates cancelled after this day are not known yet.
    """
    park = applied.park
    balances = {
        number: _table(days, columns)
        for number, (days, columns) in park_balance_days(conn, applied.park_id, first, stop).items()
    }
    claims = park_claims(conn, applied.park_id, known_by)
    refs = [c for c in channels(conn) if c.park_id == applied.park_id]
    keys = {c.enterprise_id: c.enterprise_key for c in refs}
    plants = {
        number: _plant(conn, number, refs, first, stop)
        for number in {c.enterprise_id for c in refs if c.role in PLANT_ROLES}
    }
    users = _direct_users(park, {key: number for number, key in keys.items()})
    served = {u for owner, mine in users.items() for u in mine if u != owner}
    out = {}
    for number in sorted((balances.keys() | plants.keys()) & keys.keys()):
        table, plant = balances.get(number, _NONE), plants.get(number, [])
        connected = [balances[u] for u in users.get(number, [number]) if u in balances]
        days = table
        if connected and number not in served:
            direct = direct_days(connected, plant, park.green.direct.export_of)
            if direct.columns["direct_generated_kwh"].any():
                days = days.joined(direct)
        if plant and number in balances:
            days = days.joined(curtailment_days(table, plant))
        if not len(days.days) or number not in balances:
            continue
        kwh = claims.get(number, {})
        mine = Claims(kwh.get("green", {}), kwh.get("nuclear", {}), kwh.get("certificate", {}))
        out[number] = GreenMember(number, keys[number], days, mine)
    return out


def _table(days: Sequence[date], columns: Mapping[str, np.ndarray]) -> DayTable:
    wanted = {name: columns[name] for name in _DAYS}
    return DayTable(
        np.array([day.toordinal() for day in days], dtype=np.int64),
        wanted | {"matched_kwh": columns["green_load_kwh"]},
    )


def _plant(
    conn: Conn, enterprise_id: int, refs: Sequence[ChannelRef], first: date, stop: date
) -> list[tuple[Role, DayTable]]:
    """Daily amounts of the plant meters of an enterprise, by role; complete days only."""
    roles = {c.role for c in refs if c.enterprise_id == enterprise_id} & set(PLANT_ROLES)
    out = []
    for role in sorted(roles):
        frame = role_days(conn, enterprise_id, role, first, stop)
        days = np.array([day.toordinal() for day in frame.index], dtype=np.int64)
        value = frame["value"].to_numpy(dtype=np.float64)
        out.append((Role(role), DayTable(days, {"value": value})))
    return out


def _direct_users(park: Park, ids: Mapping[str, int]) -> dict[int, list[int]]:
    """Enterprises that another one's plant feeds, by the owner of the plant."""
    return {
        ids[e.key]: [ids[key] for key in e.direct_users if key in ids]
        for e in park.enterprises
        if e.direct_users and e.key in ids
    }
