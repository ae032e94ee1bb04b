"""Finished days to findings through feed, intervals, balances and the validation job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import yaml

from app.jobs.balances import compute_balances
from app.jobs.intervals import compute_intervals
from app.jobs.validation import compute_validation
from models.park import Park, parse_park
from storage.db import Conn
from storage.parks import apply_park
from tests.integration.conftest import PARK_FILE
from tests.integration.feed import feed

Q, DAY = timedelta(minutes=15), timedelta(days=1)
JAN5 = datetime(2026, 1, 4, 16, tzinfo=UTC)  # Monday 2026-01-05 00:00 in Shanghai
GRID, WATER = "park/testpark/alpha/a-grid", "park/testpark/alpha/a-water"
BETA = "park/testpark/beta/b-grid"
SHAPE = [1.0 + 0.2 * (n % 4) for n in range(96)]  # kWh before the multiplier, 124.8 a day


def run(conn: Conn, now: datetime) -> dict[str, int]:
    compute_intervals(conn, now)
    compute_balances(conn, now)
    return compute_validation(conn, now)


def readings(
    channel: str, start: datetime, amounts: Iterable[float], register: float = 0.0
) -> list[dict[str, Any]]:
    """Register readings every quarter-hour, one more than amounts."""
    values = register + np.concatenate(([0.0], np.cumsum(list(amounts))))
    return [
        {"ts": (start + n * Q).isoformat(), "values": {channel: round(float(v), 4)}}
        for n, v in enumerate(values)
    ]


def days_of(*totals: float) -> list[float]:
    """Amounts of days that have the usual shape, scaled."""
    return [scale * v for scale in totals for v in SHAPE]


def standing(conn: Conn, *but: str) -> list[tuple[str, str, int, int]]:
    """(code, channel, first quarter-hour, quarter-hours) since 5 January of what stands."""
    rows = conn.execute(
        "SELECT f.code, c.key, period_start, period_stop FROM finding f JOIN channel c"
        " USING (channel_id) WHERE withdrawn_at IS NULL ORDER BY period_start, f.code, c.key"
    ).fetchall()
    return [
        (code, key, (start - JAN5) // Q, (stop - start) // Q)
        for code, key, start, stop in rows
        if code not in but and not code.startswith(("interval.", "register."))
    ]


def evidence(conn: Conn, code: str) -> list[dict[str, Any]]:
    rows = conn.execute(
        "SELECT evidence FROM finding WHERE code = %s AND withdrawn_at IS NULL ORDER BY 1", (code,)
    )
    return [row[0] for row in rows.fetchall()]


def test_a_steady_park_has_no_findings(dsn: str, conn: Conn, applied: Park) -> None:
    feed(dsn, GRID, readings("import_kwh", JAN5, days_of(*[1] * 16)))
    done = run(conn, JAN5 + 16 * DAY + timedelta(hours=2))
    assert done["days"] == 16
    assert standing(conn) == []
