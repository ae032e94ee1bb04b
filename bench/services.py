"""Real servers for the bench: the embedded ones and Mosquitto at hand, or those of a Debian root.

Both run with the settings that lose nothing: fsync and synchronous_commit on, every message that
the broker acknowledges written to its store.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from app.embedded import Broker, embedded_postgres, find_broker, free_port, mosquitto_config
from models.errors import ConfigError

PG_BIN = "/usr/lib/postgresql/18/bin"
PLUGIN = "usr/lib/*/mosquitto/mosquitto_persist_sqlite.so"
# Commit times are read afterwards from the rows: nobody has to ask during the measurement.
SETTINGS = {"track_commit_timestamp": "on"}


@contextmanager
def database(root: str, folder: Path) -> Iterator[str]:
    """DSN of a fresh server: PostgreSQL 18 with TimescaleDB of `root`, else the embedded one."""
    if root:
        with _debian_postgres(root) as dsn:
            yield dsn
        return
    with embedded_postgres(folder / "pg") as dsn, psycopg.connect(dsn, autocommit=True) as conn:
        for name, value in SETTINGS.items():
            conn.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    with embedded_postgres(folder / "pg") as dsn:  # commit times need a restart
        yield dsn


def _chroot(root: str, user: str, *command: str) -> list[str]:
    return ["chroot", f"--userspec={user}", root, *command]


@contextmanager
def _debian_postgres(root: str) -> Iterator[str]:
    port = free_port()
    inside = f"/tmp/greenpark-bench-{port}"  # noqa: S108 - of the root, made just now
    outside = Path(root + inside)
    outside.mkdir(parents=True)
    log = Path(f"{outside}.log")
    try:
        subprocess.run(["chroot", root, "chown", "postgres:postgres", inside], check=True)
        init = [f"{PG_BIN}/initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8"]
        init += ["--locale=C.UTF-8", "-D", inside]
        subprocess.run(_chroot(root, "postgres", *init), check=True, stdout=subprocess.DEVNULL)
        options = SETTINGS | {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "shared_preload_libraries": "timescaledb",
            "timescaledb.telemetry_level": "off",
        }
        command = [f"{PG_BIN}/postgres", "-D", inside]
        command += [part for item in options.items() for part in ("-c", "=".join(item))]
        with log.open("ab") as out:
            process = subprocess.Popen(
                _chroot(root, "postgres", *command), stdout=out, stderr=out, start_new_session=True
            )
        try:
            dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            _wait_for(dsn, process, log)
            yield dsn
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    finally:
        shutil.rmtree(outside, ignore_errors=True)
        log.unlink(missing_ok=True)


def _wait_for(dsn: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(400):
        with suppress(psycopg.OperationalError):
            psycopg.connect(dsn, connect_timeout=2).close()
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise ConfigError("PostgreSQL", [f"does not answer; end of log: {log.read_text()[-400:]}"])


@contextmanager
def broker(root: str, folder: Path) -> Iterator[Broker]:
    """A running broker of its own: Mosquitto 2.1 of `root`, else the one at hand.

    Raises:
        ConfigError: no Mosquitto: the fallback broker keeps no backlog for a client that is away.
    """
    made = _debian_broker(root, folder) if root else find_broker(folder / "broker")
    if made.name != "mosquitto":
        raise ConfigError(
            "broker",
            [f"got {made.name}, expected Mosquitto: install it, or name a Debian root (--root)"],
        )
    made.start()
    try:
        yield made
    finally:
        made.stop()
        if root:
            shutil.rmtree(f"{root}{_store(made.port)}", ignore_errors=True)


def _store(port: int) -> str:
    return f"/tmp/greenpark-bench-mq-{port}"  # noqa: S108 - of the root, made just now


def _debian_broker(root: str, folder: Path) -> Broker:
    port = free_port()
    outside = Path(root + _store(port))
    outside.mkdir(parents=True)
    outside.chmod(0o777)
    plugins = list(Path(root).glob(PLUGIN))
    plugin = f"/{plugins[0].relative_to(root)}" if plugins else None
    (outside / "mosquitto.conf").write_text(mosquitto_config(port, _store(port), plugin))
    command = _chroot(
        root, "mosquitto", "/usr/sbin/mosquitto", "-c", f"{_store(port)}/mosquitto.conf"
    )
    return Broker(command, port, "mosquitto", bool(plugins), "5", folder / "broker.log")


def versions(conn: psycopg.Connection, made: Broker, root: str) -> dict[str, str]:
    """What was measured: names and versions of the servers, and that they sync."""
    # the version is in the first line of -h, with exit code 3
    binary = "/usr/sbin/mosquitto" if root else made.command[0]
    shown = ["chroot", root, binary, "-h"] if root else [binary, "-h"]
    said = subprocess.run(shown, capture_output=True, text=True, check=False).stdout
    return database_versions(conn) | {
        "mosquitto": (said.split("\n")[0].split()[2:3] or ["unknown"])[0],
        "broker_store": "persist-sqlite" if made.durable else "at exit only",
        "cpus": str(len(os.sched_getaffinity(0))),
    }


def database_versions(conn: psycopg.Connection) -> dict[str, str]:
    """The same of the database alone."""
    found = {}
    for name in ("server_version", "fsync", "synchronous_commit"):
        row = conn.execute("SELECT current_setting(%s)", (name,)).fetchone()
        found[name] = str(row[0]) if row else ""
    row = conn.execute("SELECT extversion FROM pg_extension WHERE extname='timescaledb'").fetchone()
    return {
        "postgresql": found["server_version"].split()[0],
        "timescaledb": str(row[0]) if row else "absent",
        "fsync": found["fsync"],
        "synchronous_commit": found["synchronous_commit"],
    }
