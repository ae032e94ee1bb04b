"""Settings of the deployment: environment or `.env`, `GREENPARK_*`, `*_FILE` for secrets."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.errors import ConfigError

_SECRET_FIELDS = (
    "dsn",
    "mqtt_password",
    "mqtt_client_id",  # whoever knows it can take the session of the collector
    "smtp_password",
    "grafana_reader_password",
    "heartbeat_url",
    "link_secret",
    "collector_db_password",
)


class Settings(BaseSettings):
    """Every setting has the name `GREENPARK_` + field name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="GREENPARK_", env_file=".env", extra="ignore", frozen=True
    )

    dsn: SecretStr = Field(
        default=SecretStr(""), description="PostgreSQL connection string; empty: embedded server"
    )
    data_dir: Path = Field(
        default=Path("demo-data"), description="embedded database, mails, reports"
    )

    mqtt_host: str = Field(default="127.0.0.1", description="broker host")
    mqtt_port: int = Field(default=1883, ge=1, le=65535, description="broker port")
    mqtt_protocol: Literal["5", "3.1.1"] = Field(default="5", description="MQTT version")
    mqtt_username: str = Field(default="", description="broker user; empty: anonymous")
    mqtt_password: SecretStr = Field(default=SecretStr(""), description="broker password")
    mqtt_ca_file: Path | None = Field(default=None, description="CA certificate; set: TLS")
    mqtt_cert_file: Path | None = Field(
        default=None, description="client certificate, where the broker takes it as the login"
    )
    mqtt_key_file: Path | None = Field(default=None, description="key of the client certificate")
    mqtt_client_id: str = Field(
        default="greenpark-collector", description="fixed client id: the session belongs to it"
    )
    mqtt_topic: str = Field(default="park/#", description="subscription of the collector")

    shard: str = Field(
        default="", description="1/2: the first of two collectors that share the enterprises"
    )
    sparkplug_host_id: str = Field(
        default="greenpark", min_length=1, description="name of this host application in Sparkplug"
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Prometheus metrics and health; 0: not served"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address of the metrics")
    collector_batch: int = Field(default=2000, ge=1, le=20_000, description="messages per commit")
    collector_linger_s: float = Field(
        default=0.1, ge=0, le=10, description="longest wait for a fuller batch [s]"
    )
    collector_window: int = Field(
        default=6000, ge=20, le=20_000, description="un-acknowledged messages (Receive Maximum)"
    )
    max_payload_bytes: int = Field(default=262_144, ge=1024, description="larger: quarantine")
    future_tolerance_s: int = Field(
        default=300, ge=0, description="readings further in the future are refused [s]"
    )

    smtp_host: str = Field(default="127.0.0.1", description="mail server")
    smtp_port: int = Field(default=8025, ge=1, le=65535, description="mail server port")
    smtp_security: Literal["none", "starttls", "tls"] = Field(
        default="none", description="transport security to the mail server"
    )
    smtp_username: str = Field(default="", description="mail user; empty: no login")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="mail password")
    mail_from: str = Field(
        default="greenpark <greenpark@park.example>", description="From of the alert e-mails"
    )
    channels_file: Path | None = Field(
        default=None, description="YAML with the webhooks and chat rooms that contacts name"
    )
    grafana_url: str = Field(
        default="http://127.0.0.1:3000", description="base of dashboard links in e-mails"
    )
    web_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="health, metrics and the acknowledge page of `greenpark run`; 0: not served",
    )
    web_host: str = Field(default="127.0.0.1", description="address on which they are served")
    web_url: str = Field(
        default="", description="how readers of e-mails reach web_port; empty: no acknowledge link"
    )
    link_secret: SecretStr = Field(
        default=SecretStr(""), description="signs the acknowledge links; empty: there are none"
    )
    heartbeat_url: SecretStr = Field(
        default=SecretStr(""),
        description="called after each round of the jobs; a service outside tells if it stops",
    )
    watch_recipients: str = Field(
        default="", description="who `greenpark watch` writes to, separated by commas"
    )
    watch_after_s: float = Field(
        default=900, ge=60, description="`greenpark watch` tells of jobs without a good run [s]"
    )
    grafana_reader_password: SecretStr = Field(
        default=SecretStr(""), description="set: migrate creates login role grafana_ro with it"
    )
    collector_db_password: SecretStr = Field(
        default=SecretStr(""),
        description="set: migrate creates login role greenpark_collect with it, for the collector",
    )

    clock: str = Field(default="", description="REAL_ISO|PARK_ISO|SPEED: accelerated park clock")
    job_interval_s: float = Field(
        default=30, gt=0, description="pause between runs of the calculation jobs [s]"
    )
    compress_after_days: int = Field(
        default=30, ge=0, description="TimescaleDB compresses older data; 0: never [days]"
    )
    keep_readings_days: int = Field(
        default=0,
        ge=0,
        description="raw readings older than this are removed; 0: kept for ever [days]",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="level of the logs on standard error"
    )


def _secret_files() -> dict[str, str]:
    """Values of `GREENPARK_<SECRET>_FILE`, trimmed."""
    values, faults = {}, []
    for field in _SECRET_FIELDS:
        name = f"GREENPARK_{field.upper()}_FILE"
        if path := os.environ.get(name):
            try:
                values[field] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as exc:
                faults.append(f"{name}: {path}: {exc.strerror}")
    if faults:
        raise ConfigError("settings", faults)
    return values


def load_settings() -> Settings:
    """Read the settings, all faults at once.

    Raises:
        ConfigError: a value is not usable or a secret file cannot be read.
    """
    try:
        return Settings(**_secret_files())  # type: ignore[arg-type]
    except ValidationError as exc:
        faults = [
            f"GREENPARK_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in exc.errors()
        ]
        raise ConfigError("settings", faults) from exc


@cache
def settings() -> Settings:
    """The settings of this process."""
    return load_settings()
