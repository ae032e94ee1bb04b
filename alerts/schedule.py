"""Times of day at which people want to hear: quiet hours and digests, on the park's wall clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from models.contacts import AlertSettings

_RANK = {"info": 0, "warning": 1, "critical": 2}


def is_quiet(settings: AlertSettings, severity: str, now: datetime, zone: ZoneInfo) -> bool:
    """True if a message of this severity waits for the end of the quiet hours."""
    most = settings.quiet_up_to
    if most is None or _RANK[severity] > _RANK[most]:
        return False
    start, stop, at = settings.quiet_from, settings.quiet_to, now.astimezone(zone).time()
    if start <= stop:
        return start <= at < stop
    return at >= start or at < stop


def digest_due(
    settings: AlertSettings, way: str, noticed_at: datetime, now: datetime, zone: ZoneInfo
) -> bool:
    """True if the hour of a digest has come since something was noticed."""
    return noticed_at < previous_digest(settings, way, now, zone, including=True)


def previous_digest(
    settings: AlertSettings,
    way: str,
    now: datetime,
    zone: ZoneInfo,
    *,
    including: bool = False,
) -> datetime:
    """The last hour of a digest at or before `now`; by default the one before that.

    Daily ones are due every day, weekly ones on Mondays, at `digest_at` on the park's wall clock.
    """
    local = now.astimezone(zone)
    day = local.date()
    if local.time() < settings.digest_at:
        day -= timedelta(days=1)
    step = timedelta(days=1)
    if way == "weekly":
        day -= timedelta(days=day.weekday())
        step = timedelta(days=7)
    return datetime.combine(day if including else day - step, settings.digest_at, zone)
