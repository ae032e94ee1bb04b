"""gateway.yaml: what an enterprise's gateway reads, where it keeps it, where it sends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from gateway.sources import Device, FilePath, Part
from models.broker import BrokerAddress
from models.errors import ConfigError
from models.sources import Key


class Broker(Part):
    """Where to publish."""

    host: str = Field(min_length=1)
    port: int = Field(default=1883, ge=1, le=65_535)
    protocol: Literal["5", "3.1.1"] = "5"
    ca_file: FilePath | None = None
    cert_file: FilePath | None = None
    key_file: FilePath | None = None
    username: str = ""
    password_file: FilePath | None = None
    client_id: str = Field(
        default="",
        description="default: gateway-<enterprise>-<random>, nobody can guess and throw it out",
    )
    connect_spread_s: float = Field(default=5, ge=0, description="longest first pause [s]")
    reconnect_max_s: float = Field(default=120, gt=0, description="longest later pause [s]")

    @model_validator(mode="after")
    def _files_are_there(self) -> Broker:
        files = (self.ca_file, self.cert_file, self.key_file, self.password_file)
        missing = [str(f) for f in files if f and not f.is_file()]
        if missing:
            msg = f"no such file: {', '.join(missing)}"
            raise ValueError(msg)
        if (self.cert_file is None) != (self.key_file is None):
            msg = "cert_file and key_file go together"
            raise ValueError(msg)
        return self

    def address(self) -> BrokerAddress:
        """The same for the MQTT client, with the password read from its file.

        Raises:
            ConfigError: the file cannot be read.
        """
        file = self.password_file
        try:
            password = file.read_text(encoding="utf-8").strip() if file else ""
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"password file {file}", [f"cannot be read: {exc}"]) from exc
        names = ("host", "port", "protocol", "username", "ca_file", "cert_file", "key_file")
        return BrokerAddress(password=password, **{n: getattr(self, n) for n in names})


class QueueLimits(Part):
    """The local queue and when it forgets."""

    path: FilePath = Field(description="SQLite file, on a disk that survives a power cut")
    max_age_days: float = Field(default=90, gt=0, description="older readings are dropped, loudly")
    max_bytes: int = Field(default=1_000_000_000, ge=100_000, description="the same by size")
    keep_acknowledged_days: float = Field(default=7, ge=0, description="history for `resend`")


class Resend(Part):
    """How gaps are sent again, so that live readings and the broker can breathe."""

    slice_items: int = Field(default=200, ge=1, le=1000, description="most readings of a message")
    slices_per_s: float = Field(default=2, gt=0, le=100)
    start_delay_max_s: float = Field(default=60, ge=0, description="random wait before the first")


class GatewayConfig(Part):
    """The root of gateway.yaml."""

    park: Key
    enterprise: Key
    broker: Broker
    queue: QueueLimits
    resend: Resend = Resend()
    clock_check: bool = Field(default=True, description="refuse to start before 2020")
    devices: tuple[Device, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique_names(self) -> GatewayConfig:
        names = [d.name for d in self.devices]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            msg = f"device name(s) used twice: {', '.join(twice)}"
            raise ValueError(msg)
        return self

    @property
    def topic(self) -> str:
        """The gateway topic of the public contract."""
        return f"park/{self.park}/{self.enterprise}"


def load_gateway(path: Path) -> GatewayConfig:
    """Read and validate gateway.yaml.

    Raises:
        ConfigError: the file is missing, is not YAML or not valid; with every fault.
    """
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(str(path), [f"cannot be read: {exc.strerror}"]) from exc
    except yaml.YAMLError as exc:
        raise ConfigError(str(path), [f"is not valid YAML: {exc}"]) from exc
    try:
        return GatewayConfig.model_validate(document, context={"folder": path.parent.resolve()})
    except ValidationError as exc:
        faults = [
            f"{'.'.join(map(str, e['loc'])) or 'gateway'}: {e['msg']}"
            + ("" if isinstance(e["input"], dict) else f" (got {e['input']!r:.80})")
            for e in exc.errors()
            if not (e["type"] == "too_short" and e["input"])
        ]
        raise ConfigError(str(path), faults) from exc
