"""`greenpark run` and `greenpark watch` as processes: killed, restarted, two at once, watched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from app.cli import make_app
from app.embedded import free_port
from app.settings import settings
from models.park import Park
from storage.db import Conn
from storage.jobs import rows
from tests.integration.mails import Sink

Start = Callable[..., subprocess.Popen[bytes]]
CLOSED = free_port()


def until(true: Callable[[], Any], within_s: float = 30) -> Any:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.1)
    raise AssertionError("did not happen in time")


@pytest.fixture
def start(dsn: str, tmp_path: Path) -> Iterator[Start]:
    made: list[subprocess.Popen[bytes]] = []

    def begin(*words: str, **more: str) -> subprocess.Popen[bytes]:
        base = {k: v for k, v in os.environ.items() if not k.startswith("GREENPARK_")}
        base |= {
            "GREENPARK_DSN": dsn,
            "GREENPARK_DATA_DIR": str(tmp_path),
            "GREENPARK_SMTP_PORT": str(CLOSED),
            "GREENPARK_JOB_INTERVAL_S": "1",
        }
        with (tmp_path / f"{words[0]}-{len(made)}.log").open("wb") as log:
            made.append(
                subprocess.Popen(
                    [sys.executable, "-m", "app.cli", *words],
                    env=base | more,
                    stdout=log,
                    stderr=log,
                )
            )
        return made[-1]

    yield begin
    for process in made:
        process.kill()
        process.wait()


def job(conn: Conn, name: str) -> dict[str, Any]:
    return next((r for r in rows(conn, "job_runs") if r["job"] == name), {})


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as exc:
        return exc.code, exc.read().decode()
    except OSError:
        return 0, ""


def test_killed_and_started_again_it_goes_on_where_it_was(
    conn: Conn, applied: Park, start: Start
) -> None:
    first = start("run")
    until(lambda: job(conn, "messages").get("runs", 0) >= 2)
    kept = until(lambda: (j := job(conn, "lifecycle")).get("finished_at") and j)
    first.send_signal(signal.SIGKILL)
    first.wait()
    # as if it had been killed in the middle of a run a long time ago
    conn.execute("UPDATE job_run SET finished_at = NULL, ok = NULL WHERE job = 'intervals'")
    before = job(conn, "intervals")["runs"]
    start("run")
    until(lambda: job(conn, "intervals")["runs"] > before and job(conn, "intervals")["ok"])
    assert job(conn, "lifecycle")["runs"] == kept["runs"]  # six hours are not over
    conn.execute(
        "UPDATE job_run SET started_at = started_at - interval '7 h' WHERE job = 'lifecycle'"
    )
    start("run")  # missed while it was down: caught up, once
    until(lambda: job(conn, "lifecycle")["runs"] == kept["runs"] + 1)


def test_two_runners_one_works(conn: Conn, applied: Park, start: Start, tmp_path: Path) -> None:
    start("run")
    start("run")
    until(lambda: job(conn, "messages").get("runs", 0) >= 4)
    said = "".join(p.read_text() for p in tmp_path.glob("run-*.log"))
    assert "another process runs the jobs" in said
    assert job(conn, "messages")["failures"] == 0


def test_health_metrics_and_view_tell_of_a_failing_job(
    conn: Conn, applied: Park, start: Start
) -> None:
    port = free_port()
    start("run", GREENPARK_WEB_PORT=str(port), GREENPARK_LINK_SECRET="s3cret")
    until(lambda: job(conn, "messages").get("ok"))
    _, text = until(lambda: (a := get(port, "/health"))[0] == 200 and a)
    assert json.loads(text) == {"ok": True, "problems": []}
    _, text = get(port, "/metrics")
    assert 'greenpark_job_failures_in_a_row{job="rules"} 0.0' in text
    assert "greenpark_database_up 1.0" in text
    assert get(port, "/ack/wrong")[0] == 404
    assert get(port, "/else") == (404, "not found; there is: /ack, /health, /metrics\n")
    conn.execute("ALTER TABLE alert RENAME TO alert_away")  # a defect of the schema
    until(lambda: job(conn, "rules")["ok"] is False)
    _, text = until(lambda: (a := get(port, "/health"))[0] == 503 and a)
    problems = {p["subject"]: p for p in json.loads(text)["problems"]}
    assert problems
    conn.execute("ALTER TABLE alert_away RENAME TO alert")
    until(lambda: job(conn, "rules")["ok"])
    assert job(conn, "rules")["failures"] >= 1
    until(lambda: get(port, "/health")[0] == 200)
    text = get(port, "/metrics")[1]
    assert 'greenpark_job_failures_in_a_row{job="rules"} 0.0' in text
    assert 'greenpark_job_failures_total{job="rules"} 0.0' not in text
    seen = conn.execute("SELECT is_ok, failures, since_ok_s FROM dash.job WHERE job = 'rules'")
    _, failures, since_ok_s = seen.fetchone() or ()
    assert failures >= 1
    assert 0 <= since_ok_s < 60


def test_a_port_that_is_taken_is_named(applied: Park, start: Start, tmp_path: Path) -> None:
    with Sink(tmp_path / "mails") as taken:
        run = start("run", GREENPARK_WEB_PORT=str(taken.port))
        assert run.wait(30) == 1
    assert "GREENPARK_WEB_PORT" in (tmp_path / "run-0.log").read_text()


@pytest.fixture
def look(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    monkeypatch.setenv("GREENPARK_WATCH_RECIPIENTS", "ops@park.example, it@park.example")
    monkeypatch.setenv("GREENPARK_DATA_DIR", str(tmp_path))

    def once(port: int, database: str = dsn, shift: timedelta = timedelta(0)) -> int:
        monkeypatch.setenv("GREENPARK_DSN", database)
        monkeypatch.setenv("GREENPARK_SMTP_PORT", str(port))
        settings.cache_clear()
        now = datetime.now().astimezone() + shift
        monkeypatch.setattr("app.commands.watch.wall_now", lambda: now)
        return CliRunner().invoke(make_app("watch"), ["watch", "--once"]).exit_code

    yield once
    settings.cache_clear()


def ran(conn: Conn, ago: str) -> None:
    conn.execute(
        "INSERT INTO job_run (job, started_at, finished_at, last_ok_at, every_s, ok) VALUES"
        " ('rules', now() - %(ago)s::interval, now() - %(ago)s::interval,"
        "  now() - %(ago)s::interval, 30, true)"
        " ON CONFLICT (job) DO UPDATE SET last_ok_at = excluded.last_ok_at",
        {"ago": ago},
    )


def test_watch_tells_once_and_tells_the_end(
    conn: Conn, look: Callable[..., int], tmp_path: Path
) -> None:
    with Sink(tmp_path / "mails") as sink:
        ran(conn, "1 min")
        assert look(sink.port) == 0
        ran(conn, "1 h")
        assert look(CLOSED) == 1  # the mail server is away: not told, so told later
        assert look(sink.port) == 1
        assert look(sink.port) == 1  # every look is a new start of the program: nothing twice
        assert sorted(m["To"] for m in sink.mails()) == ["it@park.example", "ops@park.example"]
        assert "job rules: no good run since" in sink.mails()[0].get_content()
        assert look(sink.port, shift=timedelta(hours=25)) == 1
        assert len(sink.mails()) == 4  # a reminder after a day
        ran(conn, "1 s")
        assert look(sink.port) == 0
        assert look(sink.port) == 0
        assert [m["Subject"].split(" / ")[1] for m in sink.mails()][-2:] == [
            "monitoring works again"
        ] * 2
        assert len(sink.mails()) == 6


def test_watch_tells_of_a_database_that_is_away(
    look: Callable[..., int], conn: Conn, tmp_path: Path
) -> None:
    away = f"postgresql://nobody:pass-word@127.0.0.1:{CLOSED}/greenpark"
    with Sink(tmp_path / "mails") as sink:
        ran(conn, "1 s")
        assert look(sink.port, away) == 0  # not for long yet
        assert look(sink.port, away, timedelta(minutes=20)) == 1
        (mail, _) = sink.mails()
        assert "database out of reach since" in mail.get_content()
        assert "pass-word" not in mail.as_string()
        assert look(sink.port) == 0
        assert len(sink.mails()) == 4


def test_watch_needs_somebody_to_tell(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENPARK_DSN", dsn)
    monkeypatch.delenv("GREENPARK_WATCH_RECIPIENTS", raising=False)
    settings.cache_clear()
    result = CliRunner().invoke(make_app("watch"), ["watch", "--once"])
    assert "GREENPARK_WATCH_RECIPIENTS" in str(result.exception)
    dry = CliRunner().invoke(make_app("watch"), ["watch", "--once", "--dry-run"])
    assert "no job ever ran" in dry.output
    assert dry.exit_code == 1
