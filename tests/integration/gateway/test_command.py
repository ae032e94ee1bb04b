"""`greenpark gateway`: check, status and resend as a person uses them."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from app.commands.gateway import app
from app.embedded import free_port
from gateway.queue import Queue
from gateway.reading import Reading, epoch_ms
from models.errors import ConfigError
from tests.integration.conftest import PARK_FILE
from tests.integration.gateway.edge import FILE, document, process
from tests.integration.gateway.modbus_meter import ModbusMeter
from tests.integration.test_collector import wait_for
from tests.unit.gateway.test_config import DLT, MODBUS
from tests.unit.gateway.test_dlt645 import ENERGY

AT = datetime(2026, 3, 1, tzinfo=UTC)


def call(*arguments: str, expect: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == expect, done.output
    return done.output


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump(document(tmp_path, free_port(), "5")))
    return path


def test_check_reads_all_and_compares_with_the_park(tmp_path: Path) -> None:
    words = dict.fromkeys(range(20, 38), 0) | {37: 4200, 62: 0x00BC, 63: 0x614E}
    meter = ModbusMeter(words).start()
    (tmp_path / "x.log").write_text(f"2026-03-01T08:00:00+08:00 {ENERGY}\n")
    modbus = {**MODBUS, "host": "127.0.0.1", "port": meter.port, "timeout_s": 1}
    channels = {"import_energy": "import_kwh", "active_power": "power_kw", "voltage_a": "u"}
    devices = [
        {**modbus, "channels": channels},
        {**DLT, "path": str(tmp_path / "x.log"), "meters": {"000012345678": "b-grid"}},
        {**FILE, "path": str(tmp_path / "none.csv")},
    ]
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump(document(tmp_path, 1883, "5", *devices)))
    text = call("check", str(path), "--park", str(PARK_FILE), "--format", "json", expect=1)
    rows = {r["register"]: r for r in json.loads(text)}
    meter.stop()
    grid = rows["import_energy"]
    assert (grid["value"], grid["unit"], grid["verdict"]) == (123456.78, "kWh", "ok")
    assert rows["active_power"]["value"] == 4200
    assert (
        rows["active_power"]["verdict"]
        == "the device gives W, park.yaml says kW: correct park.yaml"
    )
    assert "has no channel u in park.yaml" in rows["voltage_a"]["verdict"]
    assert rows["voltage_a"]["value"] == 0
    dlt = rows["forward_active_energy"]
    assert (dlt["value"], dlt["at"]) == (123456.78, "2026-03-01T00:00:00+00:00")
    assert dlt["verdict"] == "meter b-grid belongs to beta, not to alpha"
    assert "no file matches" in rows["m3"]["verdict"]
    assert not (tmp_path / "queue.db").exists()  # nothing is remembered


def test_check_is_content_when_all_is_well(tmp_path: Path) -> None:
    meter = ModbusMeter({62: 0x00BC, 63: 0x614E}).start()
    modbus = {**MODBUS, "host": "127.0.0.1", "port": meter.port}
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump(document(tmp_path, 1883, "5", modbus)))
    text = call("check", str(path), "--park", str(PARK_FILE))
    meter.stop()
    assert "123,456.78" in text
    assert "kWh" in text


def test_status_and_resend(config: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not there yet"):
        call("status", str(config))
    queue = Queue(tmp_path / "queue.db")
    queue.put("d", [Reading("a-grid", epoch_ms(AT), {"import_kwh": 1.0})] * 3, AT)
    queue.acknowledge([1, 2], AT)
    queue.close()

    def told() -> dict[str, object]:
        rows = json.loads(call("status", str(config), "--format", "json"))
        return {r["name"]: r["value"] for r in rows}

    assert (told()["queue.waiting"], told()["queue.kept_history"]) == (1, 2)
    assert told()["queue.oldest_waiting"] == "2026-03-01T00:00:00+00:00"
    assert told()["device.d.last_success"] == "2026-03-01T00:00:00+00:00"
    assert "queue.waiting" in call("status", str(config))
    span = ("--from", "2026-03-01T08:00:00+08:00", "--to", "2026-03-01T08:00:01+08:00")
    assert "2 reading(s) would be sent again" in call("resend", str(config), *span, "--dry-run")
    assert told()["queue.waiting"] == 1
    assert "2 reading(s) will be sent again" in call("resend", str(config), *span)
    assert told()["queue.waiting"] == 3


def test_a_time_without_zone_is_refused(config: Path) -> None:
    assert "no time zone" in call("resend", str(config), "--from", "2026-03-01T08:00", expect=2)


@pytest.fixture
def running(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A gateway process whose broker is away."""
    made = process(config)
    log = config.with_suffix(".log")
    try:
        wait_for(lambda: "cannot be reached" in log.read_text(), "trying", 30)
        yield made
    finally:
        made.kill()
        made.wait()


def test_sigterm_ends_in_order_without_a_broker(
    config: Path, running: subprocess.Popen[bytes]
) -> None:
    running.send_signal(signal.SIGTERM)
    log = config.with_suffix(".log")
    assert running.wait(20) == 0, log.read_text()
    assert log.read_text().count("cannot be reached") == 1  # said once


def test_a_second_gateway_on_the_same_queue_is_refused(
    config: Path, running: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(ConfigError, match="another gateway process"):
        call("run", str(config))
    running.send_signal(signal.SIGINT)
    assert running.wait(20) == 0


def test_help_has_examples() -> None:
    for command in ("run", "check", "status", "resend"):
        assert f"Example: greenpark gateway {command} gateway.yaml" in call(command, "--help")
