"""doctor warns before the certificates of the connection to the broker end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.brokerconf.certificates import LEAF_LIFE, Pair, make_authority, make_client
from app.commands.doctor import certificate_problems
from app.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
END = NOW + LEAF_LIFE


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_authority(NOW)


@pytest.fixture
def config(tmp_path: Path, authority: Pair) -> Settings:
    client = make_client(authority, "greenpark-collector", NOW)
    ca_file, cert_file = tmp_path / "ca.crt", tmp_path / "client.crt"
    ca_file.write_bytes(authority.certificate)
    cert_file.write_bytes(client.certificate)
    return Settings(mqtt_ca_file=ca_file, mqtt_cert_file=cert_file)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (timedelta(days=31), []),
        (timedelta(days=29), [("warning", "GREENPARK_MQTT_CERT_FILE", "ends in 29 day(s)")]),
        (timedelta(days=-2), [("error", "GREENPARK_MQTT_CERT_FILE", "ended 2 day(s) ago")]),
    ],
)
def test_thirty_days_before(
    config: Settings, left: timedelta, expected: list[tuple[str, str, str]]
) -> None:
    found = [
        (p.level, p.subject, p.problem.removeprefix(f"{config.mqtt_cert_file} "))
        for p in certificate_problems(config, END - left)
    ]
    assert found == expected


def test_the_authority_ends_too(config: Settings) -> None:
    late = NOW + timedelta(days=3652 - 10)
    found = {p.subject: p.level for p in certificate_problems(config, late)}
    assert found == {"GREENPARK_MQTT_CA_FILE": "warning", "GREENPARK_MQTT_CERT_FILE": "error"}


def test_what_is_no_certificate_is_named(tmp_path: Path) -> None:
    key = tmp_path / "client.key"
    key.write_text("-----BEGIN PRIVATE KEY-----\n")
    config = Settings(mqtt_ca_file=tmp_path / "gone.crt", mqtt_cert_file=key)
    found = {p.subject: p for p in certificate_problems(config, NOW)}
    assert {p.level for p in found.values()} == {"error"}
    assert "gone.crt" in found["GREENPARK_MQTT_CA_FILE"].problem
    assert "client.key is no use" in found["GREENPARK_MQTT_CERT_FILE"].problem


def test_without_tls_there_is_nothing_to_say() -> None:
    assert list(certificate_problems(Settings(), NOW)) == []
