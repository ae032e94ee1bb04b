"""The clock and the settings of a process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.clock import AcceleratedClock, FixedClock, RealClock, parse_clock
from app.settings import load_settings
from models.errors import ConfigError


def test_accelerated_clock_survives_its_text_form() -> None:
    real = datetime.now(UTC)
    park = datetime(2026, 11, 22, 8, tzinfo=UTC)
    clock = AcceleratedClock(real - timedelta(seconds=10), park, 600)
    again = parse_clock(clock.spec())
    assert again == clock
    assert timedelta(seconds=6000) <= again.now() - park < timedelta(seconds=6600)


def test_empty_text_is_the_wall_clock() -> None:
    assert isinstance(parse_clock(""), RealClock)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert FixedClock(at).now() == at


@pytest.mark.parametrize(
    "text",
    [
        "600",
        "x|y|1",
        "2026-01-01T00:00:00|2026-01-01T00:00:00|2",
        "2026-01-01T00:00:00+00:00|2026-01-01T00:00:00+00:00|0",
    ],
)
def test_clock_faults_are_named(text: str) -> None:
    with pytest.raises(ValueError, match="clock"):
        parse_clock(text)


def test_secret_comes_from_a_file_and_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("postgresql://u:hunter2@db/x\n")
    monkeypatch.setenv("GREENPARK_DSN_FILE", str(secret))
    config = load_settings()
    assert config.dsn.get_secret_value() == "postgresql://u:hunter2@db/x"
    assert "hunter2" not in repr(config)


def test_all_faults_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENPARK_MQTT_PORT", "0")
    monkeypatch.setenv("GREENPARK_MQTT_PROTOCOL", "4")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert len(caught.value.faults) == 2
    assert any("GREENPARK_MQTT_PORT" in f for f in caught.value.faults)


def test_a_missing_secret_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENPARK_SMTP_PASSWORD_FILE", "/nowhere/secret")
    with pytest.raises(ConfigError, match=r"GREENPARK_SMTP_PASSWORD_FILE: /nowhere/secret"):
        load_settings()
