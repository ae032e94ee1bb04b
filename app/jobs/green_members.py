"""What the green shares are made of: every enterprise's days, plants and claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from analytics.green.direct import PLANT_ROLES, curtailment_days, direct_days
from analytics.green.shares import Claims
from models.channels import ChannelRef
from models.park import Park
from storage.balances import park_balance_days, role_days
from storage.claims import park_claims
from storage.db import Conn
from storage.parks import AppliedPark, channels

_DAYS = [
    *("import_kwh", "export_kwh", "direct_kwh", "onsite_kwh", "charge_kwh", "discharge_kwh"),
    *("load_kwh", "green_load_kwh", "direct_export_kwh", "untraced_kwh", "unbalanced_kwh"),
    *("physical_green_kwh", "grid_draw_kwh", "consumption_kwh", "estimated_kwh", "buckets"),
]


@dataclass(frozen=True)
class GreenMember:
    """One enterprise.

    Attributes:
        days: index local day; `_DAYS`, `matched_kwh` (green energy that served the load of its
            hour), and the columns of `direct_days` and `curtailment_days` if it has such plants.
    """

    enterprise_id: int
    key: str
    days: pd.DataFrame
    claims: Claims


def green_members(
    conn: Conn, applied: AppliedPark, first: date, stop: date, known_by: date
) -> dict[int, GreenMember]:
    """Enterprises with a balance in the local days `[first, stop)`.

    Args:
        known_by: certificates cancelled after this day are not known yet.
    """
    park = applied.park
    balances = park_balance_days(conn, applied.park_id, first, stop)
    claims = park_claims(conn, applied.park_id, known_by)
    refs = [c for c in channels(conn) if c.park_id == applied.park_id]
    keys = {c.enterprise_id: c.enterprise_key for c in refs}
    plants = {
        number: plant
        for number in {c.enterprise_id for c in refs if c.role in PLANT_ROLES}
        if not (plant := _plant(conn, number, refs, first, stop)).empty
    }
    users = _direct_users(park, {key: number for number, key in keys.items()})
    served = {u for owner, mine in users.items() for u in mine if u != owner}
    out = {}
    for number in sorted(balances.keys() | plants.keys()):
        if number not in keys:
            continue  # retired
        days = balances.get(number, pd.DataFrame(columns=_DAYS, dtype=float))[_DAYS]
        days = days.assign(matched_kwh=days["green_load_kwh"])
        plant = plants.get(number, pd.DataFrame(index=days.index))
        connected = [balances[u] for u in users.get(number, [number]) if u in balances]
        if connected and number not in served:
            direct = direct_days(connected, plant, park.green.direct.export_of)
            if direct["direct_generated_kwh"].any():
                days = days.join(direct, how="outer")
        days = days.join(curtailment_days(days, plant), how="outer").fillna(0.0)
        kwh = claims.get(number, {})
        out[number] = GreenMember(
            number,
            keys[number],
            days,
            Claims(kwh.get("green", {}), kwh.get("nuclear", {}), kwh.get("certificate", {})),
        )
    return out


def _plant(
    conn: Conn, enterprise_id: int, refs: Sequence[ChannelRef], first: date, stop: date
) -> pd.DataFrame:
    """Daily amounts of the plant meters of an enterprise; a column for each role it has."""
    roles = {c.role for c in refs if c.enterprise_id == enterprise_id} & set(PLANT_ROLES)
    return pd.DataFrame(
        {
            role: role_days(conn, enterprise_id, role, first, stop)["value"].astype(float)
            for role in sorted(roles)
        }
    )


def _direct_users(park: Park, ids: Mapping[str, int]) -> dict[int, list[int]]:
    """Enterprises that another one's plant feeds, by the owner of the plant."""
    return {
        ids[e.key]: [ids[key] for key in e.direct_users if key in ids]
        for e in park.enterprises
        if e.direct_users and e.key in ids
    }
