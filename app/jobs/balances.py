"""Stale days to roll-ups (hours, days, months, sums per role) and energy balances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from analytics.green.balance import BALANCE_ROLES, balance_days
from app.jobs.rollups import roll_up
from models.channels import ChannelRef
from models.meters import Role
from models.periods import buckets_in_day, day_start
from storage.balances import (
    interval_frames,
    mark_indicators_stale,
    replace_balance_days,
)
from storage.db import Conn, translate_db_errors
from storage.intervals import take_stale_days
from storage.parks import AppliedPark, applied_parks, channels

_DAYS_PER_TRANSACTION = 20_000
_DERIVED = {*BALANCE_ROLES, Role.PRODUCTION, Role.WATER_INTAKE}


def compute_balances(
    conn: Conn, now: datetime, progress: Callable[[int], None] = lambda done: None
) -> dict[str, int]:
    """Work off all stale days; marks what the indicators have to do."""
    parks = {p.park_id: p for p in applied_parks(conn)}
    refs = {c.channel_id: c for c in channels(conn)}
    done = {"days": 0, "balances": 0}
    while True:
        with translate_db_errors("compute balances"), conn.transaction():
            stale = take_stale_days(conn, _DAYS_PER_TRANSACTION)
            roll_up(conn, stale, {number: p.park.zone for number, p in parks.items()})
            for enterprise_id, days in _by_enterprise(stale, refs).items():
                mine = [c for c in refs.values() if c.enterprise_id == enterprise_id]
                done["balances"] += _balance(conn, parks[mine[0].park_id], mine, days, now)
                mark_indicators_stale(conn, enterprise_id, min(days))
        done["days"] += len(stale)
        progress(len(stale))
        if len(stale) < _DAYS_PER_TRANSACTION:
            return done


def _by_enterprise(
    stale: Sequence[tuple[int, date]], refs: Mapping[int, ChannelRef]
) -> dict[int, set[date]]:
    out: dict[int, set[date]] = {}
    for channel_id, day in stale:
        ref = refs.get(channel_id)
        if ref is not None and ref.role in _DERIVED:
            out.setdefault(ref.enterprise_id, set()).add(day)
    return out


def _balance(
    conn: Conn, applied: AppliedPark, mine: Sequence[ChannelRef], days: set[date], now: datetime
) -> int:
    roles = {c.channel_id: c.role for c in mine if c.role in BALANCE_ROLES}
    if not roles:
        return 0
    zone = applied.park.zone
    since = {c.channel_id: day_start(c.in_service_from, zone) for c in mine if c.in_service_from}
    rows: list[dict[str, Any]] = []
    for first, stop in _runs(days):
        value, marks = interval_frames(
            conn, list(roles), day_start(first, zone), day_start(stop, zone)
        )
        result = balance_days(value, marks, roles, applied.park.timezone, since)
        for day, row in zip(result.index, result.to_dict("records"), strict=True):
            rows.append(
                {str(k): v for k, v in row.items()}
                | {
                    "enterprise_id": mine[0].enterprise_id,
                    "day": day,
                    "now": now,
                    "expected_buckets": buckets_in_day(day, zone),
                }
            )
    replace_balance_days(conn, mine[0].enterprise_id, sorted(days), rows)
    return len(rows)


def _runs(days: set[date]) -> list[tuple[date, date]]:
    """Consecutive days as half-open ranges."""
    runs: list[tuple[date, date]] = []
    for day in sorted(days):
        if runs and runs[-1][1] == day:
            runs[-1] = (runs[-1][0], day + timedelta(days=1))
        else:
            runs.append((day, day + timedelta(days=1)))
    return runs
