"""Hours, days and months of channels, and their sums per enterprise and role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from models.meters import Role
from models.periods import BUCKET, day_period, days, month_start, next_month
from storage.db import Conn, named_sql, translate_db_errors

_STEPS = ("roll_up_hours", "roll_up_days", "roll_up_months", "mark_checks_stale")
_ROLE_STEPS = ("roll_up_role_hours", "roll_up_role_days", "roll_up_role_months")
_HOUR = timedelta(hours=1)


def roll_up(conn: Conn, stale: Sequence[tuple[int, date]], zones: Mapping[int, ZoneInfo]) -> None:
    """Make hours, days, months and role sums of (channel, local day) pairs anew.

    Only rows that change are written; rows whose intervals vanished are deleted. The pairs go on
    the work list of the validation job. Needs a transaction.

    Args:
        zones: zone of every park by its number.
    """
    if not stale:
        return
    sql = named_sql("rollups")
    with translate_db_errors("roll up"), conn.cursor() as cur:
        cur.execute(sql["create_day_staging"])
        cur.execute(sql["create_day_calendar"])
        with cur.copy(sql["copy_days"]) as copy:
            copy.set_types(("int4", "date"))
            for pair in stale:
                copy.write_row(pair)
        with cur.copy(sql["copy_calendar"]) as copy:
            copy.set_types(("int2", "date", "timestamptz", "timestamptz", "int2", "bool"))
            for park_id, zone in zones.items():
                for day in _days_of_months({day for _, day in stale}):
                    copy.write_row((park_id, day, *_cut(day, zone)))
        cur.execute("ANALYZE day_staging, day_calendar")
        for name in _STEPS:
            cur.execute(sql[name])
    _sum_roles(conn)


def _sum_roles(conn: Conn) -> None:
    sql = named_sql("rollups")
    with translate_db_errors("sum up roles"), conn.cursor() as cur:
        for name in ("create_role_staging", "create_role_due", "fill_role_staging"):
            cur.execute(sql[name])
        cur.execute("ANALYZE role_staging")
        cur.execute(sql["fill_role_due"])
        cur.execute("ANALYZE role_due")
        for name in _ROLE_STEPS:
            cur.execute(sql[name], {"roles": [r for r in Role if r != Role.NONE]})


def _days_of_months(wanted: set[date]) -> list[date]:
    months = sorted({month_start(day) for day in wanted})
    return [day for month in months for day in days(month, next_month(month))]


@lru_cache(maxsize=4096)
def _cut(day: date, zone: ZoneInfo) -> tuple[datetime, datetime, int, bool]:
    """Start, stop, quarter-hours of a local day, and whether its hours are cut evenly."""
    period = day_period(day, zone)
    length = period.stop - period.start
    even = period.start.astimezone(zone).minute == 0 and length % _HOUR == timedelta()
    return period.start, period.stop, round(length / BUCKET), even
