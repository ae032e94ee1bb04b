"""The program as a user starts it: processes, settings by environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.embedded import Broker

REPO = Path(__file__).resolve().parent.parent.parent


@dataclass
class Program:
    """Runs `greenpark` with the settings of a test."""

    environment: dict[str, str]
    folder: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "app.cli", *arguments]

    def __call__(self, *arguments: str, expect: int = 0) -> str:
        return self._run(arguments, expect, 300).stdout

    def refuses(self, *arguments: str) -> str:
        """What it says on standard error when it ends with 1."""
        return self._run(arguments, 1, 60).stderr

    def _run(
        self, arguments: Sequence[str], expect: int, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments),
            cwd=REPO,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert done.returncode == expect, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                self.command(*arguments), cwd=REPO, env=self.environment, stdout=log, stderr=log
            )
        self.running.append(process)
        return process

    def stop_all(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(40)


@pytest.fixture
def program(dsn: str, broker: Broker, tmp_path: Path) -> Iterator[Program]:
    """The program on a fresh database and a broker of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GREENPARK_")}
    environment |= {
        "GREENPARK_DSN": dsn,
        "GREENPARK_MQTT_HOST": broker.host,
        "COLUMNS": "200",
        "GREENPARK_MQTT_PORT": str(broker.port),
        "GREENPARK_MQTT_PROTOCOL": broker.protocol,
        "GREENPARK_DATA_DIR": str(tmp_path),
        "PYTHONPATH": str(REPO),
    }
    made = Program(environment, tmp_path)
    yield made
    made.stop_all()


Waiter = Callable[[Callable[[], bool], str], None]
Rows = Sequence[dict[str, object]]
