"""The harness itself: it would notice a loss, and its faults are what they say they are."""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.events import deck, plan
from tests.chaos.ledger import Ledger, compare
from tests.chaos.load import Load
from tests.chaos.proxy import Wires
from tests.chaos.stage import until
from tests.chaos.units import Unit
from tests.chaos.watch import identity_holds
from tests.services import descendants, kill_tree

LOAD = Load(base_ms=1_770_000_000_000)


def stored(numbers: range) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for number in numbers:
        for r in LOAD.readings(number):
            found.setdefault(f"m{r.meter}.{r.channel}", {})[r.ts_ms] = r.value
    return found


def ledger(sent: range, acknowledged: range) -> Ledger:
    return Ledger(dict.fromkeys(sent, 0.0), dict.fromkeys(acknowledged, 1.0))


def test_every_reading_has_a_channel_and_time_of_its_own() -> None:
    for load in (LOAD, Load(LOAD.base_ms, items=900), Load(LOAD.base_ms, items=20, padding=9)):
        keys = [(r.meter, r.channel, r.ts_ms) for n in range(300) for r in load.readings(n)]
        assert len(set(keys)) == len(keys)


def test_messages_are_singles_lists_of_a_meter_and_lists_of_a_gateway() -> None:
    shapes = Counter((LOAD.message(n)[0].count("/"), len(LOAD.slots(n))) for n in range(500))
    assert shapes == {(3, 1): 400, (3, 3): 50, (2, 5): 50}
    assert len({LOAD.message(n)[0] for n in range(500)}) == 5 + 50  # enterprises, meters
    assert LOAD.message(7) == LOAD.message(7)
    values = [json.loads(LOAD.message(n)[1])["values"] for n in (50 * i + 10 for i in range(5))]
    assert sorted(v["import_kwh"] for v in values) == [v["import_kwh"] for v in values]


def test_what_is_right_is_found_right() -> None:
    verdict = compare(LOAD, ledger(range(100), range(90)), stored(range(95)), 0)
    assert verdict.good
    assert (verdict.published, verdict.acknowledged) == (320, 300)  # 10 x (8x2 + 6 + 10)
    assert verdict.stored - verdict.stored_unacknowledged == 300


def test_a_lost_a_wrong_a_foreign_and_a_repeated_reading_are_found() -> None:
    whole = ledger(range(100), range(100))
    lost = compare(LOAD, whole, stored(range(99)), 0)
    assert not lost.good
    assert {n for n, _ in lost.lost} == {99}
    rows = stored(range(100))
    first = next(LOAD.readings(0))
    rows[f"m{first.meter}.{first.channel}"][first.ts_ms] += 1
    wrong = compare(LOAD, whole, rows, 0)
    assert not wrong.good
    assert wrong.wrong == [(first, first.value + 1)]
    foreign = compare(LOAD, ledger(range(90), range(90)), stored(range(100)), 0)
    assert not foreign.good
    assert foreign.foreign > 0
    assert not compare(LOAD, whole, stored(range(100)), 1).good
    assert not compare(LOAD, ledger(range(0), range(0)), {}, 0).good


def test_a_ledger_that_is_being_written_is_readable(tmp_path: Path) -> None:
    file = tmp_path / "ledger.txt"
    file.write_text("S 0 10.5\nS 1 10.6\nA 0 10.7 0\nA 1 10.", encoding="ascii")
    read = Ledger.read(file)
    assert read.sent == {0: 10.5, 1: 10.6}
    assert read.acknowledged == {0: 10.7}
    assert read.reasons == {0: 1}


def test_plans_are_reproducible_and_complete() -> None:
    assert plan(3, 200, 1, (1, 6)) == plan(3, 200, 1, (1, 6))
    assert plan(3, 200, 1, (1, 6)) != plan(4, 200, 1, (1, 6))
    assert plan(3, 200, 1, (1, 6))[:50] == plan(3, 50, 1, (1, 6))
    one = sorted((e.kind, e.target) for e in plan(3, 20, 1, (1, 6)))
    assert one == sorted(event for card in deck(1) for event in card)
    kinds = {"kill", "restart", "cut", "stall", "disk_full"}
    assert {kind for kind, _ in one} == kinds
    killed = {target for card in deck(3) for kind, target in card if kind == "kill"}
    assert killed == {"collector0", "collector1", "collector2", "database", "broker"}


def test_the_second_of_a_pair_falls_into_the_first() -> None:
    events = plan(5, 400, 1, (1, 6))
    pairs = [
        (a, b)
        for a, b in itertools.pairwise(events)
        if (b.kind, b.target) == ("kill", "collector0")
    ]
    assert len(pairs) == 60
    assert all(a.gap_s + 0.5 < a.hold_s for a, _ in pairs)


def test_counters_that_do_not_add_up_are_found() -> None:
    assert identity_holds({"received": 5, "stored": 3, "duplicate": 1, "pending": 1})
    assert not identity_holds({"received": 5, "stored": 3, "duplicate": 1})


@pytest.fixture
def echo() -> Iterator[tuple[Wires, socket.socket]]:
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(5)
    wires = Wires()
    yield wires, server
    wires.close()
    server.close()


def test_a_cut_is_a_reset_at_both_ends(echo: tuple[Wires, socket.socket]) -> None:
    wires, server = echo
    wire = wires.add("test", server.getsockname()[1])
    with socket.create_connection(("127.0.0.1", wire.port), 5) as client:
        upstream, _ = server.accept()
        with upstream:
            client.sendall(b"hello")
            assert upstream.recv(5) == b"hello"
            wire.cut()
            for end in (client, upstream):
                end.settimeout(5)
                with pytest.raises(ConnectionResetError):
                    end.recv(1)


def test_a_stall_holds_bytes_back_and_closes_nothing(echo: tuple[Wires, socket.socket]) -> None:
    wires, server = echo
    wire = wires.add("test", server.getsockname()[1])
    with socket.create_connection(("127.0.0.1", wire.port), 5) as client:
        upstream, _ = server.accept()
        with upstream:
            client.sendall(b"a")
            assert upstream.recv(1) == b"a"
            wire.stall()
            client.sendall(b"b")
            upstream.settimeout(0.3)
            with pytest.raises(TimeoutError):
                upstream.recv(1)
            wire.resume()
            upstream.settimeout(5)
            assert upstream.recv(1) == b"b"


PARENT = (
    "import subprocess, sys, time;"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
    " start_new_session=True); print('up', flush=True); time.sleep(60)"
)


def test_a_killed_tree_leaves_no_child_of_another_session() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (child,) = descendants(parent.pid)
        kill_tree(parent.pid)
        parent.wait(10)
    until(lambda: not _runs(child), "the child is gone", 5)


def _runs(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_a_unit_comes_back_after_a_kill_and_not_after_its_end() -> None:
    made: list[subprocess.Popen[bytes]] = []
    unit = Unit(
        "sleeper",
        lambda: made.append(subprocess.Popen(["sleep", "60"])),
        lambda: made[-1] if made else None,
        lambda _text: None,
    )
    unit.run()
    unit.kill(0.05)
    until(lambda: len(made) == 2, "it is started again", 5)
    made[-1].terminate()  # nobody asked for this one
    until(lambda: len(made) == 3, "it is started again", 5)
    assert unit.own_exits == {-15: 1}
    unit.stop(0.05)
    until(lambda: len(made) == 4, "it is started again", 5)
    assert unit.stop_codes == {-15: 1}
    assert unit.close() == -15
    assert len(made) == 4
    assert not unit.alive
