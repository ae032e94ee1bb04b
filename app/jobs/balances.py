"""Stale days to roll-ups (hours, days, months, sums per role), then to traced energy balances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from app.jobs.rollups import roll_up
from app.jobs.tracing import trace_balances
from models.channels import ChannelRef
from models.roles import BALANCE_ROLES, Role
from storage.balances import mark_balances_stale, mark_indicators_stale
from storage.db import Conn, translate_db_errors
from storage.intervals import take_stale_days
from storage.parks import applied_parks, channels

_DAYS_PER_TRANSACTION = 20_000
_DERIVED = set(Role) - {Role.NONE}


def compute_balances(
    conn: Conn, now: datetime, progress: Callable[[int], None] = lambda done: None
) -> dict[str, int]:
    """Work off all stale days; marks what the indicators have to do."""
    zones = {p.park_id: p.park.zone for p in applied_parks(conn)}
    refs = {c.channel_id: c for c in channels(conn)}
    done = {"days": 0}
    while True:
        with translate_db_errors("roll up"), conn.transaction():
            stale = take_stale_days(conn, _DAYS_PER_TRANSACTION)
            roll_up(conn, stale, zones)
            for (enterprise_id, balanced), days in _by_enterprise(stale, refs).items():
                if balanced:
                    mark_balances_stale(conn, enterprise_id, sorted(days))
                mark_indicators_stale(conn, enterprise_id, min(days))
        done["days"] += len(stale)
        progress(len(stale))
        if len(stale) < _DAYS_PER_TRANSACTION:
            return done | trace_balances(conn, now)


def _by_enterprise(
    stale: Sequence[tuple[int, date]], refs: Mapping[int, ChannelRef]
) -> dict[tuple[int, bool], set[date]]:
    """Days by enterprise, and whether its energy balance is concerned."""
    out: dict[tuple[int, bool], set[date]] = {}
    for channel_id, day in stale:
        ref = refs.get(channel_id)
        if ref is not None and ref.role in _DERIVED:
            out.setdefault((ref.enterprise_id, ref.role in BALANCE_ROLES), set()).add(day)
    return out
