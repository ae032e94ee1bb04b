"""Where the MQTT broker is and how to log in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class _Client(Protocol):
    """The part of an MQTT client that takes credentials (paho's names)."""

    def username_pw_set(self, username: str | None, password: str | None) -> Any: ...
    def tls_set(self, ca_certs: str | None, certfile: str | None, keyfile: str | None) -> Any: ...


@dataclass(frozen=True)
class BrokerAddress:
    """Address and login of a broker; the password never appears in `repr`.

    Attributes:
        protocol: "5" or "3.1.1".
        ca_file: CA certificate; set: TLS, and the broker's name is checked.
        cert_file, key_file: client certificate, for brokers that take it as the login.
    """

    host: str
    port: int
    protocol: str = "5"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def log_in(self, client: _Client) -> None:
        """Give a client that is not connected yet the user, the password and the certificates."""
        if self.username:
            client.username_pw_set(self.username, self.password)
        if self.ca_file or self.cert_file:
            ca, cert, key = (
                str(file) if file else None
                for file in (self.ca_file, self.cert_file, self.key_file)
            )
            client.tls_set(ca, cert, key)
