"""docker-compose.yml: schema, and what the schema cannot know."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from app.settings import Settings

REPO = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((REPO / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {"migrate", "broker-config", "collector", "worker", "watch", "simulator"}
ONE_SHOT = {"migrate", "broker-config"}
each_service = pytest.mark.parametrize("name", SERVICES)


def filled(text: str) -> str:
    """With the defaults of its variables, as without an `.env`."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def mounts(name: str) -> list[dict[str, Any]]:
    """Volumes in the long form."""
    made = []
    for volume in SERVICES[name].get("volumes", []):
        if isinstance(volume, str):
            source, target, *mode = volume.split(":")
            volume = {"source": source, "target": target, "read_only": mode == ["ro"]}
        made.append(volume)
    return made


def test_schema_of_the_compose_specification() -> None:
    packaged = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json")
    schema = json.loads(packaged.read_text(encoding="utf-8"))
    faults = [e.message for e in Draft7Validator(schema).iter_errors(COMPOSE)]
    assert faults == []


def test_services_are_those_of_the_plan() -> None:
    assert set(SERVICES) == OURS | {"timescaledb", "mosquitto", "mailpit", "grafana"}


@each_service
def test_image_is_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    tag = image.partition(":")[2]
    if name in OURS:
        assert SERVICES[name]["build"] == "."
    else:
        assert re.match(r"^v?\d+\.\d+\.\d+", tag), image
    assert "latest" not in tag


@each_service
def test_long_running_services_have_a_health_check_and_restart(name: str) -> None:
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
        return
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"]["max-size"]


@each_service
def test_ports_are_on_loopback(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert filled(port).startswith("127.0.0.1:"), port


@each_service
def test_depends_on_waits_for_health_or_completion(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        done = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert wanted["condition"] == done


@each_service
def test_secrets_are_declared_and_their_files_are_the_ones_read(name: str) -> None:
    service = SERVICES[name]
    used = set(service.get("secrets", []))
    assert used <= set(COMPOSE["secrets"])
    text = json.dumps(service)
    assert set(re.findall(r"/run/secrets/(\w+)", text)) <= used
    for key, value in service.get("environment", {}).items():
        if re.search(r"PASSWORD|DSN|TOKEN", key):
            assert key.endswith("_FILE"), f"{key} must come from a file"
            assert value.startswith(("/run/secrets/", "/run/mqtt/"))


def test_secret_files_are_made_by_the_script_and_kept(tmp_path: Path) -> None:
    script = ["sh", str(REPO / "docker" / "make-secrets.sh"), str(tmp_path / "s")]
    subprocess.run(script, check=True)
    made = {p.name: p.read_text() for p in (tmp_path / "s").iterdir()}
    wanted = {Path(entry["file"]).name for entry in COMPOSE["secrets"].values()}
    assert set(made) == wanted
    passwords = [v for k, v in made.items() if k != "dsn"]
    assert len(set(passwords)) == len(passwords)
    assert min(map(len, passwords)) >= 32
    assert made["database_password"] in made["dsn"]
    subprocess.run(script, check=True)
    assert made == {p.name: p.read_text() for p in (tmp_path / "s").iterdir()}


def test_secret_files_are_not_committed() -> None:
    listed = subprocess.run(
        ["git", "-C", str(REPO), "ls-files", "secrets"], check=False, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert set(listed.stdout.split()) <= {"secrets/README.md"}


@each_service
def test_every_greenpark_variable_is_a_setting(name: str) -> None:
    known = {f"GREENPARK_{field.upper()}" for field in Settings.model_fields}
    for key, value in SERVICES[name].get("environment", {}).items():
        if key.startswith("GREENPARK_"):
            assert {key, key.removesuffix("_FILE")} & known, key
            assert isinstance(value, str), f"{key}: quote it, YAML would change it"


@each_service
def test_mounted_files_exist_and_are_read_only(name: str) -> None:
    for mount in mounts(name):
        source = mount["source"]
        if source.startswith("."):
            assert (REPO / source).exists(), source
            assert mount["read_only"] is True, mount
        else:
            assert source in COMPOSE["volumes"], source
        assert mount["target"].startswith("/")


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_have_no_rights_they_do_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    dockerfile = (REPO / "Dockerfile").read_text()
    assert re.search(r"^USER \d{4,}$", dockerfile, re.M)
    assert "--require-hashes" in dockerfile


def test_dockerfile_copies_every_package_and_nothing_missing() -> None:
    dockerfile = (REPO / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (?!--from)(\S+) \./\S+$", dockerfile, re.M))
    packages = {p.parent.name for p in REPO.glob("*/__init__.py")} - {"tests"}
    assert packages <= copied
    allowed = set(re.findall(r"^!(\S+)$", (REPO / ".dockerignore").read_text(), re.M))
    assert copied <= allowed
    for tag in re.findall(r"^FROM python:(\S+)", dockerfile, re.M):
        assert re.match(r"^3\.\d+\.\d+-slim-\w+$", tag)


def test_grafana_finds_what_is_mounted() -> None:
    grafana = SERVICES["grafana"]
    found = {m["target"]: REPO / m["source"] for m in mounts("grafana") if m["source"][0] == "."}
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (
        found["/etc/grafana/dashboards"] / Path(home).relative_to("/etc/grafana/dashboards")
    ).exists()
    source = yaml.safe_load(
        (found["/etc/grafana/provisioning/datasources"] / "greenpark.yaml").read_text()
    )
    host, port = source["datasources"][0]["url"].split(":")
    assert (host in SERVICES, port) == (True, "5432")
    password = source["datasources"][0]["secureJsonData"]["password"]
    assert Path(password.removeprefix("$__file{").removesuffix("}")).name in grafana["secrets"]
