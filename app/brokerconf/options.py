"""How the broker is reached and where its files will be; kept beside what was made from it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from models.errors import ConfigError

FILE = "broker-config.json"


@dataclass(frozen=True)
class BrokerPaths:
    """Folders on the broker's machine; the defaults are those of the official image.

    Attributes:
        plugins: folder of the plugins of Mosquitto 2.1; empty: the options of 2.0, which lose
            messages when the broker is killed.
    """

    files: str = "/mosquitto/config"
    data: str = "/mosquitto/data"
    plugins: str = "/usr/lib"


@dataclass(frozen=True)
class Options:
    """What cannot be read from park.yaml.

    Attributes:
        hosts: names and addresses of the broker, the first one for the hand-outs.
        certificates: client certificates are the login, instead of passwords.
        bind: the one address on which it listens; empty: all.
        plain_port: a second listener without TLS, on loopback only; 0: none.
    """

    hosts: tuple[str, ...] = ()
    port: int = 8883
    certificates: bool = False
    plain_port: int = 0
    bind: str = ""
    paths: BrokerPaths = field(default_factory=BrokerPaths)

    @property
    def host(self) -> str:
        """What the hand-outs name."""
        return self.hosts[0] if self.hosts else "localhost"

    def check(self) -> None:
        """Raise ConfigError when two options contradict each other."""
        faults = [
            f"host {host!r} is not a name or an address"
            for host in (*self.hosts, self.bind or "any")
            if not host or set(host) - set(_HOST)
        ]
        faults += [
            f"folder {folder!r} has a line break"
            for folder in asdict(self.paths).values()
            if not folder.isprintable()
        ]
        if self.plain_port and self.certificates:
            faults.append("a listener without TLS has no client certificates; leave one of both")
        if self.plain_port == self.port:
            faults.append(f"port {self.port} cannot be both, with TLS and without")
        if faults:
            raise ConfigError("broker-config", faults)


_HOST = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_*"


def dump(options: Options) -> bytes:
    """Text of the file."""
    return (json.dumps(asdict(options), indent=1) + "\n").encode()


def parse(text: bytes, source: str) -> Options:
    """The options of an earlier run.

    Raises:
        ConfigError: the file was damaged.
    """
    try:
        values = json.loads(text)
        paths = BrokerPaths(**values.pop("paths"))
        return Options(**values | {"hosts": tuple(values["hosts"]), "paths": paths})
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        fault = f"was not made by broker-config: {exc}; delete it and give all options again"
        raise ConfigError(source, [fault]) from exc
