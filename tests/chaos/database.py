"""The PostgreSQL that is killed and whose disk becomes full: a small file system, or a trigger."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests import services

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off                 # processes are killed here, not the machine
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
max_connections = 60
max_wal_size = 256MB
min_wal_size = 80MB
"""


@dataclass
class Database(services.DebianPostgres):
    """PostgreSQL 18 + TimescaleDB; with `disk_mb` on a file system of its own of that size."""

    disk_mb: int = 0

    @property
    def outside(self) -> Path:
        """The data directory as seen from here."""
        return Path(services.ROOT + self.folder)

    def init(self) -> Database:
        super().init()
        with (self.outside / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(f"port = {self.port}\n{SETTINGS}")
        if self.disk_mb:
            self._own_disk()
        return self

    def _own_disk(self) -> None:
        away = self.outside.with_name(self.outside.name + ".init")
        self.outside.rename(away)
        self.outside.mkdir()
        mount_disk(self.outside, self.disk_mb)
        subprocess.run(["cp", "-a", f"{away}/.", str(self.outside)], check=True)
        shutil.rmtree(away)

    def start(self) -> Database:
        """Start it and wait until it answers; raises when it ends or needs longer."""
        with Path(f"{self.outside}.log").open("ab") as log:
            command = services._chroot("postgres", f"{services.PG_BIN}/postgres", "-D", self.folder)
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.dsn, connect_timeout=2).close()
                return self
            time.sleep(0.05)
        raise AssertionError(f"PostgreSQL does not answer, see {self.outside}.log")

    def remove(self) -> None:
        """Stop it and delete all of it."""
        super().remove()
        if self.disk_mb:
            subprocess.run(["umount", "-l", str(self.outside)], check=False)
            shutil.rmtree(self.outside, ignore_errors=True)


def mount_disk(folder: Path, size_mb: int) -> None:
    """A file system in memory at `folder`."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0700", "chaos", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def may_mount(folder: Path) -> bool:
    """Can this user mount a small file system here?"""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        mount_disk(folder, 1)
    except (OSError, subprocess.CalledProcessError):
        return False
    subprocess.run(["umount", str(folder)], check=True)
    return True


@dataclass
class FullDisk:
    """Really no space: the database's file system shrinks to what is in use."""

    database: Database
    how = "file system of its own without space"

    def fill(self) -> None:
        """Leave nothing free; tried again while the database takes the last pages."""
        for _ in range(20):
            stat = os.statvfs(self.database.outside)
            used = (stat.f_blocks - stat.f_bfree) * stat.f_frsize
            if self._resize(used // 1024):
                return
        raise OSError("the file system could not be shrunk")

    def free(self) -> None:
        """Give the space back."""
        assert self._resize(self.database.disk_mb * 1024)

    def _resize(self, size_kb: int) -> bool:
        options = f"remount,size={size_kb}k"
        command = ["mount", "-o", options, str(self.database.outside)]
        return subprocess.run(command, capture_output=True).returncode == 0


@dataclass
class FullDiskTrigger:
    """Where nothing can be mounted: a trigger that refuses as a full disk does (53100)."""

    database: Database
    how = "trigger that raises 53100"

    def fill(self) -> None:
        """Refuse every insert of readings."""
        self._try(
            "CREATE OR REPLACE FUNCTION chaos_disk_full() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RAISE EXCEPTION 'no space (simulated)' USING ERRCODE = '53100'; END$$;"
            "CREATE OR REPLACE TRIGGER chaos_disk_full BEFORE INSERT ON reading"
            " FOR EACH ROW EXECUTE FUNCTION chaos_disk_full()"
        )

    def free(self) -> None:
        """Accept them again."""
        self._try("DROP TRIGGER IF EXISTS chaos_disk_full ON reading")

    def _try(self, statements: str, limit_s: float = 20) -> None:
        deadline = time.monotonic() + limit_s
        while True:
            try:
                with psycopg.connect(self.database.dsn, connect_timeout=2) as conn:
                    conn.execute("SET lock_timeout = '2s'")
                    conn.execute(statements)
                return
            except psycopg.Error:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)
