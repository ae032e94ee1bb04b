"""The queue: committed, numbered, acknowledged, bounded, never silent."""

from __future__ import annotations

import json
import logging
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.config import QueueLimits
from gateway.history import reoffer, status, trim, used_bytes
from gateway.queue import Queue
from gateway.queuefile import hold
from models.errors import ConfigError
from tests.unit.gateway.conftest import NOON, HandClock, reading


def limits(**more: float) -> QueueLimits:
    return QueueLimits.model_validate({"path": "x", **more})


def numbers(queue: Queue, *, live: bool = False, limit: int = 5000) -> list[int]:
    return [r.seq for r in queue.waiting(limit, live=live)]


def told(queue: Queue) -> dict[str, object]:
    return {r["name"]: r["value"] for r in status(queue)}


def test_item_is_that_of_the_public_contract(queue: Queue) -> None:
    queue.put("d", [reading(0, 12.5)], NOON)
    (row,) = queue.waiting(10, live=False)
    assert json.loads(row.item()) == {
        "m": "m1",
        "ts": 1772366400000,  # date -u -d 2026-03-01T12:00Z +%s
        "values": {"import_kwh": 12.5},
        "seq": 1,
    }


def test_numbers_go_on_after_a_restart_even_when_all_is_gone(tmp_path: Path) -> None:
    first = Queue(tmp_path / "q")
    first.put("d", [reading(), reading()], NOON)
    first.acknowledge([1, 2], NOON)
    trim(first, limits(keep_acknowledged_days=0), NOON + timedelta(hours=1))
    assert told(first)["queue.kept_history"] == 0
    first.close()
    second = Queue(tmp_path / "q")
    second.put("d", [reading()], NOON)
    assert numbers(second) == [3]
    second.close()


def test_what_waited_before_the_connection_is_backlog(queue: Queue) -> None:
    queue.put("d", [reading()], NOON)
    queue.connected()
    queue.put("d", [reading(), reading(61)], NOON)  # the second is history from a file
    assert (numbers(queue), numbers(queue, live=True)) == ([1, 3], [2])
    queue.connected()
    assert (numbers(queue), numbers(queue, live=True)) == ([1, 2, 3], [])
    queue.acknowledge([2], NOON)
    assert numbers(queue) == [1, 3]


def test_nothing_is_kept_of_a_failed_commit(queue: Queue) -> None:
    def half() -> None:
        with queue.transaction() as db:
            db.execute("INSERT INTO loss VALUES (1, 'x', 1, 1, 1)")
            raise sqlite3.OperationalError("boom")

    with pytest.raises(sqlite3.OperationalError, match="boom"):
        half()
    assert told(queue)["queue.dropped"] == 0
    queue.put("d", [reading()], NOON)  # and the connection still works
    assert numbers(queue) == [1]


def test_history_is_offered_again_by_time_of_measurement(queue: Queue) -> None:
    queue.put("d", [reading(30), reading(20), reading(10)], NOON)
    queue.acknowledge([1, 2, 3], NOON)
    start, stop = NOON - timedelta(minutes=20), NOON - timedelta(minutes=10)
    assert reoffer(queue, start, stop, dry_run=True) == 1
    assert numbers(queue) == []
    assert reoffer(queue, start, stop) == 1
    assert numbers(queue) == [2]
    assert reoffer(queue, start, stop) == 0  # waits already


def test_history_is_forgotten_after_its_days(queue: Queue, clock: HandClock) -> None:
    queue.put("d", [reading(), reading()], NOON)
    queue.acknowledge([1], NOON)
    assert trim(queue, limits(), clock.forward(days=7)) == 0
    assert told(queue)["queue.kept_history"] == 1
    assert trim(queue, limits(), clock.forward(seconds=1)) == 0
    assert told(queue)["queue.kept_history"] == 0
    assert numbers(queue) == [2]  # what waits is not history


def test_too_old_is_dropped_loudly_and_counted(
    queue: Queue, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    queue.put("d", [reading(60 * 24 * 365)], NOON)  # measured a year ago, but it came now
    queue.put("d", [reading(-60)], clock.forward(hours=1))
    assert trim(queue, limits(max_age_days=1), NOON + timedelta(days=1)) == 0
    with caplog.at_level(logging.ERROR):
        assert trim(queue, limits(max_age_days=1), NOON + timedelta(days=1, seconds=1)) == 1
    assert "DROPPING the 1 oldest readings, measured 2025-03-01T12:00:00+00:00" in caplog.text
    assert numbers(queue) == [2]
    assert (told(queue)["queue.dropped"], told(queue)["queue.dropped_to"]) == (
        1,
        NOON - timedelta(days=365),
    )


def test_too_large_gives_up_history_first_then_the_oldest(
    queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        queue.put("d", [reading() for _ in range(1000)], NOON)
    queue.acknowledge(range(4001, 5001), NOON)
    size = used_bytes(queue)
    assert trim(queue, limits(max_bytes=size), NOON) == 0
    with caplog.at_level(logging.ERROR):
        assert trim(queue, limits(max_bytes=size - 1), NOON) == 0  # the history was enough
        assert (told(queue)["queue.kept_history"], len(numbers(queue))) == (0, 4000)
        assert not caplog.records
        dropped = trim(queue, limits(max_bytes=used_bytes(queue) // 2 + 1), NOON)
    assert dropped >= 1000
    assert numbers(queue) == list(range(dropped + 1, 4001))
    assert told(queue)["queue.dropped"] == dropped
    assert len(caplog.records) == dropped / 1000


def test_a_second_process_is_kept_away(tmp_path: Path) -> None:
    first = hold(tmp_path / "q")
    with pytest.raises(ConfigError, match="another gateway process"):
        hold(tmp_path / "q")
    first.close()
    hold(tmp_path / "q").close()


def test_a_damaged_file_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "q").write_bytes(b"not a database at all" * 100)
    with pytest.raises(ConfigError, match="not a database"):
        Queue(tmp_path / "q")  # a command only looks
    made = Queue(tmp_path / "q", repair=True)
    made.put("d", [reading()], NOON)
    assert numbers(made) == [1]
    made.close()
    assert (tmp_path / "q.damaged-1").read_bytes().startswith(b"not a database")
    assert "may be LOST" in caplog.text


def test_a_place_without_rights_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be opened"):
        Queue(tmp_path / "file" / "q")


def test_states_of_devices(queue: Queue) -> None:
    queue.put("d", [reading()], NOON, rejected=2)
    queue.note_state("d", NOON, "no answer")
    queue.note_state("d", NOON + timedelta(minutes=1), "no answer")
    seen = told(queue)
    assert seen["device.d.failing_since"] == NOON
    assert (seen["device.d.failures"], seen["device.d.reason"]) == (2, "no answer")
    assert (seen["device.d.readings"], seen["device.d.rejected"]) == (1, 2)
    queue.note_state("d", NOON, None)
    assert told(queue)["device.d.failing_since"] is None
    assert told(queue)["device.d.failures"] == 2
