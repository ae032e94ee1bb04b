"""A park in any zone, random quarter-hours for it, and its roll-ups as they are stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from models.park import parse_park
from models.periods import day_period, local_day
from storage.db import Conn
from storage.parks import apply_park
from tests.integration.conftest import PARK_FILE

Q = timedelta(minutes=15)
NOW = datetime(2027, 1, 1, tzinfo=UTC)
TABLES = {
    "channel_hour": "hour_start",
    "channel_day": "day",
    "channel_month": "month",
    "enterprise_hour": "hour_start",
    "enterprise_day": "day",
    "enterprise_month": "month",
}
Bucket = tuple[int, datetime, float, str, float | None]  # channel, start, value, quality, last
Rows = dict[tuple[Any, ...], tuple[Any, ...]]


def apply(conn: Conn, timezone: str, **more: Any) -> dict[str, int]:
    """The test park in a zone; channel "meter/channel" -> number. Beta's grid meter is a batch."""
    loaded: dict[str, Any] = yaml.safe_load(PARK_FILE.read_text(encoding="utf-8"))
    loaded["timezone"] = timezone
    alpha = loaded["enterprises"][0]["meters"]
    alpha[0]["channels"]["second_kwh"] = dict(alpha[0]["channels"]["import_kwh"], **more)
    with conn.transaction():
        apply_park(conn, parse_park(loaded, "test"), NOW)
    conn.execute(
        "UPDATE channel c SET kind = 'batch' FROM meter m WHERE m.meter_id = c.meter_id"
        " AND m.key = 'b-grid'"
    )
    rows = conn.execute(
        "SELECT m.key || '/' || c.key, channel_id FROM channel c JOIN meter m USING (meter_id)"
    ).fetchall()
    return dict(rows)


def store(conn: Conn, buckets: Iterable[Bucket], zone: ZoneInfo) -> None:
    """Write intervals as the interval job does: rows and stale days."""
    with conn.cursor() as cur:
        for channel, at, value, quality, last in buckets:
            cur.execute(
                "INSERT INTO interval (channel_id, bucket_start, value, quality, computed_at, low,"
                " high, last) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (channel_id,"
                " bucket_start) DO UPDATE SET value = excluded.value, quality = excluded.quality,"
                " last = excluded.last, low = excluded.low, high = excluded.high",
                (
                    channel,
                    at,
                    value,
                    quality,
                    NOW,
                    None if last is None else value - 1,
                    None if last is None else value + 2,
                    last,
                ),
            )
            stale(conn, channel, local_day(at, zone))


def stale(conn: Conn, channel: int, day: date) -> None:
    conn.execute("INSERT INTO stale_day VALUES (%s, %s) ON CONFLICT DO NOTHING", (channel, day))


def table(conn: Conn, name: str) -> Rows:
    """All rows of a roll-up by key; floats as they are stored."""
    owner = "enterprise_id, role" if name.startswith("enterprise") else "channel_id"
    columns = "channels, buckets, expected_buckets, value, estimated_value, edited_value"
    if owner == "channel_id":
        columns = (
            "buckets, expected_buckets, estimated_buckets, edited_buckets, value,"
            " estimated_value, edited_value, low, high, last"
        )
    keys = owner.count(",") + 2
    rows = conn.execute(f"SELECT {owner}, {TABLES[name]}, {columns} FROM {name}").fetchall()
    return {row[:keys]: row[keys:] for row in rows}


def everything(conn: Conn) -> dict[str, Rows]:
    return {name: table(conn, name) for name in TABLES}


def total(values: Iterable[float]) -> float:
    """Plain sum in order."""
    out = 0.0
    for value in values:
        out += value
    return out


def season(ids: dict[str, int], first: date, days: int, zone: ZoneInfo) -> list[Bucket]:
    """Random buckets of registers, a gauge and a batch channel, with holes, estimates, edits."""
    random = Random(5)
    start = day_period(first, zone).start
    stop = day_period(first + timedelta(days=days), zone).start
    out: list[Bucket] = []
    for name in ("a-grid/import_kwh", "a-grid/second_kwh", "a-grid/power_kw", "b-grid/import_kwh"):
        for n in range((stop - start) // Q):
            if random.random() < 0.1 or (name == "b-grid/import_kwh" and n % 7):
                continue
            quality = random.choices(["measured", "estimated", "edited"], [8, 1, 1])[0]
            last = random.random() if name == "a-grid/power_kw" else None
            out.append((ids[name], start + n * Q, random.uniform(-3, 9) ** 3, quality, last))
    return out
