"""Where the MQTT broker is and how to log in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class BrokerAddress:
    """Address and login of a broker; the password never appears in `repr`.

    Attributes:
        protocol: "5" or "3.1.1".
        ca_file: CA certificate; set: TLS.
    """

    host: str
    port: int
    protocol: str = "5"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
