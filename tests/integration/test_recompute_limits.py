"""Edits and recomputations at their limits: many batches, pauses, what is final."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from app.jobs import balances, intervals
from app.jobs.balances import compute_balances
from models.errors import ConfigError
from storage.db import Conn
from storage.intervals import changes_since
from storage.lifecycle import remove_readings
from tests.integration.feed import feed, ramp
from tests.integration.test_edit_command import (
    METER,
    WHO,
    Run,
    calculate,
    edit,
    metered,
    state,
)
from tests.integration.test_interval_job import GAP, MONDAY, NOW, with_gap
from tests.integration.test_pipeline import GRID, PV, Q

__all__ = ["metered", "with_gap"]
DAY = 96 * Q


def _corrupt(conn: Conn, since: object = MONDAY) -> list[tuple[object, ...]]:
    """Every stored value from then on is 1 too large; the state before."""
    before = state(conn)
    conn.execute("UPDATE interval SET value = value + 1 WHERE bucket_start >= %s", (since,))
    return list(before)


def _changed(said: str) -> str:
    found = re.search(r"(\d+) quarter-hours (?:would change|changed)", said)
    assert found, said
    return found[1]


def test_a_dry_run_in_many_batches_tells_the_same(
    dsn: str, with_gap: Conn, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a dry run is one transaction, so what its batches stage has to go between them
    feed(dsn, PV, ramp("gen_kwh", MONDAY, Q, range(97)))
    calculate(with_gap)
    before = _corrupt(with_gap)
    corrupted = state(with_gap)
    monkeypatch.setattr(intervals, "_LIMIT", 1)
    monkeypatch.setattr(balances, "_DAYS_PER_TRANSACTION", 1)
    dry = run("recompute", "--dry-run")
    assert state(with_gap) == corrupted
    wet = run("recompute")
    assert _changed(dry) == _changed(wet) == "480"  # four days of one channel, one of the other
    assert state(with_gap) == before


def test_a_gap_that_follows_its_days_in_a_dry_run(dsn: str, with_gap: Conn, run: Run) -> None:
    # Monday waits for a correction; Thursday's gap is computed with it, and again after it
    compute_balances(with_gap, NOW)
    before = state(with_gap)
    at = MONDAY + timedelta(hours=12)
    item = {"ts": at.isoformat(), "values": {"import_kwh": 1306.0}, "correction": True}
    feed(dsn, GRID, [item])
    whole = ("recompute", *METER, "--from", GAP[0].isoformat())
    dry = run(*whole, "--dry-run")
    assert state(with_gap) == before
    # two quarter-hours of Monday beside 12:00, and the same two of the gap
    assert _changed(dry) == _changed(run(*whole)) == "4"


def test_a_quarter_hour_that_changes_twice_is_summed_once(metered: Conn, run: Run) -> None:
    for value in ("7", "9"):
        run(*edit(2, 3, "--value", value))
        calculate(metered)
    (told,) = changes_since(metered, 0)
    assert (told["quarters"], told["old_sum"], told["new_sum"]) == (1, 300, 9)


def test_inside_a_pause_and_after_the_last_reading(with_gap: Conn, run: Run) -> None:
    compute_balances(with_gap, NOW)
    before = state(with_gap)
    wrong = "UPDATE interval SET value = value + 1 WHERE bucket_start = %s"
    with_gap.execute(wrong, (GAP[0] + 4 * Q,))
    span = ("--from", (GAP[0] + Q).isoformat(), "--to", (GAP[1] - Q).isoformat())
    assert _changed(run("recompute", *METER, *span)) == "1"
    assert state(with_gap) == before
    with_gap.execute(
        "INSERT INTO interval (channel_id, bucket_start, value, quality, computed_at)"
        " SELECT channel_id, %s, 1, 'measured', %s FROM interval LIMIT 1",
        (MONDAY + 9 * DAY, NOW),
    )
    assert _changed(run("recompute")) == "1"
    assert state(with_gap) == before


def test_waiting_work_of_others_is_told(dsn: str, metered: Conn, run: Run) -> None:
    item = {"ts": (MONDAY + 3 * Q).isoformat(), "values": {"import_kwh": 6.5}, "correction": True}
    feed(dsn, GRID, [item])
    said = run("recompute", "--meter", "a-grid", "--channel", "power_kw", "--dry-run")
    assert "with 1 piece(s) of other work" in said
    assert "other work" in run("recompute")
    assert "other work" not in run("recompute")


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("option", ["--value", "--total"])
def test_only_finite_numbers(metered: Conn, run: Run, option: str, number: str) -> None:
    with pytest.raises(ConfigError, match="finite numbers"):
        run(*edit(2, 4, option, number))


def test_what_is_final_is_not_edited(metered: Conn, run: Run) -> None:
    run(*edit(2, 4, "--value", "3"))
    calculate(metered)
    horizon = MONDAY + 3 * Q
    run(*edit(3, 4, "--value", "4"))
    calculate(metered)
    remove_readings(metered, horizon)
    with pytest.raises(ConfigError, match="is final: its readings were removed"):
        run(*edit(2, 4, "--value", "3"))
    with pytest.raises(ConfigError, match="is final: its readings were removed"):
        run("edit", "undo", "1", *WHO)  # its first quarter-hour could not be computed again
    assert metered.execute("SELECT count(undone_at) FROM interval_edit").fetchone() == (0,)
    run("edit", "undo", "2", *WHO)
    run(*edit(3, 4, "--value", "5"))
