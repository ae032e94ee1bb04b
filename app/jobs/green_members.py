"""What the green shares are made of: every enterprise's days, plants and claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

import numpy as np

from analytics.green.balance import METERED_COLUMNS
from analytics.green.direct import PLANT_ROLES, curtailment_days, direct_days
from analytics.green.hourly import matched_days
from analytics.green.shares import Claims, DayTable, Ints
from models.channels import ChannelRef
from models.park import Park
from models.periods import day_start, from_s, local_day
from models.roles import Role
from storage.balances import balance_hours, park_balance_days, role_days
from storage.claims import park_claims, trade_curves
from storage.db import Conn
from storage.parks import AppliedPark, channels

_DAY_BUCKETS = 96.0
_DAYS = (
    *METERED_COLUMNS,
    *("load_kwh", "green_load_kwh", "direct_export_kwh", "untraced_kwh", "unbalanced_kwh"),
    *("physical_green_kwh", "grid_draw_kwh", "consumption_kwh", "estimated_kwh", "buckets"),
)


@dataclass(frozen=True)
class GreenMember:
    """One enterprise.

    Attributes:
        days: columns of a balance, `matched_kwh` (green energy that served the load of its hour),
            and those of `direct_days` and `curtailment_days` if it has such plants.
        has_balance: False for one that has plants only; `plant_buckets` counts what is told.
    """

    enterprise_id: int
    key: str
    days: DayTable
    claims: Claims
    has_balance: bool = True


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
    curves = _curves(conn, applied, first, stop)
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
        plant = plants.get(number, [])
        table = balances.get(number) or _plants_only(plant)
        of = users.get(number, [number])
        connected = [balances[u] for u in of if u in balances]
        days = table
        if len(connected) == len(of) and number not in served:  # a silent user is not zero
            direct = direct_days(connected, plant, park.green.direct.export_of)
            if direct.columns["direct_generated_kwh"].any():
                days = days.joined(direct)
        if plant:
            days = days.joined(curtailment_days(table, plant))
        if number in curves:
            days = _matched(conn, park, number, curves[number], days)
        kwh = claims.get(number, {})
        mine = Claims(kwh.get("green", {}), kwh.get("nuclear", {}), kwh.get("certificate", {}))
        out[number] = GreenMember(number, keys[number], days, mine, number in balances)
    return out


def _plants_only(plant: Sequence[tuple[Role, DayTable]]) -> DayTable:
    """An enterprise that has plants and uses nothing: a balance of zeros, told by no meter."""
    days = reduce(np.union1d, [t.days for _, t in plant], np.zeros(0, dtype=np.int64))
    zero = np.zeros(len(days))
    columns = dict.fromkeys((*_DAYS, "matched_kwh"), zero)
    return DayTable(days, columns | {"plant_buckets": zero + _DAY_BUCKETS})


def _table(days: Sequence[date], columns: Mapping[str, np.ndarray]) -> DayTable:
    wanted = {name: columns[name] for name in _DAYS}
    return DayTable(_ordinals(days), wanted | {"matched_kwh": columns["green_load_kwh"]})


def _ordinals(days: Iterable[date]) -> Ints:
    return np.array([day.toordinal() for day in days], dtype=np.int64)


def _curves(
    conn: Conn, applied: AppliedPark, first: date, stop: date
) -> dict[int, dict[int, float]]:
    """Green trades that have an hourly curve: by enterprise, start of the hour [s] -> kWh."""
    zone = applied.park.zone
    out: dict[int, dict[int, float]] = {}
    for number, at, kwh in trade_curves(
        conn, applied.park_id, day_start(first, zone), day_start(stop, zone)
    ):
        hours = out.setdefault(number, {})
        hours[int(at.timestamp())] = hours.get(int(at.timestamp()), 0.0) + kwh
    return out


def _matched(
    conn: Conn, park: Park, enterprise_id: int, curve: Mapping[int, float], days: DayTable
) -> DayTable:
    """The days with what the curves of trades match beside own supply.

    A curve tells whole hours of UTC; a balance hour of a zone that is off by a part takes the curve
    of the hour in which it begins.
    """
    low, high = (from_s(at) for at in (min(curve), max(curve) + 3600))
    begin = day_start(local_day(low, park.zone), park.zone)
    end = day_start(local_day(high, park.zone) + timedelta(days=1), park.zone)
    at_s, load, green = balance_hours(conn, enterprise_id, begin, end)
    if not len(at_s):
        return days
    traded = np.array([curve.get(at - at % 3600, 0.0) for at in at_s.tolist()])
    local = [local_day(from_s(at), park.zone).toordinal() for at in at_s.tolist()]
    matched = matched_days(np.array(local, dtype=np.int64), load, green, traded)
    column = days.columns["matched_kwh"].copy()
    known = np.isin(matched.days, days.days)
    column[np.searchsorted(days.days, matched.days[known])] = matched.columns["matched_kwh"][known]
    return DayTable(days.days, {**days.columns, "matched_kwh": column})


def _plant(
    conn: Conn, enterprise_id: int, refs: Sequence[ChannelRef], first: date, stop: date
) -> list[tuple[Role, DayTable]]:
    """Daily amounts of the plant meters of an enterprise, by role; complete days only."""
    roles = {c.role for c in refs if c.enterprise_id == enterprise_id} & set(PLANT_ROLES)
    out = []
    for role in sorted(roles):
        frame = role_days(conn, enterprise_id, role, first, stop)
        value = frame["value"].to_numpy(dtype=np.float64)
        out.append((Role(role), DayTable(_ordinals(frame.index), {"value": value})))
    return out


def with_plants(park: Park, ids: Mapping[str, int], stale: Mapping[int, date]) -> dict[int, date]:
    """Stale enterprises, and the owners of plants whose users are stale: they tell of their use."""
    out = dict(stale)
    for owner, users in _direct_users(park, ids).items():
        for user in users:
            if user in stale:
                out[owner] = min(out.get(owner, stale[user]), stale[user])
    return out


def _direct_users(park: Park, ids: Mapping[str, int]) -> dict[int, list[int]]:
    """Enterprises that another one's plant feeds, by the owner of the plant."""
    return {
        ids[e.key]: [ids[key] for key in e.direct_users if key in ids]
        for e in park.enterprises
        if e.direct_users and e.key in ids
    }
