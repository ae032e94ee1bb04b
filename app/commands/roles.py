"""Sums per enterprise and role for output: from the roll-ups, or of what was known at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

from app.commands.spans import Asked, By, bounds, expected_buckets, finished, rolled_up, total
from models.quantities import QUANTITIES
from models.roles import ROLE_QUANTITY, Role
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
    by = By.hour if asked.by is By.hour else By.day
    parts: dict[datetime | date, list[Row]] = {}
    for member in in_use:
        known = quarters(conn, member.channel_id, asked.start, asked.stop, asked.as_of)
        served = (row for row in known if _serves(member, row["bucket_start"]))
        for part in rolled_up(served, by, member.kind, member.zone):
            batch = part["buckets"] if member.kind == "batch" else 0
            parts.setdefault(part["period"], []).append(part | {"channels": 1, "batch": batch})
    sums = [_sum(parts[period], period, sum) for period in sorted(parts)]
    if asked.by is By.month:
        months = groupby(sums, lambda row: row["period"].replace(day=1))
        sums = [_sum(list(group), month, max) for month, group in months]
    for row in sums:
        row["expected_buckets"] = row["batch"] + sum(
            expected_buckets(row["period"], asked.by, c.zone, c.in_service_from)
            for c in in_use
            if c.kind != "batch"
        )
        yield row


def _sum(
    parts: Sequence[Row], period: datetime | date, channels: Callable[[Iterable[int]], int]
) -> Row:
    out: Row = {"period": period, "channels": channels(part["channels"] for part in parts)}
    for name in ("buckets", "batch"):
        out[name] = sum(part[name] for part in parts)
    for name in ("value", "estimated_value", "edited_value"):
        out[name] = total(part[name] for part in parts)
    return out


def _serves(channel: Shown, at: datetime) -> bool:
    since = channel.in_service_from
    return since is None or at.astimezone(channel.zone).date() >= since
