"""The gateway against a real broker: outages, slices, kill -9, nothing lost."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from app.embedded import Broker
from collectors.service import Collector
from gateway.history import reoffer, status
from gateway.queue import Queue
from storage.db import Conn
from tests.integration.gateway.conftest import Start
from tests.integration.gateway.edge import (
    FILE,
    Gate,
    Listener,
    all_acknowledged,
    connected,
    csv_line,
    document,
    process,
    told,
)
from tests.integration.gateway.modbus_meter import ModbusMeter
from tests.integration.test_collector import count, started, wait_for


def test_readings_arrive_in_the_public_form(start: Start, listener: Listener) -> None:
    made = connected(start())
    made.put(12.5)
    listener.wait(1)
    ((_, (item,)),) = listener.messages
    assert set(item) == {"m", "ts", "values", "seq"}
    assert (item["m"], item["values"], item["seq"]) == ("a-grid", {"import_kwh": 12.5}, 1)
    all_acknowledged(made)
    assert told(made)["queue.last_acknowledged"] is not None


def test_protocol_3_1_1(start: Start, listener: Listener) -> None:
    made = start(protocol="3.1.1")
    made.put(1)
    listener.wait(1)
    all_acknowledged(made)


def test_meters_and_files_reach_the_database(
    start: Start, collector: Callable[[], Collector], conn: Conn, tmp_path: Path
) -> None:
    stored = started(collector)
    meter = ModbusMeter({62: 0x00BC, 63: 0x614E}).start()  # 123456.78 kWh
    (tmp_path / "water.csv").write_text("time,m3\n2026-03-01T08:00:00+08:00,7.5\n")
    modbus = {
        "name": "grid",
        "kind": "modbus",
        "host": "127.0.0.1",
        "port": meter.port,
        "template": "acrel-adw300",
        "meter": "a-grid",
        "channels": {"import_energy": "import_kwh"},
    }
    began = datetime.now(UTC)
    made = start(modbus, {**FILE, "path": str(tmp_path / "*.csv")})
    wait_for(lambda: stored.writer.counters["stored"] >= 2, "both stored")
    rows = conn.execute(
        "SELECT c.key, ts, value FROM reading JOIN channel c USING (channel_id) ORDER BY 1"
    ).fetchall()
    assert [(key, value) for key, _, value in rows] == [
        ("import_kwh", 123456.78),
        ("intake_m3", 7.5),
    ]
    assert abs((rows[0][1] - began).total_seconds()) < 5
    assert rows[1][1] == datetime(2026, 3, 1, tzinfo=UTC)
    assert stored.writer.counters["quarantined"] == 0
    all_acknowledged(made)
    meter.stop()


def test_an_outage_loses_nothing_and_the_oldest_comes_first_in_slices(
    start: Start, listener: Listener, gate: Gate
) -> None:
    made = connected(start(slice_items=50, slices_per_s=20))
    made.put(*range(10))
    listener.wait(10)
    gate.shut()
    wait_for(lambda: not made.gateway.uplink.connected, "noticed")
    made.put(*range(10, 500))
    before = len(listener.messages)
    gate.reopen()
    listener.wait(500)
    later = [items for _, items in listener.messages[before:]]
    assert [i["values"]["import_kwh"] for items in later for i in items] == list(range(10, 500))
    assert max(len(items) for items in later) == 50
    times = [at for at, _ in listener.messages[before:]]
    assert times[-1] - times[0] >= (len(later) - 1) / 20 * 0.9  # with pauses between
    assert sorted(listener.values()) == list(range(500))  # nothing twice


def test_live_readings_do_not_wait_for_the_backlog(
    start: Start, listener: Listener, gate: Gate
) -> None:
    gate.shut()
    made = start(slice_items=10, slices_per_s=10)
    made.put(*range(200))
    gate.reopen()
    connected(made)
    listener.wait(20)
    made.put(1000)
    listener.wait(200 + 1)
    place = listener.values().index(1000)
    assert 20 <= place < 150, place  # 2 slices had come; a busy machine lets more pass
    rest = [v for v in listener.values() if v != 1000]
    assert rest == list(range(200))


def test_the_backlog_waits_its_random_delay_live_readings_do_not(
    start: Start, listener: Listener, gate: Gate
) -> None:
    gate.shut()
    made = start(start_delay_max_s=3)  # `Half` makes it 1.5 s
    made.put(1)
    gate.reopen()
    connected(made)
    at_s = time.monotonic()
    made.put(2)
    listener.wait(2)
    assert listener.values() == [2, 1]
    live_s, backlog_s = (at - at_s for at, _ in listener.messages)
    assert live_s < 1.4 <= backlog_s


@pytest.mark.mosquitto  # amqtt loses what it has acknowledged when it stops on a busy machine
def test_the_broker_stops_and_starts(
    start: Start, listener: Listener, gate: Gate, broker: Broker
) -> None:
    made = connected(start(slice_items=100))
    made.put(*range(50))
    listener.wait(50)
    broker.stop()
    wait_for(lambda: not made.gateway.uplink.connected, "noticed")
    made.put(*range(50, 400))
    gate.shut()  # the listener of a broker without memory has to be there first
    broker.start()
    again = Listener(broker)
    gate.reopen()
    wait_for(lambda: set(listener.values()) | set(again.values()) == set(range(400)), "all")
    all_acknowledged(made)
    again.close()


@pytest.mark.mosquitto
def test_kills_of_the_broker_and_the_database_has_all_once(
    start: Start, collector: Callable[[], Collector], conn: Conn, broker: Broker
) -> None:
    stored = started(collector)
    made = connected(start(slice_items=40, slices_per_s=50))
    for round_ in range(5):
        made.put(*(round_ * 100 + n for n in range(100)))
        if round_ < 4:
            wait_for(lambda r=round_: stored.writer.counters["stored"] > r * 100 + 10, "some")
            broker.kill()
            made.put(*(1000 + round_ * 100 + n for n in range(100)))
            broker.start()
    all_acknowledged(made)
    wait_for(lambda: count(conn, "reading") == 900, "all stored", 60)
    assert stored.writer.counters["conflict"] == 0


def test_history_is_sent_again_on_request(start: Start, listener: Listener, tmp_path: Path) -> None:
    made = connected(start())
    made.put(*range(20))
    listener.wait(20)
    all_acknowledged(made)
    other = Queue(tmp_path / "queue.db")  # as the command does, from another process
    assert reoffer(other, datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)) == 20
    other.close()
    wait_for(lambda: len(listener.values()) == 40, "sent again")
    assert listener.values()[20:] == list(range(20))


def test_kill_9_in_the_middle_loses_nothing(
    broker: Broker,
    listener: Listener,
    gate: Gate,
    tmp_path: Path,
    processes: list[subprocess.Popen[bytes]],
) -> None:
    total = 6000
    source = {**FILE, "path": str(tmp_path / "water.csv")}
    with (tmp_path / "water.csv").open("w") as file:
        file.write("time,m3\n")
        file.writelines(csv_line(n) for n in range(total // 2))
    config = tmp_path / "gateway.yaml"
    config.write_text(
        yaml.safe_dump(
            document(tmp_path, gate.port, broker.protocol, source, slice_items=20, slices_per_s=30)
        )
    )
    kills = 0
    for part in (0.05, 0.2, 0.35):
        processes.append(running := process(config))
        wait_for(lambda p=part: len(set(listener.values())) >= p * total, "a part", 60)
        running.kill()
        running.wait()
        kills += 1
        with (tmp_path / "water.csv").open("a") as file:
            file.writelines(csv_line(total // 2 + kills * 1000 - 1000 + n) for n in range(1000))
    config.write_text(
        yaml.safe_dump(document(tmp_path, gate.port, broker.protocol, source, slice_items=500))
    )
    processes.append(running := process(config))
    listener.wait(total, 60)
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0, config.with_suffix(".log").read_text()
    assert set(listener.values()) == set(range(total))
    assert len(listener.values()) <= total + kills * 2 * 20  # at most what was on the way
    numbers = {i["seq"] for _, items in listener.messages for i in items}
    assert numbers == set(range(1, total + 1))  # one number each, across the kills
    queue = Queue(tmp_path / "queue.db")
    assert {r["name"]: r["value"] for r in status(queue)}["queue.waiting"] == 0
    queue.close()
    print(f"kills {kills} read {total} arrived {len(listener.values())} lost 0")
