"""When jobs are due after a restart, when they are overdue, and what the watch tells of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from app.health import JobState, job_problems, overdue_s
from app.heartbeat import Heartbeat
from app.jobs.scheduler import first_run
from app.watchdog import REMIND, Memory, Trouble, letter, news, standing_still
from models.errors import ConfigError

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUIET = {"mails_waiting": 0, "oldest_mail_at": None}


def job(**facts: Any) -> dict[str, Any]:
    row = {
        "job": "rules",
        "started_at": NOW - timedelta(seconds=31),
        "finished_at": NOW - timedelta(seconds=30),
        "last_ok_at": NOW - timedelta(seconds=30),
        "every_s": 30.0,
        "ok": True,
        "error": None,
        "failures_in_a_row": 0,
    }
    return row | facts


@pytest.mark.parametrize(
    ("last", "due_in"),
    [
        (None, timedelta(0)),
        (job(started_at=NOW - HOUR, finished_at=NOW - HOUR), 5 * HOUR),  # waits for its turn
        (job(started_at=NOW - 7 * HOUR, finished_at=NOW - 7 * HOUR), timedelta(0)),  # missed
        (job(started_at=NOW - HOUR, finished_at=None), timedelta(0)),  # killed on its way
        (job(started_at=NOW + 9 * HOUR, finished_at=NOW + 9 * HOUR), 6 * HOUR),  # clock set back
    ],
)
def test_a_restart_neither_repeats_nor_forgets(last: Any, due_in: timedelta) -> None:
    assert first_run(NOW, 6 * 3600, last) == NOW + due_in


def test_overdue() -> None:
    assert overdue_s(job(), NOW) == 0
    assert overdue_s(job(last_ok_at=NOW - timedelta(seconds=100)), NOW) == 10
    running = {"finished_at": None, "last_ok_at": NOW - HOUR}
    assert overdue_s(job(**running), NOW) == 0
    assert overdue_s(job(**running, started_at=NOW - HOUR), NOW) > 0  # was killed on its way
    assert overdue_s(job(every_s=None, last_ok_at=NOW - HOUR), NOW) == 0  # nobody knows


def test_problems_name_the_job_and_what_to_do() -> None:
    failed = job(ok=False, error="KeyError: 'x'", failures_in_a_row=3)
    late = job(job="delivery", last_ok_at=NOW - HOUR)
    stuck = {"mails_waiting": 4, "oldest_mail_at": NOW - 2 * HOUR}
    found = list(job_problems(JobState([failed, late], stuck), NOW))
    assert [p.subject for p in found] == ["job rules", "job delivery", "outbox"]
    assert "3 time(s): KeyError" in found[0].problem
    assert "expected every 30 s" in found[1].problem
    assert "4 message(s)" in found[2].problem
    assert all(p.level == "error" and p.remedy for p in found)
    assert list(job_problems(JobState([job()], QUIET), NOW)) == []


def test_what_stands_still() -> None:
    daily = job(job="slow", every_s=6 * 3600.0, last_ok_at=NOW - 10 * HOUR)
    stopped = job(last_ok_at=NOW - HOUR, error="boom\r\nBcc: x@y.example")
    seen = [
        {"client_id": name, "updated_at": NOW - age}
        for name, age in (
            ("live", timedelta(minutes=1)),
            ("dead", HOUR),
            ("import", HOUR),
            ("retired", 30 * 24 * HOUR),
        )
    ]
    found = list(
        standing_still(JobState([daily, stopped], QUIET), seen, NOW, timedelta(minutes=15))
    )
    assert [t.en.split(":")[0] for t in found] == ["job rules", "collector dead"]
    assert all(t.zh and t.since for t in found)
    assert "\n" not in found[0].en
    assert [t.en for t in standing_still(JobState([], QUIET), [], NOW, HOUR)] != []


def test_told_once_then_daily_then_its_end() -> None:
    trouble, told = [Trouble("停", "stands")], Memory(told_at=NOW)
    assert news(trouble, Memory(), NOW) == "trouble"
    assert news(trouble, told, NOW + REMIND - HOUR) is None
    assert news(trouble, told, NOW + REMIND) == "reminder"
    assert news([], told, NOW) == "recovered"
    assert news([], Memory(told_at=NOW, away_since=NOW), NOW) is None  # away again: no end yet
    assert news([], Memory(), NOW) is None


def test_memory_survives_and_a_broken_file_begins_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, memory = tmp_path / "new" / "watch.json", Memory(NOW, NOW + HOUR)
    assert Memory.load(path) == Memory()
    memory.save(path)
    assert Memory.load(path) == memory
    for broken in ("{", "[1]", '{"else": 1}', '{"told_at": "yesterday"}'):
        path.write_text(broken)
        assert Memory.load(path) == Memory()
    assert caplog.text.count("begins anew") == 4


def test_the_letter_says_it_in_both_languages() -> None:
    mail = letter("trouble", [Trouble("停摆", "stands")], "g <a@p.example>", "o@p.example", NOW)
    body = mail.get_content()
    assert body.index("停摆") < body.index("stands")
    assert "greenpark doctor" in body
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@p.example>")


def test_heartbeat_tells_well_and_fail(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Ear)
    Thread(target=server.serve_forever, daemon=True).start()
    beat = Heartbeat(f"http://127.0.0.1:{server.server_port}/ping/secret-uuid")
    assert [beat.beat(well=True), beat.beat(well=False)] == [True, True]
    assert heard == ["/ping/secret-uuid", "/ping/secret-uuid/fail"]
    server.shutdown()
    server.server_close()
    assert [beat.beat(well=True), beat.beat(well=True)] == [False, False]
    assert caplog.text.count("does not take our sign of life") == 1
    assert "secret-uuid" not in caplog.text
    assert Heartbeat("").beat(well=True) is False
    with pytest.raises(ConfigError, match="GREENPARK_HEARTBEAT_URL"):
        Heartbeat("file:///etc/passwd")
