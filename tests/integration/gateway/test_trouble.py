"""Refusals, silent meters, full disks, reset clocks: the gateway goes on and says so."""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.clock import FixedClock
from gateway.config import GatewayConfig
from gateway.reading import Reading, epoch_ms
from gateway.service import Gateway
from models.errors import ConfigError
from tests.integration.gateway.conftest import Start
from tests.integration.gateway.edge import (
    Listener,
    all_acknowledged,
    connected,
    document,
    edge,
    told,
)
from tests.integration.gateway.fake_broker import NOT_AUTHORIZED, FakeBroker
from tests.integration.gateway.modbus_meter import ModbusMeter
from tests.integration.test_collector import wait_for


def test_a_refused_message_stays_and_raises_an_alarm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = FakeBroker(puback=NOT_AUTHORIZED)
    made = edge(document(tmp_path, broker.port, "5")).start()
    with caplog.at_level(logging.ERROR):
        made.put(1, 2, 3)
        wait_for(lambda: made.gateway.uplink.refused >= 6, "refused more than once")
    alarms = [r.getMessage() for r in caplog.records if "ALARM" in r.getMessage()]
    assert len(alarms) == 1  # said once, not each time
    assert "refuses readings on park/testpark/alpha: Not authorized; may this user" in alarms[0]
    assert told(made)["queue.waiting"] == 3
    assert made.gateway.uplink.acknowledged == 0
    broker.puback = 0
    all_acknowledged(made)
    made.stop()
    broker.close()


def test_a_refused_login_keeps_everything(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broker = FakeBroker(connack=NOT_AUTHORIZED)
    made = edge(document(tmp_path, broker.port, "5")).start()
    made.put(1)
    wait_for(lambda: broker.connections >= 3, "tried again")
    assert told(made)["queue.waiting"] == 1
    assert "refuses the connection: Not authorized; check user" in caplog.text
    broker.connack = 0
    all_acknowledged(made)
    made.stop()
    broker.close()


def test_a_broker_that_breaks_at_large_messages_gets_small_ones(tmp_path: Path) -> None:
    broker = FakeBroker(largest=800)
    config = document(tmp_path, broker.port, "5", slice_items=64)
    made = edge(config)
    made.put(*range(64))
    made.start()
    all_acknowledged(made)
    made.stop()
    assert broker.connections > 2
    broker.close()


def test_live_readings_that_break_the_connection_come_again_as_slices(tmp_path: Path) -> None:
    broker = FakeBroker(largest=800)
    made = connected(edge(document(tmp_path, broker.port, "5", slice_items=64)).start())
    now = made.gateway.clock.now()
    readings = [Reading("a-grid", epoch_ms(now) + n, {"import_kwh": n}) for n in range(64)]
    made.gateway.queue.put("d", readings, now)  # one message
    made.gateway.uplink.wake()
    all_acknowledged(made)
    made.stop()
    assert broker.connections > 2
    broker.close()


def test_a_silent_meter_holds_up_nobody(
    start: Start, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    silent = ModbusMeter({0: 0}).start()
    silent.answering = False
    device = {
        "name": "silent",
        "kind": "modbus",
        "host": "127.0.0.1",
        "port": silent.port,
        "template": "acrel-adw300",
        "meter": "a-grid",
        "channels": {"import_energy": "import_kwh"},
        "period_s": 1,
    }
    made = connected(start(device))
    made.put(1)
    listener.wait(1, 5)
    wait_for(lambda: told(made).get("device.silent.failures", 0) >= 2, "counted")
    assert "refuses registers 62 to 63" in told(made)["device.silent.reason"]
    assert told(made)["device.silent.last_success"] is None
    said = [r for r in caplog.records if "device silent" in r.getMessage()]
    assert len(said) == 1  # once for each change of state
    assert listener.values() == [1]  # nothing is made up
    silent.stop()


def test_a_full_disk_stops_nothing(
    start: Start, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    made = connected(start())
    queue = made.gateway.queue
    with queue.lock:
        (pages,) = queue.db.execute("PRAGMA page_count").fetchone()
        queue.db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own "disk is full"
    made.put(*range(2000))
    assert "database or disk is full" in caplog.text
    assert sum("cannot be written" in r.getMessage() for r in caplog.records) <= 3
    with queue.lock:
        queue.db.execute("PRAGMA max_page_count = 1000000")
    made.put(2000)
    listener.wait(2001)
    assert listener.values() == list(range(2001))
    all_acknowledged(made)


def test_a_locked_queue_stops_nothing(start: Start, listener: Listener, tmp_path: Path) -> None:
    made = connected(start())
    with made.gateway.queue.lock:
        made.gateway.queue.db.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(tmp_path / "queue.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    made.put(1, 2)
    assert made.gateway.intake.flush() == 2
    other.execute("COMMIT")
    other.close()
    made.put(3)
    listener.wait(3)
    assert listener.values() == [1, 2, 3]


def test_memory_is_bounded_and_what_it_drops_is_counted(start: Start) -> None:
    made = start()
    made.gateway.intake.most = 10
    queue = made.gateway.queue
    with queue.lock:
        queue.db.execute("PRAGMA query_only = 1")
    made.put(*range(25))
    with queue.lock:
        queue.db.execute("PRAGMA query_only = 0")
    made.put(99)
    assert told(made)["queue.dropped"] == 15
    assert told(made)["device.d.readings"] == 11


def test_a_clock_that_was_reset_is_refused(tmp_path: Path) -> None:
    config = document(tmp_path, 1, "5")
    reset = FixedClock(datetime(1970, 1, 1, 0, 3, tzinfo=UTC))
    with pytest.raises(ConfigError, match=r"clock of this host.*\n.*shows 1970-01-01"):
        Gateway(GatewayConfig.model_validate(config), reset)
    made = Gateway(GatewayConfig.model_validate({**config, "clock_check": False}), reset)
    made.stop()
    made.run()


def test_a_thread_that_ends_ends_the_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = edge(document(tmp_path, 1, "5"))

    def defect() -> None:
        made.gateway.uplink._wire.dispose()
        raise RuntimeError("a defect of ours")

    made.gateway.uplink.run = defect  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="a thread has ended"):
        made.gateway.run()
    assert "a defect of ours" in caplog.text
