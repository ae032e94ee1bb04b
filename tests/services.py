"""Real servers for the tests: the embedded ones, or those of a Debian root directory.

GREENPARK_TEST_ROOT names a root directory with Debian's postgresql-18, timescaledb and
mosquitto 2.1 (made by scripts/services-root). GREENPARK_REQUIRE_SERVICES=1 turns every
"service missing" skip into a failure.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from app.embedded import (
    Broker,
    Secure,
    embedded_postgres,
    find_broker,
    free_port,
    loopback_options,
    mosquitto_config,
)

ROOT = os.environ.get("GREENPARK_TEST_ROOT", "")
REQUIRED = os.environ.get("GREENPARK_REQUIRE_SERVICES") == "1"
PG_BIN = "/usr/lib/postgresql/18/bin"
PLUGIN = "/usr/lib/*/mosquitto/mosquitto_persist_sqlite.so"


def missing(reason: str) -> None:
    """Skip, or fail where services are required."""
    if REQUIRED:
        pytest.fail(f"required service is missing: {reason}")
    pytest.skip(reason)


def kill_tree(pid: int) -> None:
    """SIGKILL for a process and all its descendants, whatever group they are in.

    PostgreSQL's backends lead sessions of their own: the group of the postmaster misses them.
    """
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)  # no new children
    for one in [*descendants(pid), pid]:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """Children of a process, their children, ..."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    found = [int(child) for child in text.split()]
    return [*found, *(deep for child in found for deep in descendants(child))]


def _chroot(user: str, *command: str) -> list[str]:
    return ["chroot", f"--userspec={user}", ROOT, *command]


@dataclass
class DebianPostgres:
    """PostgreSQL 18 + TimescaleDB of the root directory; can be killed and started again."""

    port: int = field(default_factory=free_port)
    folder: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def init(self) -> DebianPostgres:
        self.folder = f"/tmp/greenpark-pg-{self.port}"
        outside = Path(ROOT + self.folder)
        outside.mkdir(parents=True)
        subprocess.run(["chroot", ROOT, "chown", "postgres:postgres", self.folder], check=True)
        subprocess.run(
            _chroot(
                "postgres",
                f"{PG_BIN}/initdb",
                "-A",
                "trust",
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-D",
                self.folder,
            ),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return self

    def start(self) -> DebianPostgres:
        log = Path(f"{ROOT}{self.folder}.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                _chroot(
                    "postgres",
                    f"{PG_BIN}/postgres",
                    "-D",
                    self.folder,
                    "-c",
                    f"port={self.port}",
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "unix_socket_directories=",
                    "-c",
                    "fsync=off",
                    "-c",
                    "shared_preload_libraries=timescaledb",
                    "-c",
                    "timescaledb.telemetry_level=off",
                    "-c",
                    "max_connections=60",
                ),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(200):
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.dsn, connect_timeout=2).close()
                return self
            time.sleep(0.05)
        raise AssertionError(f"PostgreSQL did not start, see {ROOT}{self.folder}.log")

    def kill(self) -> None:
        """SIGKILL the postmaster and every backend."""
        assert self.process is not None
        kill_tree(self.process.pid)
        self.process.wait()

    def remove(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        shutil.rmtree(ROOT + self.folder, ignore_errors=True)
        Path(f"{ROOT}{self.folder}.log").unlink(missing_ok=True)


@contextmanager
def postgres_server() -> Iterator[str]:
    """DSN of a running server: Debian root with TimescaleDB if there is one, else embedded."""
    if ROOT:
        server = DebianPostgres().init().start()
        try:
            yield server.dsn
        finally:
            server.remove()
        return
    folder = Path(tempfile.mkdtemp(prefix="greenpark-pg-"))
    with embedded_postgres(folder / "pg") as dsn:
        with psycopg.connect(dsn, autocommit=True) as conn:  # tests may forget a power cut
            conn.execute("ALTER SYSTEM SET fsync = off")
            conn.execute("SELECT pg_reload_conf()")
        yield dsn
    shutil.rmtree(folder, ignore_errors=True)


def make_broker(folder: Path, secure: Secure | None = None) -> Broker:
    """A broker that is not started yet: Mosquitto 2.1 of the root, the installed one, or amqtt.

    Anonymous and without TLS, unless `secure` makes the files of broker-config.
    """
    if not ROOT:
        return find_broker(folder, secure=secure)
    port = free_port()
    inside = f"/tmp/greenpark-mq-{port}"
    outside = Path(ROOT + inside)
    shutil.rmtree(outside, ignore_errors=True)  # an earlier run may have had the same port
    outside.mkdir(parents=True)
    outside.chmod(0o777)
    plugins = list(Path(ROOT).glob(PLUGIN.lstrip("/")))
    if not plugins:
        missing("persist-sqlite plugin of Mosquitto 2.1")
    plugin = "/" + str(plugins[0].relative_to(ROOT))
    files = f"{inside}/files"
    command = _chroot("mosquitto:mosquitto", "/usr/sbin/mosquitto", "-c", f"{files}/mosquitto.conf")
    access = folder / "mqtt" if secure else None
    if secure and access:
        secure(access, loopback_options(port, files, inside, Path(plugin)))
    else:
        (outside / "files").mkdir()
        (outside / "files/mosquitto.conf").write_text(mosquitto_config(port, inside, plugin))
    made = Broker(command, port, "mosquitto", True, "5", folder / "broker.log", access=access)
    install(made)
    return made


def install(broker: Broker) -> None:
    """Bring the files of broker-config to where the broker of the root reads them."""
    if not ROOT or broker.access is None:
        return
    target = Path(f"{ROOT}/tmp/greenpark-mq-{broker.port}/files")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(broker.access / "broker", target)
    inside = f"/tmp/greenpark-mq-{broker.port}"
    subprocess.run(["chroot", ROOT, "chown", "-R", "mosquitto:mosquitto", inside], check=True)


def discard(broker: Broker) -> None:
    """Remove what a stopped broker of the root has left there."""
    if ROOT:
        shutil.rmtree(f"{ROOT}/tmp/greenpark-mq-{broker.port}", ignore_errors=True)
