"""Servers that run, the collectors that are started on them, and what the servers use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from app.embedded import Broker
from bench.processes import REPO, BenchError, tree_cpu_s
from bench.workload import Workload


@dataclass
class Stage:
    """Servers that run, and how collectors on them are started.

    Attributes:
        profile: run those that are measured under the profiler; its files go to `folder`.
    """

    conn: psycopg.Connection
    dsn: str
    broker: Broker
    folder: Path
    profile: bool = False

    def fill(self, load: Workload) -> None:
        """Publish the backlog from a process of its own; ends when the broker has it all."""
        command = [sys.executable, "-m", "bench.publisher", "--port", str(self.broker.port)]
        subprocess.run(
            [*command, "--workload", load.text()], cwd=REPO, check=True, stdout=subprocess.DEVNULL
        )

    def servers_cpu_s(self) -> tuple[float, float]:
        """CPU seconds so far: broker, database."""
        row = self.conn.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        assert self.broker.process is not None  # noqa: S101 - it runs
        return tree_cpu_s(self.broker.process.pid), tree_cpu_s(int(row[0].split()[0]))

    @contextmanager
    def servers_metered(self, messages: int) -> Iterator[dict[str, float]]:
        """CPU that the servers use inside, per message; there when it ends."""
        used: dict[str, float] = {}
        before = self.servers_cpu_s()
        yield used
        after = self.servers_cpu_s()
        for name, old, new in zip(("broker_us", "database_us"), before, after, strict=True):
            used[name] = (new - old) / messages * 1e6

    def count(self, table: str = "reading") -> int:
        """Rows of a table."""
        row = self.conn.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def running(
        self, shards: Sequence[Mapping[str, str]], name: str = ""
    ) -> Iterator[list[subprocess.Popen[bytes]]]:
        """One collector for each set of settings; ended in order afterwards.

        Args:
            name: what is measured, for the profile; empty: nothing.

        Raises:
            BenchError: one does not end with code 0.
        """
        module = ["app.cli"]
        if self.profile and name:
            module = ["bench.profiled", str(self.folder / name)]
        with (self.folder / "collector.log").open("ab") as log:
            started = [
                subprocess.Popen(
                    [sys.executable, "-m", *module, "collect"],
                    cwd=REPO,
                    env=self._environment(settings),
                    stdout=log,
                    stderr=log,
                )
                for settings in shards
            ]
        try:
            yield started
            for process in started:
                process.send_signal(signal.SIGTERM)
            codes = [process.wait(40) for process in started]
        except (BenchError, subprocess.TimeoutExpired) as exc:
            raise BenchError(f"{exc}; end of the log: {self._log_end()}") from exc
        finally:
            for process in started:
                process.kill()
                process.wait()
        if any(codes):
            raise BenchError(f"collectors ended with {codes}: {self._log_end()}")

    def _log_end(self) -> str:
        return (self.folder / "collector.log").read_text(encoding="utf-8")[-600:]

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        own = {k: v for k, v in os.environ.items() if not k.startswith("GREENPARK_")}
        return {
            **own,
            "GREENPARK_DSN": self.dsn,
            "GREENPARK_MQTT_HOST": self.broker.host,
            "GREENPARK_MQTT_PORT": str(self.broker.port),
            "GREENPARK_MQTT_PROTOCOL": self.broker.protocol,
            **settings,
        }

    def settled(self, readings: int) -> bool:
        """True when the counters say: all stored, none twice, and all acknowledged."""
        self.conn.execute("SELECT pg_stat_clear_snapshot()")
        row = self.conn.execute(
            "SELECT sum((counters->>'stored')::bigint), sum((counters->>'received')::bigint),"
            " sum((health->>'in_flight')::float8 + (health->>'queued')::float8)"
            " FROM collector_state"
        ).fetchone()
        if row and row[1] is not None and row[1] > readings:
            raise BenchError(f"{row[1]} readings received, {readings} sent")
        return row is not None and row[:2] == (readings, readings) and not row[2]
