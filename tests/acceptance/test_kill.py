"""kill -9 of collector, PostgreSQL and Mosquitto in the middle of a replay: exactly once."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from app.embedded import Broker
from models.park import load_park
from simulators.mapping import load_mapping
from simulators.replay import read_data, replay_messages
from storage.db import connect
from storage.migrate import migrate
from storage.parks import apply_park
from tests import services
from tests.acceptance.conftest import REPO, Program
from tests.conftest import DATA
from tests.integration.test_collector import wait_for

DAYS = ("2018-01-01", "2018-02-15")  # 45 days x 96 + 1 instants, one message each


@pytest.fixture
def own_postgres() -> Iterator[services.DebianPostgres]:
    """A server of this test's own, to be killed."""
    if not services.ROOT:
        services.missing("Debian root directory with PostgreSQL (GREENPARK_TEST_ROOT)")
    server = services.DebianPostgres().init().start()
    with connect(server.dsn, application="tests") as conn:
        migrate(conn)
        apply_park(conn, load_park(REPO / "examples/steel/park.yaml"), datetime.now().astimezone())
    yield server
    server.remove()


def checksum(rows: Iterable[tuple[str, datetime, float]]) -> str:
    lines = sorted(f"{c} {t.timestamp():.0f} {v!r}" for c, t, v in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def published_rows() -> list[tuple[str, datetime, float]]:
    mapping = load_mapping(REPO / "examples/steel/replay.yaml").model_copy(
        update={
            "from_day": datetime.fromisoformat(DAYS[0]).date(),
            "stop_day": datetime.fromisoformat(DAYS[1]).date(),
        }
    )
    rows = []
    for message in replay_messages(mapping, read_data(mapping, DATA / "steel_uci")):
        item = json.loads(message.payload)
        rows += [
            (channel, datetime.fromisoformat(item["ts"]), float(value))
            for channel, value in item["values"].items()
        ]
    return rows


def stored_rows(dsn: str) -> list[tuple[str, datetime, float]]:
    with connect(dsn, application="tests") as conn:
        return conn.execute(
            "SELECT c.key, r.ts, r.value FROM reading r JOIN channel c USING (channel_id)"
        ).fetchall()


def count_readings(dsn: str) -> int:
    """Number of readings; -1 while the server is away."""
    try:
        with psycopg.connect(dsn, connect_timeout=2) as conn:
            row = conn.execute("SELECT count(*) FROM reading").fetchone()
            return int(row[0]) if row else 0
    except psycopg.Error:
        return -1


@pytest.mark.fulldata
@pytest.mark.mosquitto
def test_every_published_reading_is_stored_exactly_once(
    own_postgres: services.DebianPostgres, broker: Broker, tmp_path: Path
) -> None:
    dsn = own_postgres.dsn
    program = Program(
        {
            "GREENPARK_DSN": dsn,
            "GREENPARK_MQTT_PORT": str(broker.port),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(REPO),
            "COLUMNS": "200",
        },
        tmp_path,
    )
    expected = published_rows()
    collector = program.start("collect")
    wait_for(lambda: "connected" in (tmp_path / "collect.log").read_text(), "collector", 30)
    time.sleep(0.5)  # the subscription follows the connection
    with (tmp_path / "replay.log").open("wb") as log:
        replay = subprocess.Popen(
            program.command(
                "replay",
                "examples/steel/replay.yaml",
                "--data",
                str(DATA / "steel_uci"),
                "--from",
                DAYS[0],
                "--to",
                DAYS[1],
                "--rate",
                "300",
            ),
            cwd=REPO,
            env=program.environment,
            stdout=log,
            stderr=log,
        )
    program.running.append(replay)

    def reached(part: float) -> Callable[[], bool]:
        return lambda: count_readings(dsn) >= part * len(expected)

    try:
        wait_for(reached(0.15), "15 %", 60)
        collector.kill()
        collector.wait()
        time.sleep(1)
        program.start("collect")
        wait_for(reached(0.40), "40 %", 60)
        own_postgres.kill()
        time.sleep(1)
        own_postgres.start()
        wait_for(reached(0.65), "65 %", 60)
        broker.kill()
        time.sleep(1)
        broker.start()
        assert replay.wait(120) == 0, (tmp_path / "replay.log").read_text()
        wait_for(lambda: count_readings(dsn) >= len(expected), "all readings", 60)
    finally:
        program.stop_all()
    got = stored_rows(dsn)
    print(f"published {len(expected)} stored {len(got)} sha256 {checksum(got)[:16]}")
    assert len(got) == len(expected)
    assert checksum(got) == checksum(expected)
    said = (tmp_path / "replay.log").read_text()
    assert f"acknowledged {len(expected) // 3}" in said
