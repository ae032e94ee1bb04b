"""Gaps by like days, restatements and withdrawn findings, through the job, by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.jobs import intervals
from app.jobs.balances import compute_balances
from app.jobs.intervals import compute_intervals
from app.jobs.quarters import Setup
from models.park import Park
from storage.db import Conn
from storage.parks import apply_park
from storage.readings import ChannelReadings
from tests.integration.feed import feed, ramp
from tests.integration.test_pipeline import BETA, GRID, Q

MONDAY = datetime.fromisoformat("2026-03-02T00:00:00+08:00")
NOW = MONDAY + timedelta(days=20)
FACTOR = 100  # multiplier of a-grid in the test park


def _days(levels: list[float]) -> list[float]:
    """Register at every quarter-hour; day n rises by levels[n] x (1 + hour of day) per quarter."""
    values, register = [1000.0], 1000.0
    for level in levels:
        for quarter in range(96):
            register += level * (1 + quarter // 4)
            values.append(register)
    return values


def _feed(dsn: str, levels: list[float], first: int, stop: int) -> None:
    """Readings [first, stop) of the quarter-hours from Monday on."""
    values = _days(levels)
    feed(dsn, GRID, ramp("import_kwh", MONDAY + first * Q, Q, values[first:stop]))


def _rows(conn: Conn, start: datetime, stop: datetime) -> list[tuple[float, str, str | None]]:
    return conn.execute(
        "SELECT value, quality, method FROM interval i JOIN channel c USING (channel_id)"
        " WHERE c.key = 'import_kwh' AND bucket_start >= %s AND bucket_start < %s"
        " ORDER BY bucket_start",
        (start, stop),
    ).fetchall()


LEVELS = [1.0, 2.0, 3.0, 4.0]  # Monday to Thursday 5 March
GAP = MONDAY + timedelta(days=3, hours=10), MONDAY + timedelta(days=3, hours=16)


@pytest.fixture
def with_gap(dsn: str, conn: Conn, applied: Park) -> Conn:
    """Four working days; on Thursday nothing came between 10:00 and 16:00."""
    _feed(dsn, LEVELS, 0, 3 * 96 + 41)
    _feed(dsn, LEVELS, 3 * 96 + 64, 4 * 96 + 1)
    compute_intervals(conn, NOW)
    return conn


def test_a_long_gap_has_the_shape_of_the_days_before(with_gap: Conn) -> None:
    # mean of Monday to Wednesday at hour h: 2 (1 + h); Thursday really used 4 (1 + h): scaled by
    # the register to 4 (1 + h) x 100 kWh, so the estimate is what was lost
    rows = _rows(with_gap, *GAP)
    expected = [4.0 * (1 + 10 + n // 4) * FACTOR for n in range(24)]
    assert [r[0] for r in rows] == pytest.approx(expected)
    assert {r[1:] for r in rows} == {("estimated", "like_days")}
    around = _rows(with_gap, GAP[0] - Q, GAP[0]) + _rows(with_gap, GAP[1], GAP[1] + Q)
    assert {r[1:] for r in around} == {("measured", None)}


def test_a_gap_follows_its_like_days(dsn: str, with_gap: Conn) -> None:
    # Wednesday, 12:00 to 13:00 was used otherwise: 30 % less by 12:00, made up by 13:00
    before = _rows(with_gap, *GAP)
    at = MONDAY + timedelta(days=2, hours=12)
    register = _days(LEVELS)[2 * 96 + 48]
    item = {"ts": at.isoformat(), "values": {"import_kwh": register - 10}, "correction": True}
    feed(dsn, GRID, [item])
    compute_intervals(with_gap, NOW)
    after = _rows(with_gap, *GAP)
    assert after != before
    assert sum(r[0] for r in after) == pytest.approx(sum(r[0] for r in before))
    reasons = with_gap.execute("SELECT DISTINCT reason FROM restatement ORDER BY 1").fetchall()
    assert reasons == [("correction",), ("like days changed",)]


def test_late_data_of_the_gap_restates_it_and_nothing_else(dsn: str, with_gap: Conn) -> None:
    later = NOW + timedelta(days=1)
    _feed(dsn, LEVELS, 3 * 96 + 41, 3 * 96 + 64)
    compute_intervals(with_gap, later)
    rows = _rows(with_gap, *GAP)
    assert {r[1:] for r in rows} == {("measured", None)}
    log = with_gap.execute(
        "SELECT min(bucket_start), max(bucket_start), count(*), array_agg(DISTINCT old_quality),"
        " array_agg(DISTINCT old_method), array_agg(DISTINCT new_quality), min(old_computed_at),"
        " min(restated_at), array_agg(DISTINCT reason) FROM restatement"
    ).fetchone()
    assert log == (
        GAP[0],
        GAP[1] - Q,
        24,
        ["estimated"],
        ["like_days"],
        ["measured"],
        NOW,
        later,
        ["reading"],
    )
    gaps = "SELECT withdrawn_at FROM finding WHERE code = 'interval.gap'"
    assert with_gap.execute(gaps).fetchall() == [(later,)]
    assert with_gap.execute("SELECT count(*) FROM shaped_gap").fetchone() == (0,)


def test_without_days_before_the_gap_is_flat(dsn: str, conn: Conn, applied: Park) -> None:
    _feed(dsn, LEVELS, 0, 41)
    _feed(dsn, LEVELS, 64, 97)
    compute_intervals(conn, NOW)
    rows = _rows(conn, MONDAY + timedelta(hours=10), MONDAY + timedelta(hours=16))
    assert {r[1:] for r in rows} == {("estimated", "flat")}
    # hours 10 to 15: 4 x (11 + ... + 16) = 324 register units over 24 quarter-hours
    assert [r[0] for r in rows] == pytest.approx([324 / 24 * FACTOR] * 24)


def test_days_that_come_later_give_the_gap_its_shape(dsn: str, conn: Conn, applied: Park) -> None:
    _feed(dsn, LEVELS, 3 * 96, 3 * 96 + 41)
    _feed(dsn, LEVELS, 3 * 96 + 64, 4 * 96 + 1)
    compute_intervals(conn, NOW)
    assert {r[2] for r in _rows(conn, *GAP)} == {"flat"}
    _feed(dsn, LEVELS, 0, 3 * 96)
    compute_intervals(conn, NOW)
    assert {r[2] for r in _rows(conn, *GAP)} == {"like_days"}


def test_only_days_that_changed_are_rolled_up(dsn: str, with_gap: Conn) -> None:
    with_gap.execute("TRUNCATE stale_day")
    one = 3 * 96 + 50  # in the gap, and not what the days before made of it
    feed(dsn, GRID, ramp("import_kwh", MONDAY + one * Q, Q, [_days(LEVELS)[one] - 7]))
    compute_intervals(with_gap, NOW)
    days = with_gap.execute("SELECT DISTINCT day::text FROM stale_day").fetchall()
    assert days == [("2026-03-05",)]


def test_two_pauses_of_one_channel_do_not_know_each_other(
    dsn: str, conn: Conn, applied: Park
) -> None:
    # the second gap must not take the first one's estimate as an example
    levels = [1.0, 2.0, 3.0, 4.0, 4.0]
    _feed(dsn, levels, 0, 3 * 96 + 41)
    _feed(dsn, levels, 3 * 96 + 64, 4 * 96 + 41)
    _feed(dsn, levels, 4 * 96 + 64, 5 * 96 + 1)
    compute_intervals(conn, NOW)
    friday = MONDAY + timedelta(days=4)
    rows = _rows(conn, friday + timedelta(hours=10), friday + timedelta(hours=16))
    assert {r[1:] for r in rows} == {("estimated", "like_days")}
    assert [r[0] for r in rows] == pytest.approx(
        [4.0 * (1 + 10 + n // 4) * FACTOR for n in range(24)]
    )


@pytest.mark.parametrize("at_once", [True, False])
def test_the_newest_correction_counts_also_back_to_the_first_value(
    dsn: str, conn: Conn, applied: Park, at_once: bool
) -> None:
    at = (MONDAY + Q).isoformat()
    corrections = [
        {"ts": at, "values": {"import_kwh": v}, "correction": True} for v in (109.0, 107.0)
    ]
    feed(dsn, GRID, ramp("import_kwh", MONDAY, Q, [100.0, 107.0, 110.0]))
    for items in [corrections] if at_once else [[c] for c in corrections]:
        feed(dsn, GRID, items)
    compute_intervals(conn, NOW)
    assert [r[0] for r in _rows(conn, MONDAY, MONDAY + 2 * Q)] == [7.0 * FACTOR, 3.0 * FACTOR]
    feed(dsn, GRID, corrections)  # once more: nothing new
    compute_intervals(conn, NOW)
    assert [r[0] for r in _rows(conn, MONDAY, MONDAY + 2 * Q)] == [7.0 * FACTOR, 3.0 * FACTOR]


def test_other_metering_settings_compute_the_park_anew(with_gap: Conn, park: Park) -> None:
    with_gap.execute("TRUNCATE stale_check")
    changed = park.model_copy(
        update={"metering": park.metering.model_copy(update={"straight_line_minutes": 400})}
    )
    with with_gap.transaction():
        apply_park(with_gap, changed, NOW)
    compute_intervals(with_gap, NOW)
    assert {r[2] for r in _rows(with_gap, *GAP)} == {"linear"}
    reasons = with_gap.execute("SELECT DISTINCT reason FROM restatement").fetchall()
    assert reasons == [("metering settings changed",)]
    assert with_gap.execute("SELECT count(*) FROM stale_check").fetchone() == (0,)


def test_other_thresholds_check_the_days_anew(with_gap: Conn, park: Park) -> None:
    compute_balances(with_gap, NOW)
    with_gap.execute("TRUNCATE stale_check, stale_range")
    changed = park.model_copy(
        update={"validation": park.validation.model_copy(update={"spike_ratio": 1.0})}
    )
    with with_gap.transaction():
        apply_park(with_gap, changed, NOW)
    assert with_gap.execute("SELECT count(*) FROM stale_check").fetchone() == (4,)
    assert with_gap.execute("SELECT count(*) FROM stale_range").fetchone() == (0,)


def test_a_channel_that_fails_costs_itself(
    dsn: str, conn: Conn, applied: Park, monkeypatch: pytest.MonkeyPatch
) -> None:
    _feed(dsn, LEVELS, 0, 9)
    feed(dsn, BETA, ramp("import_kwh", MONDAY, Q, range(9)))
    real = intervals.compute

    def broken(conn: Conn, setup: Setup, data: ChannelReadings) -> object:
        if setup.channel.enterprise_key == "beta":
            raise ZeroDivisionError("an own defect")
        return real(conn, setup, data)

    monkeypatch.setattr(intervals, "compute", broken)
    done = compute_intervals(conn, NOW)
    assert (done["failed"], done["buckets"]) == (1, 8)
    found = conn.execute("SELECT code, evidence->>'error' FROM finding").fetchall()
    assert found == [("channel.failed", "ZeroDivisionError: an own defect")]
    monkeypatch.undo()
    assert compute_intervals(conn, NOW)["buckets"] == 8
    assert conn.execute("SELECT withdrawn_at FROM finding").fetchall() == [(NOW,)]
