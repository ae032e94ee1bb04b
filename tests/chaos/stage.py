"""Everything a run needs: database, broker, collectors and publisher, with proxies between."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.embedded import Broker
from tests import services
from tests.chaos.database import Database, FullDisk, FullDiskTrigger, may_mount
from tests.chaos.ledger import Ledger
from tests.chaos.load import Load
from tests.chaos.proxy import Wire, Wires
from tests.chaos.units import Unit
from tests.services import kill_tree

REPO = Path(__file__).resolve().parent.parent.parent
DEFAULT_CLIENT = "greenpark-collector"
ONE_COLLECTOR: Sequence[Mapping[str, str]] = ({},)


def until(question: Callable[[], bool], what: str, limit_s: float, step_s: float = 0.05) -> None:
    """Wait for something, not for ever."""
    deadline = time.monotonic() + limit_s
    while not question():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {limit_s:.0f} s: {what}")
        time.sleep(step_s)


@dataclass
class Stage:
    """A park on real servers; use it as a context manager.

    Attributes:
        collectors: environment of each collector process beyond the common one; a standby is one
            more process with the settings of its shard.
        disk: real (own file system), trigger, or auto: real where it can be mounted.
    """

    folder: Path
    load: Load
    collectors: Sequence[Mapping[str, str]] = ONE_COLLECTOR
    disk: str = "auto"
    disk_mb: int = 3000
    log_lines: list[tuple[float, str]] = field(default_factory=list)
    wires: dict[str, Wire] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    publisher: subprocess.Popen[bytes] | None = None
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _open: list[IO[bytes]] = field(default_factory=list)

    def __enter__(self) -> Stage:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._net = Wires()
        real = self.disk == "real" or (self.disk == "auto" and may_mount(self.folder / "mount"))
        self.database = Database(disk_mb=self.disk_mb if real else 0)
        self.disk_fault = FullDisk(self.database) if real else FullDiskTrigger(self.database)
        self.broker: Broker = services.make_broker(self.folder)
        try:
            self.database.init()
            self._start_servers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start_servers(self) -> None:
        self.units["database"] = Unit(
            "database", self.database.start, lambda: self.database.process, self.log
        )
        self.units["broker"] = Unit(
            "broker", self.broker.start, lambda: self.broker.process, self.log
        )
        self.units["database"].stop_signal = signal.SIGINT  # fast shutdown
        self.units["database"].run()
        self.units["broker"].run()
        park = self.folder / "park.yaml"
        park.write_text(self.load.park_yaml(), encoding="utf-8")
        environment = self.environment(self.database.port, self.broker.port)
        for arguments in (["migrate"], ["apply", str(park)]):
            subprocess.run(
                self.command(*arguments), cwd=REPO, env=environment, check=True, timeout=120,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
        self.wires["publisher>broker"] = self._net.add("publisher>broker", self.broker.port)
        for number in range(len(self.collectors)):
            self._add_collector(number)

    def _add_collector(self, number: int) -> None:
        name = f"collector{number}"
        for end, port in (("broker", self.broker.port), ("database", self.database.port)):
            self.wires[f"{name}>{end}"] = self._net.add(f"{name}>{end}", port)
        environment = self.environment(
            self.wires[f"{name}>database"].port, self.wires[f"{name}>broker"].port
        ) | dict(self.collectors[number])

        def start() -> None:
            with (self.folder / f"{name}.log").open("ab") as out:
                self._processes[name] = subprocess.Popen(
                    self.command("collect"), cwd=REPO, env=environment, stdout=out, stderr=out
                )

        self.units[name] = Unit(name, start, lambda: self._processes.get(name), self.log)

    def __exit__(self, *_exc: object) -> None:
        self.end_publisher(0)
        for name in reversed(list(self.units)):
            if name != "database":
                self.units[name].close()
        if "database" in self.units:
            self.units["database"].close()
        if self.database.folder and self.database.process is not None:
            self.database.remove()
        left = Path(f"{services.ROOT}/tmp/greenpark-mq-{self.broker.port}")
        shutil.rmtree(left, ignore_errors=True)  # gigabytes after a memory run
        self._net.close()

    def command(self, *arguments: str) -> list[str]:
        """The program as users start it."""
        return [sys.executable, "-m", "app.cli", *arguments]

    def environment(self, database_port: int, broker_port: int) -> dict[str, str]:
        """Settings of the program, nothing of ours."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPO),
            "COLUMNS": "200",
            "GREENPARK_DSN": f"postgresql://postgres@127.0.0.1:{database_port}/postgres",
            "GREENPARK_MQTT_PORT": str(broker_port),
        }

    def log(self, text: str) -> None:
        """Remember what happened when, and say it."""
        at = time.time()
        self.log_lines.append((at, text))
        print(f"{at - self.log_lines[0][0]:8.2f} {text}", flush=True)

    @property
    def collector_units(self) -> list[Unit]:
        """The supervised collectors."""
        return [u for name, u in self.units.items() if name.startswith("collector")]

    @property
    def client_ids(self) -> list[str]:
        """MQTT client ids in use; a shard's is numbered, a standby has that of its shard."""
        named = []
        for settings in self.collectors:
            number, _, of = settings.get("GREENPARK_SHARD", "1/1").partition("/")
            base = settings.get("GREENPARK_MQTT_CLIENT_ID", DEFAULT_CLIENT)
            named.append(base if of == "1" else f"{base}-{number}")
        return list(dict.fromkeys(named))

    def start_publisher(self, rate: float, *, window: int = 500, limit: int = 10**9) -> None:
        """Start it and wait until every enterprise has a subscriber."""
        command = [sys.executable, "-m", "tests.chaos.publisher"]
        command += ["--port", str(self.wires["publisher>broker"].port), "--rate", str(rate)]
        command += ["--load", json.dumps(dataclasses.asdict(self.load))]
        command += ["--ledger", str(self.ledger_file), "--window", str(window)]
        command += ["--limit", str(limit)]
        with (self.folder / "publisher.log").open("ab") as out:
            self.publisher = subprocess.Popen(
                command, cwd=REPO, env=self.environment(0, 0), stdout=out, stderr=out
            )
        until(
            lambda: self.ledger_file.exists() and bool(self.ledger().acknowledged),
            "the publisher reaches a subscriber", 40,
        )  # fmt: skip

    def end_publisher(self, limit_s: float) -> int | None:
        """Ask it to finish; its exit code: 0 all acknowledged, 3 not all."""
        if self.publisher is None:
            return None
        if self.publisher.poll() is None:
            self.publisher.terminate()
            try:
                self.publisher.wait(limit_s)
            except subprocess.TimeoutExpired:
                kill_tree(self.publisher.pid)
                self.publisher.wait(10)
        return self.publisher.returncode

    @property
    def ledger_file(self) -> Path:
        """Where the publisher writes."""
        return self.folder / "ledger.txt"

    def ledger(self) -> Ledger:
        """What was acknowledged up to now."""
        return Ledger.read(self.ledger_file)
