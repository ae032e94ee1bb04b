"""docker-compose.yml: what its service broker-config makes is what broker and clients expect."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from typer.testing import CliRunner

from app.brokerconf.acl import parse_acl
from app.brokerconf.certificates import names_in
from app.brokerconf.passwords import parse_passwords, verify
from app.cli import make_app
from tests.unit.test_compose import REPO, SERVICES, filled, mounts

START = REPO / "docker" / "mosquitto-start.sh"
CLIENTS = sorted(
    n for n, s in SERVICES.items() if "GREENPARK_MQTT_HOST" in s.get("environment", {})
)


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The volume as the service leaves it."""
    folder = tmp_path_factory.mktemp("mqtt")
    (mount,) = mounts("broker-config")
    words = [filled(word) for word in SERVICES["broker-config"]["command"]]
    words = [w.replace(f"={mount['target']}", f"={folder}") for w in words]
    words = [str(REPO / w) if w.startswith("examples/") else w for w in words]
    result = CliRunner().invoke(make_app("broker-config"), words)
    assert result.exit_code == 0, result.output
    return folder


def seen(volume: Path, name: str, path: str) -> Path:
    """A path inside a container, where it is in the volume."""
    for mount in mounts(name):
        if mount["source"] == "mqtt" and path.startswith(mount["target"]):
            return volume / mount["volume"]["subpath"] / path[len(mount["target"]) :].lstrip("/")
    raise AssertionError(f"{name} does not see {path}")


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_logs_in_over_tls_as_its_own_user(volume: Path, name: str) -> None:
    env: dict[str, Any] = SERVICES[name]["environment"]
    broker = volume / "files" / "broker"
    password = seen(volume, name, env["GREENPARK_MQTT_PASSWORD_FILE"]).read_text().strip()
    stored = parse_passwords((broker / "passwords").read_text())
    assert verify(password, stored[env["GREENPARK_MQTT_USERNAME"]])
    ca = seen(volume, name, env["GREENPARK_MQTT_CA_FILE"])
    assert ssl.create_default_context(cafile=str(ca)).cert_store_stats()["x509_ca"] == 1
    server = x509.load_pem_x509_certificate((broker / "server.crt").read_bytes())
    assert env["GREENPARK_MQTT_HOST"] in names_in(server)
    assert SERVICES[name]["depends_on"]["mosquitto"]["condition"] == "service_healthy"
    if name == "collector":
        own_id = seen(volume, name, env["GREENPARK_MQTT_CLIENT_ID_FILE"]).read_text()
        assert own_id.startswith("greenpark-collector-")


def test_users_of_compose_are_those_of_the_access_list(volume: Path) -> None:
    users = set(parse_acl((volume / "files/broker/acl").read_text()))
    named = {SERVICES[n]["environment"]["GREENPARK_MQTT_USERNAME"] for n in CLIENTS}
    assert named == {u for u in users if u.startswith("greenpark-")}
    assert len(users) > len(named)


def test_only_broker_config_sees_the_authority() -> None:
    for name in SERVICES:
        for mount in mounts(name):
            if mount["source"] != "mqtt":
                continue
            if name == "broker-config":
                continue
            assert mount["read_only"] is True
            assert mount["volume"]["subpath"] in (
                "files/broker",
                "files/collector",
                "files/simulator",
            )
    assert {m["volume"]["subpath"] for m in mounts("simulator")} == {"files/simulator"}


def test_broker_listens_with_tls_where_it_is_published_and_loses_nothing(volume: Path) -> None:
    conf = (volume / "files/broker/mosquitto.conf").read_text()
    (published,) = SERVICES["mosquitto"]["ports"]
    inside = filled(published).rpartition(":")[2]
    assert re.findall(r"^listener (.+)$", conf, re.M) == [inside] == ["8883"]
    for line in (
        "plugin_opt_flush_period 0",
        "allow_anonymous false",
        "max_inflight_messages 1000",
        "max_queued_messages 2000000",
    ):
        assert re.search(rf"^{line}$", conf, re.M), line
    data = next(m["target"] for m in mounts("mosquitto") if m["source"] == "broker")
    assert f"persistence_location {data}/\n" in conf
    (home,) = SERVICES["mosquitto"]["tmpfs"]
    folders = {Path(p).parent for p in re.findall(r"file (/\S+)$", conf, re.M)}
    folders |= {Path(p).parent for p in re.findall(r"_(?:acl|password)_file (\S+)$", conf, re.M)}
    assert folders == {Path(home)}
    for client in CLIENTS:
        assert SERVICES[client]["environment"]["GREENPARK_MQTT_PORT"] == inside


def test_health_check_reads_files_that_are_there(volume: Path) -> None:
    (_, command) = SERVICES["mosquitto"]["healthcheck"]["test"]
    for path in re.findall(r"/run/[\w./]+", command):
        assert seen(volume, "mosquitto", path).is_file(), path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of the broker, and programs that only say how they were called."""
    for folder in ("bin", "config", "data"):
        (tmp_path / folder).mkdir()
    for program in ("mosquitto", "chown", "kill"):
        stub = tmp_path / "bin" / program
        stub.write_text(f'#!/bin/sh\necho {program} "$@" >>"{tmp_path}/calls"\n')
        stub.chmod(0o755)
    return tmp_path


def start(home: Path, volume: Path, *words: str) -> list[str]:
    env = {
        "PATH": f"{home}/bin:{os.environ['PATH']}",
        "GREENPARK_BROKER_FILES": str(volume / "files/broker"),
        "GREENPARK_BROKER_HOME": str(home),
    }
    subprocess.run(["sh", str(START), *words], env=env, check=True)
    return (home / "calls").read_text().splitlines()


def test_start_brings_the_files_and_becomes_the_broker(home: Path, volume: Path) -> None:
    (volume / "files/broker/acl").chmod(0o644)  # however they come
    calls = start(home, volume)
    assert calls[-1] == f"mosquitto -c {home}/config/mosquitto.conf"
    assert (os.getuid() != 0) or any("mosquitto:mosquitto" in c for c in calls)
    wanted = {p.name: p.read_bytes() for p in (volume / "files/broker").iterdir()}
    assert {p.name: p.read_bytes() for p in (home / "config").iterdir()} == wanted
    assert {p.stat().st_mode & 0o777 for p in (home / "config").iterdir()} == {0o600}


def test_reload_brings_new_files_and_does_not_start_a_second_broker(
    home: Path, volume: Path
) -> None:
    (home / "config" / "acl").write_text("old")
    calls = start(home, volume, "reload")
    assert calls[-1] == "kill -HUP 1"
    assert not any(c.startswith("mosquitto") for c in calls)
    assert (home / "config/acl").read_bytes() == (volume / "files/broker/acl").read_bytes()
