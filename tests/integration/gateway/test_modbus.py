"""Every device template against a real Modbus TCP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient

from app.embedded import free_port
from gateway.modbus import Line, read_meter, read_registers
from gateway.registers import FOLDER, Register, load_template
from gateway.sources import ModbusDevice
from tests.integration.gateway.modbus_meter import ModbusMeter
from tests.unit.gateway.conftest import NOON, HandClock

TEMPLATES = sorted(p.stem for p in FOLDER.glob("*.yaml"))
Start = Callable[..., ModbusMeter]


@pytest.fixture
def meter() -> Iterator[Start]:
    running: list[ModbusMeter] = []

    def start(*args: Any, **kwargs: Any) -> ModbusMeter:
        running.append(ModbusMeter(*args, **kwargs).start())
        return running[-1]

    yield start
    for made in running:
        made.stop()


def device(template: str, port: int, *names: str, **more: Any) -> ModbusDevice:
    return ModbusDevice.model_validate(
        {
            "name": "d",
            "kind": "modbus",
            "host": "127.0.0.1",
            "port": port,
            "template": template,
            "meter": "m",
            "channels": {n: n for n in names},
            "timeout_s": 1,
            **more,
        }
    )


def raw(number: int, register: Register) -> float:
    """A number that differs from register to register, with a sign where there may be one."""
    if register.type.startswith("float"):
        return -number - 0.25
    return number * 7 + 1 if register.type.startswith("u") else -number * 7 - 1


def words_of(register: Register, value: float, order: str = "big") -> list[int]:
    kind = ModbusTcpClient.DATATYPE[register.type.upper()]  # pymodbus encodes, not our decoder
    whole = value if register.type.startswith("float") else int(value)
    return ModbusTcpClient.convert_to_registers(whole, kind, word_order=order)  # type: ignore[arg-type]


@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_template(name: str, order: str, meter: Start) -> None:
    template = load_template(name, Path())
    registers = template.registers
    values = {n: raw(i, r) for i, (n, r) in enumerate(registers.items(), 1)}
    # what lies between can be read as well
    words = dict.fromkeys(range(max(r.address for r in registers.values())), 0xEEEE)
    for n, register in registers.items():
        for offset, word in enumerate(words_of(register, values[n], order)):
            words[register.address + offset] = word
    server = meter(words, template.function, unit_id=7)
    asked = device(name, server.port, *registers, unit_id=7, word_order=order)
    line = Line("127.0.0.1", server.port, 1)
    got, faults = read_registers(line, asked)
    line.close()
    assert faults == []
    assert got == pytest.approx({n: v * registers[n].scale for n, v in values.items()}, rel=1e-12)
    assert len(server.requests) == len(template.blocks(registers))
    assert len(server.requests) <= 4
    assert all(count <= 120 for _, _, count in server.requests)


def test_reading_has_the_time_of_the_poll_and_channel_names(meter: Start) -> None:
    server = meter({62: 0x00BC, 63: 0x614E})  # 12345678 x 0.01 kWh
    asked = device("acrel-adw300", server.port, "import_energy")
    line = Line("127.0.0.1", server.port, 1)
    reading, faults = read_meter(line, asked, HandClock())
    line.close()
    assert (reading, faults) == (
        ("m", int(NOON.timestamp()) * 1000, {"import_energy": 123456.78}),
        [],
    )


def test_a_refused_block_costs_no_other(meter: Start) -> None:
    server = meter({62: 0, 63: 5})  # no power at 36
    asked = device("acrel-adw300", server.port, "import_energy", "active_power")
    line = Line("127.0.0.1", server.port, 1)
    values, faults = read_registers(line, asked)
    line.close()
    assert values == {"import_energy": 0.05}
    assert len(faults) == 1
    assert "unit 1 refuses registers 36 to 37" in faults[0]


def test_a_meter_that_is_away_comes_back_on_the_same_line(meter: Start) -> None:
    server = meter({62: 0, 63: 5})
    asked = device("acrel-adw300", server.port, "import_energy")
    line = Line("127.0.0.1", server.port, 1)
    assert read_registers(line, asked)[1] == []
    server.stop()
    values, faults = read_registers(line, asked)
    assert values == {}
    assert f"127.0.0.1:{server.port} unit 1: " in faults[0]
    server.start()
    assert read_registers(line, asked) == ({"import_energy": 0.05}, [])
    line.close()


def test_nobody_there() -> None:
    port = free_port()
    asked = device("acrel-adw300", port, "import_energy", "active_power")
    reading, faults = read_meter(Line("127.0.0.1", port, 1), asked, HandClock())
    assert reading is None
    assert len(faults) == 1  # the second block is not tried


def test_another_unit_is_not_taken_for_ours(meter: Start) -> None:
    server = meter({62: 0, 63: 5}, unit_id=2)
    line = Line("127.0.0.1", server.port, 0.3)
    values, faults = read_registers(line, device("acrel-adw300", server.port, "import_energy"))
    line.close()
    assert values == {}
    assert faults
