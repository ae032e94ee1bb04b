"""Old data: compressed where TimescaleDB can, raw readings removed where the operator wants it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.settings import Settings
from storage.db import Conn, translate_db_errors
from storage.lifecycle import remove_readings, sealed_until, work_before
from storage.timescale import compress_after


def keep_house(conn: Conn, settings: Settings, wall: datetime) -> Mapping[str, Any]:
    """Compression as the settings say; raw readings older than `keep_readings_days` go.

    Args:
        wall: the wall clock: a replayed park time must never remove anything.

    Readings are only removed when everything before the horizon has been computed.
    """
    with translate_db_errors("set up compression"), conn.transaction():
        compressed = compress_after(conn, settings.compress_after_days)
    done: dict[str, Any] = {"compression": "on" if compressed else "not in this edition"}
    if compressed and not settings.compress_after_days:
        done["compression"] = "off"
    if not settings.keep_readings_days:
        return done
    day = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    horizon = day - timedelta(days=settings.keep_readings_days)
    if (known := sealed_until(conn)) is not None and known >= horizon:
        return done | {"readings_from": known.isoformat()}
    if waiting := work_before(conn, horizon):
        return done | {"readings_kept": f"{waiting} stale ranges before {horizon} wait"}
    remove_readings(conn, horizon)
    return done | {"readings_from": horizon.isoformat()}
