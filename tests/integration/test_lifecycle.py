"""Old readings leave, what was computed from them stays; compression where the edition has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.jobs.lifecycle import keep_house
from app.jobs.pipeline import CALCULATIONS
from app.settings import Settings
from storage.db import Conn
from storage.lifecycle import sealed_until
from storage.timescale import edition
from tests.integration.feed import feed, ramp
from tests.integration.test_pipeline import GRID, JAN1, Q

WALL = JAN1 + timedelta(days=40)
KEEP_10 = Settings(keep_readings_days=10, compress_after_days=7)


def _calculate(conn: Conn, now: datetime = WALL) -> None:
    for job in CALCULATIONS.values():
        job(conn, now)


def _table(conn: Conn, name: str) -> list[tuple[object, ...]]:
    order = {"interval": "channel_id, bucket_start", "channel_day": "channel_id, day"}[name]
    return conn.execute(f"SELECT * FROM {name} ORDER BY {order}").fetchall()  # type: ignore[arg-type]


@pytest.fixture
def history(dsn: str, conn: Conn, applied: object) -> Conn:
    """40 days of a register, every 6 hours."""
    step = timedelta(hours=6)
    feed(dsn, GRID, ramp("import_kwh", JAN1, step, [10.0 * n for n in range(161)]))
    _calculate(conn)
    return conn


def test_readings_leave_and_intervals_stay(history: Conn) -> None:
    before = _table(history, "interval"), _table(history, "channel_day")
    done = keep_house(history, KEEP_10, WALL)
    horizon = (WALL - timedelta(days=10)).replace(hour=0)
    assert done["readings_from"] == horizon.isoformat()
    assert sealed_until(history) == horizon
    row = history.execute("SELECT min(ts), max(ts) FROM reading").fetchone()
    assert row is not None
    chunk = timedelta(0) if edition(history) == "absent" else timedelta(days=7)
    before_horizon = horizon - timedelta(days=2)
    assert before_horizon - chunk <= row[0] < before_horizon + timedelta(hours=6)
    assert row[1] == JAN1 + timedelta(days=40)
    assert (_table(history, "interval"), _table(history, "channel_day")) == before
    _calculate(history)
    assert (_table(history, "interval"), _table(history, "channel_day")) == before


def test_late_data_before_the_horizon_changes_nothing(dsn: str, history: Conn) -> None:
    keep_house(history, KEEP_10, WALL)
    before = _table(history, "interval")
    feed(dsn, GRID, ramp("import_kwh", JAN1 + timedelta(days=3, hours=1), Q, [123.0]))
    history.execute(
        "INSERT INTO stale_range (channel_id, start_at, stop_at, reason)"
        " SELECT channel_id, %s, %s, 'recompute' FROM channel",
        (JAN1, WALL),
    )
    _calculate(history)
    assert _table(history, "interval") == before
    assert history.execute("SELECT count(*) FROM restatement").fetchone() == (0,)
    sealed = "SELECT period_start FROM finding WHERE code = 'reading.sealed'"
    assert history.execute(sealed).fetchall() == [(JAN1 + timedelta(days=3, hours=1),)]


def test_nothing_leaves_before_it_was_computed(history: Conn) -> None:
    history.execute(
        "INSERT INTO stale_range (channel_id, start_at, stop_at, reason)"
        " SELECT channel_id, %s, %s, 'reading' FROM channel LIMIT 1",
        (JAN1, JAN1),
    )
    done = keep_house(history, KEEP_10, WALL)
    assert "1 stale ranges" in done["readings_kept"]
    assert history.execute("SELECT min(ts) FROM reading").fetchone() == (JAN1,)


def test_for_ever_is_the_default(history: Conn) -> None:
    keep_house(history, Settings(), datetime(2099, 1, 1, tzinfo=UTC))
    assert history.execute("SELECT count(*) FROM reading").fetchone() == (161,)
    assert sealed_until(history) is None


def test_the_horizon_never_goes_back(history: Conn) -> None:
    keep_house(history, KEEP_10, WALL)
    first = sealed_until(history)
    keep_house(history, Settings(keep_readings_days=30), WALL)
    assert sealed_until(history) == first


def test_compression_follows_the_settings(history: Conn) -> None:
    kind = edition(history)
    done = keep_house(history, Settings(compress_after_days=7), WALL)
    if kind != "timescale":
        assert done["compression"] == "not in this edition"
        return
    policies = (
        "SELECT hypertable_name, config ->> 'compress_after' FROM timescaledb_information.jobs"
        " WHERE proc_name LIKE 'policy_compression%' ORDER BY 1"
    )
    names = ["interval", "reading"]
    assert history.execute(policies).fetchall() == [(n, "7 days") for n in names]  # type: ignore[arg-type]
    keep_house(history, Settings(compress_after_days=9), WALL)
    assert history.execute(policies).fetchall() == [(n, "9 days") for n in names]  # type: ignore[arg-type]
    assert keep_house(history, Settings(compress_after_days=0), WALL)["compression"] == "off"
    assert history.execute(policies).fetchall() == []  # type: ignore[arg-type]


def test_late_data_in_compressed_chunks_is_computed(dsn: str, history: Conn) -> None:
    if edition(history) != "timescale":
        pytest.skip("compression is in TimescaleDB's own edition only")
    keep_house(history, Settings(compress_after_days=7), WALL)
    for table in ("reading", "interval"):
        history.execute("SELECT compress_chunk(c) FROM show_chunks(%s) AS c", (table,))
    late = JAN1 + timedelta(days=3, hours=1)
    feed(dsn, GRID, ramp("import_kwh", late, Q, [123.0]))
    _calculate(history)
    row = history.execute(
        "SELECT sum(value) FROM interval WHERE bucket_start >= %s AND bucket_start < %s",
        (JAN1 + timedelta(days=3), late),
    ).fetchone()
    assert row is not None
    assert row[0] == pytest.approx(3.0 * 100)  # 120 at midnight, 123 an hour later, multiplier 100
    assert history.execute("SELECT count(*) > 0 FROM restatement").fetchone() == (True,)
