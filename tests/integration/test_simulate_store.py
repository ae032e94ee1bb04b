"""Simulated history into the database: cut off anywhere, it goes on and nothing is missing."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.backfill import StateFile, digest, pieces, store_simulated
from models.errors import ConfigError
from simulators.fleet import FleetSimulator
from simulators.fleet_park import fleet_park
from simulators.message import Message
from storage.db import Conn, connect
from storage.parks import apply_park

START = datetime(2026, 3, 1, tzinfo=UTC)
STOP = START + timedelta(days=4)
METERS = 20
_REPO = Path(__file__).parents[2]
_KILLED = f"""
import os, signal, sys
from pathlib import Path
from tests.integration import test_simulate_store as t
sent = 0
class Cut(t.FleetSimulator):
    def messages(self, start, stop, *, batch=1):
        global sent
        for message in super().messages(start, stop, batch=batch):
            sent += message.readings
            if sent > {METERS * 1440 * 3.2}:
                os.kill(os.getpid(), signal.SIGKILL)
            yield message
t.store(sys.argv[1], Cut(*t.fleet_park(t.METERS), 1), Path(sys.argv[2]))
"""


def store(dsn: str, simulator: FleetSimulator, state: Path | None) -> dict[str, int]:
    note = StateFile(state, simulator, START, STOP) if state else None
    return store_simulated(
        simulator, lambda: connect(dsn, application="tests"), START, STOP, batch=60, state=note
    )


def stored(conn: Conn) -> dict[tuple[str, datetime], float]:
    rows = conn.execute(
        "SELECT m.key, r.ts, r.value FROM reading r JOIN channel USING (channel_id)"
        " JOIN meter m USING (meter_id)"
    ).fetchall()
    return {(meter, ts): value for meter, ts, value in rows}


@pytest.fixture(name="fleet")
def applied_fleet(conn: Conn) -> FleetSimulator:
    park, scenario = fleet_park(METERS)
    with conn.transaction():
        apply_park(conn, park, START)
    return FleetSimulator(park, scenario, 1)


def sent(simulator: FleetSimulator) -> dict[tuple[str, datetime], float]:
    found = {}
    for message in simulator.messages(START, STOP):
        item = json.loads(message.payload)
        key = (message.source[1], datetime.fromisoformat(item["ts"]))
        found[key] = item["values"]["import_kwh"]
    return found


def test_killed_and_resumed_is_the_same_as_once(
    dsn: str, conn: Conn, fleet: FleetSimulator, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    command = [sys.executable, "-c", _KILLED, dsn, str(state)]
    ended = subprocess.run(command, cwd=_REPO, check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    before, everything = stored(conn), sent(fleet)
    noted = datetime.fromisoformat(json.loads(state.read_text())["next"])
    assert START < noted < STOP
    assert 0 < len(before) < len(everything)
    due_before = fleet.count(START, noted)
    assert len(before) >= due_before  # the note never runs ahead of the database

    counters = store(dsn, fleet, state)
    assert stored(conn) == everything
    assert counters["received"] == len(everything) - due_before
    assert counters["stored"] == len(everything) - len(before)
    assert counters["duplicate"] == counters["received"] - counters["stored"]
    assert store(dsn, fleet, state)["received"] == 0


def test_state_of_another_order_is_refused(fleet: FleetSimulator, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    StateFile(path, fleet, START, STOP).committed(START + timedelta(days=1))
    assert StateFile(path, fleet, START, STOP).next == START + timedelta(days=1)
    park, scenario = fleet.park, fleet.scenario
    other = scenario.model_copy(update={"first_year": 2025})
    for simulator, stop, name in (
        (FleetSimulator(park, scenario, 2), STOP, "seed: the file has 1, asked for is 2"),
        (FleetSimulator(park, other, 1), STOP, "digest of park and scenario"),
        (fleet, STOP + timedelta(days=1), "--to"),
    ):
        with pytest.raises(ConfigError, match=name):
            StateFile(path, simulator, START, stop)
    assert digest(fleet) == digest(FleetSimulator(park, scenario, 2))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"park": "fleet", "next": 3}', '{"unknown": 1}'])
def test_file_that_is_no_state_is_refused(fleet: FleetSimulator, tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="is no state of simulate"):
        StateFile(path, fleet, START, STOP)
    assert path.read_text() == text


def test_pieces_touch_and_cover(fleet: FleetSimulator) -> None:
    stop = STOP + timedelta(hours=5)
    found = list(pieces(fleet.park, START, stop, 1000))
    assert found[0][0] == START
    assert found[-1][1] == stop
    assert all(a[1] == b[0] for a, b in itertools.pairwise(found))
    assert len(found) == 5  # of a day at least
    assert not list(pieces(fleet.park, STOP, STOP, 1))


def test_without_a_state_repetitions_are_recognised(
    dsn: str, conn: Conn, fleet: FleetSimulator
) -> None:
    class Half(FleetSimulator):
        def messages(self, start: datetime, stop: datetime, *, batch: int = 1) -> Iterator[Message]:
            if start < START + timedelta(days=2):
                yield from super().messages(start, stop, batch=batch)

    half = store(dsn, Half(fleet.park, fleet.scenario, 1), None)
    counters = store(dsn, fleet, None)
    assert counters["duplicate"] == half["stored"] > 0
    assert counters["stored"] + half["stored"] == fleet.count(START, STOP)
