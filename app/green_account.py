"""Green indicators of any set of enterprises and any range of local days, as of now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.jobs.green_members import green_members
from app.jobs.green_values import Calendar, Window, factors_of, green_values
from app.jobs.indicators import subject_of
from models.indicators import IndicatorValue
from models.periods import local_day
from storage.db import Conn
from storage.parks import AppliedPark, enterprise_ids


@dataclass(frozen=True)
class GreenScope:
    """What is accounted for.

    Attributes:
        enterprises: keys; each is capped by its own draw from the grid, then they are summed.
        start, stop: local days `[start, stop)`.
    """

    enterprises: Sequence[str]
    start: date
    stop: date


def green_account(
    conn: Conn, applied: AppliedPark, scope: GreenScope, now: datetime
) -> list[IndicatorValue]:
    """Every green indicator that applies; empty when no member has a balance in the range.

    The published figures are those of the year in which the range begins.
    """
    today = local_day(now, applied.park.zone)
    members = green_members(conn, applied, scope.start, scope.stop, today)
    ids = enterprise_ids(conn, applied.park_id)
    wanted = {ids[key] for key in scope.enterprises if key in ids}
    chosen = [m for number, m in members.items() if number in wanted]
    if not chosen:
        return []
    windows: list[Window] = [("year", scope.start, scope.stop)]
    number = next(iter(wanted)) if len(wanted) == 1 else None
    subject = subject_of(number, chosen, windows, len(wanted))
    calendar = Calendar(applied.park, scope.start, now)
    return list(
        green_values(subject, windows, calendar, factors_of(applied.park, scope.start.year))
    )
