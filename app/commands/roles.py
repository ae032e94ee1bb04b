"""Sums per enterprise and role for output: from the roll-ups, or of what was known at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

from app.commands.spans import Asked, bounds, expected_buckets, finished, rolled_up
from models.meters import ROLE_QUANTITY, Role
from models.quantities import QUANTITIES
from storage.db import Conn
from storage.history import Shown, quarters, role_periods

Row = dict[str, Any]


def role_rows(conn: Conn, chosen: Sequence[Shown], asked: Asked) -> Iterator[Row]:
    """Periods of every role of the enterprises of these channels."""
    with_role = [c for c in chosen if c.role != Role.NONE]
    ordered = sorted(with_role, key=lambda c: (c.enterprise, c.enterprise_id, c.role, c.channel_id))
    for (number, role), group in groupby(ordered, lambda c: (c.enterprise_id, c.role)):
        members = list(group)
        first = members[0]
        named = {
            "enterprise": first.enterprise,
            "role": role,
            "unit": QUANTITIES[ROLE_QUANTITY[Role(role)]].unit,
        }
        if asked.as_of is None:
            found = role_periods(conn, asked.table, number, role, *bounds(asked, first.zone))
        else:
            found = _known(conn, members, asked)
        for row in found:
            yield named | finished(row, first.zone)


def _known(conn: Conn, members: Sequence[Shown], asked: Asked) -> Iterator[Row]:
    """As `enterprise_hour`, `_day`, `_month` would have been."""
    in_use = [c for c in members if not c.is_retired]
    sums: dict[datetime | date, Row] = {}
    for member in in_use:
        known = quarters(conn, member.channel_id, asked.start, asked.stop, asked.as_of)
        served = (row for row in known if _serves(member, row["bucket_start"]))
        for part in rolled_up(served, asked.by, member.kind, member.zone):
            row = sums.setdefault(
                part["period"],
                {"period": part["period"], "channels": 0, "buckets": 0, "expected_buckets": 0}
                | {"value": 0.0, "estimated_value": 0.0, "edited_value": 0.0},
            )
            row["channels"] += 1
            for name in ("value", "buckets", "estimated_value", "edited_value"):
                row[name] += part[name]
            if member.kind == "batch":
                row["expected_buckets"] += part["buckets"]
    for period in sorted(sums):
        sums[period]["expected_buckets"] += sum(
            expected_buckets(period, asked.by, c.zone, c.in_service_from)
            for c in in_use
            if c.kind != "batch"
        )
        yield sums[period]


def _serves(channel: Shown, at: datetime) -> bool:
    since = channel.in_service_from
    return since is None or at.astimezone(channel.zone).date() >= since
