"""gateway.yaml: every fault at once, paths beside the file."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from gateway.check import expected
from gateway.config import GatewayConfig, load_gateway
from gateway.dlt645 import NAMES
from gateway.registers import FOLDER, Register, Template
from gateway.sources import CsvSource, DltSource, ModbusDevice
from models.errors import ConfigError
from models.park import load_park

REPO = Path(__file__).resolve().parents[3]

MODBUS = {
    "name": "m",
    "kind": "modbus",
    "host": "h",
    "template": "acrel-adw300",
    "meter": "a-grid",
    "channels": {"import_energy": "import_kwh"},
}
CSV = {
    "name": "c",
    "kind": "csv",
    "path": "logs/*.csv",
    "meter": "a-water",
    "time_column": "time",
    "channels": {"m3": "intake_m3"},
}
DLT = {
    "name": "d",
    "kind": "dlt645",
    "path": "x.log",
    "meters": {"000012345678": "a-grid"},
    "channels": {"forward_active_energy": "import_kwh"},
}


def load(folder: Path, *devices: dict[str, Any], **more: Any) -> GatewayConfig:
    document = {
        "park": "testpark",
        "enterprise": "alpha",
        "broker": {"host": "b"},
        "queue": {"path": "q.db"},
        "devices": list(devices),
        **more,
    }
    (folder / "gateway.yaml").write_text(yaml.safe_dump(document))
    return load_gateway(folder / "gateway.yaml")


def faults(folder: Path, *devices: dict[str, Any], **more: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, *devices, **more)
    return str(caught.value)


def test_paths_start_beside_the_file(tmp_path: Path) -> None:
    made = load(tmp_path, MODBUS, CSV, {**DLT, "path": "/var/log/x.log"})
    assert made.topic == "park/testpark/alpha"
    assert made.queue.path == tmp_path / "q.db"
    assert [getattr(d, "path", None) for d in made.devices] == [
        None,
        tmp_path / "logs/*.csv",
        Path("/var/log/x.log"),
    ]


def test_own_template_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "device: x\nsource: x\nregisters:\n"
        "  e: {address: 1, type: int32, unit: kWh, quantity: active_energy}\n"
    )
    load(tmp_path, {**MODBUS, "template": "own.yaml", "channels": {"e": "import_kwh"}})


def test_every_fault_at_once(tmp_path: Path) -> None:
    text = faults(
        tmp_path,
        {**MODBUS, "channels": {"energy": "x"}},
        {**MODBUS, "name": "n", "template": "nope"},
        {**CSV, "encoding": "utf-16", "timezone": "Shanghai"},
        {**CSV, "name": "e", "meter_column": "m"},
        {**DLT, "meters": {"12345678": "a"}, "channels": {"energy": "x"}},
        {**CSV, "kind": "excel"},
        broker={"host": "b", "ca_file": "ca.pem", "port": 0},
        enterprise="Alpha",
        wrong=1,
    )
    for said in (
        "acrel-adw300 has no energy; it has: voltage_a",
        "shipped are: acrel-adw300",
        "keeps ASCII",
        "unknown time zone 'Shanghai'",
        "give either meter, or meter_column",
        "devices.4.dlt645.meters.12345678",
        "does not match any of the expected tags: 'modbus', 'csv', 'dlt645'",
        "broker.port",
        "enterprise: String should match",
        "wrong: Extra inputs are not permitted",
    ):
        assert said in text, said


def test_files_of_the_login_must_be_there(tmp_path: Path) -> None:
    text = faults(tmp_path, MODBUS, broker={"host": "b", "ca_file": "ca.pem"})
    assert f"no such file: {tmp_path}/ca.pem" in text
    (tmp_path / "key").write_text("")
    assert "go together" in faults(tmp_path, MODBUS, broker={"host": "b", "key_file": "key"})


def test_password_is_read_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n")
    made = load(tmp_path, MODBUS, broker={"host": "b", "username": "u", "password_file": "pw"})
    address = made.broker.address()
    assert (address.username, address.password, address.host) == ("u", "s3cret", "b")
    assert "s3cret" not in repr(made) + repr(address)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"devices": []}, "devices: Tuple should have at least 1 item", id="none"),
        pytest.param({"devices": [MODBUS, MODBUS]}, "used twice: m", id="twice"),
        pytest.param({"devices": [{**CSV, "header": False}]}, "numbers from 1", id="no-header"),
        pytest.param({"devices": [{**DLT, "channels": {"kwh": "x"}}]}, "known are:", id="item"),
        pytest.param({"resend": {"slice_items": 1001}}, "resend.slice_items", id="slice"),
    ],
)
def test_single_faults(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    assert said in faults(tmp_path, MODBUS, **change)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_gateway(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_gateway(tmp_path / "bad.yaml")


@pytest.mark.parametrize("name", ["gateway.yaml", "gateway-tls.yaml"])
def test_examples_are_valid_and_fit_the_sample_park(name: str, tmp_path: Path) -> None:
    shutil.copy(REPO / "examples" / "gateway" / name, tmp_path)
    for file in ("ca.crt", "client.crt", "client.key"):
        (tmp_path / file).touch()
    made = load_gateway(tmp_path / name)
    park = load_park(REPO / "examples" / "donghe" / "park.yaml")
    assert made.park == park.key
    meters = {m.key: m for m in park.enterprise(made.enterprise).meters}
    for device in made.devices:
        for value in expected(device):
            channel = meters[value.meter].channels[value.channel]
            assert value.unit in (None, channel.unit)


def fields(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from fields(part)


def test_every_key_name_and_template_is_documented() -> None:
    text = (REPO / "docs" / "gateway.md").read_text(encoding="utf-8")
    kinds = (ModbusDevice, CsvSource, DltSource)
    keys = {f for m in (GatewayConfig, Template, Register, *kinds) for f in fields(m)}
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    shown = re.findall(r"`([^`]+)`", prose) + re.findall(r"(\w+):", text)
    words = {w for cell in shown for w in re.findall(r"\w+", cell)}
    assert keys - words - {"note", "device"} == set()
    assert [p.stem for p in FOLDER.glob("*.yaml") if f"| `{p.stem}` |" not in text] == []
    for item in NAMES:
        base = re.sub(r"_(t[1-4]|[abc])$", "", item)
        assert {base, f"{base}_a"} & words, item
