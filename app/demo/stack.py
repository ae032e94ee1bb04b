"""The processes of the demo: database, broker, mail sink, collector, simulator, jobs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe

from app.brokerconf.options import Options
from app.brokerconf.plan import make_plan
from app.brokerconf.users import COLLECTOR, SIMULATOR
from app.clock import AcceleratedClock, wall_now
from app.embedded import Broker, embedded_postgres, find_broker, free_port
from app.mailsink import MailSink
from models.errors import ConfigError
from models.park import Park

_MARK = ".greenpark-demo"


@dataclass
class Stack:
    """What runs, and the settings that the programs get."""

    folder: Path
    dsn: str
    broker: Broker
    mails: MailSink
    programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    web_port: int = field(default_factory=free_port)
    link_secret: str = field(default_factory=token_urlsafe, repr=False)

    def environment(self, clock: AcceleratedClock | None, command: str) -> dict[str, str]:
        """Settings of a program; nothing of the caller's own GREENPARK_* leaks in."""
        base = {k: v for k, v in os.environ.items() if not k.startswith("GREENPARK_")}
        return (
            base
            | self._login(command)
            | (self._web() if command == "run" else {})
            | {
                "GREENPARK_DSN": self.dsn,
                "GREENPARK_DATA_DIR": str(self.folder),
                "GREENPARK_MQTT_HOST": self.broker.host,
                "GREENPARK_MQTT_PORT": str(self.broker.port),
                "GREENPARK_MQTT_PROTOCOL": self.broker.protocol,
                "GREENPARK_SMTP_HOST": "127.0.0.1",
                "GREENPARK_SMTP_PORT": str(self.mails.port),
                "GREENPARK_JOB_INTERVAL_S": "3",
                "GREENPARK_CLOCK": clock.spec() if clock else "",
            }
        )

    def _web(self) -> dict[str, str]:
        """Where the acknowledge links of the mails lead."""
        return {
            "GREENPARK_WEB_PORT": str(self.web_port),
            "GREENPARK_WEB_URL": f"http://127.0.0.1:{self.web_port}",
            "GREENPARK_LINK_SECRET": self.link_secret,
        }

    def _login(self, command: str) -> dict[str, str]:
        """The user of a program at the broker; the jobs need none."""
        user = {"collect": ("collector", COLLECTOR), "simulate": ("simulator", SIMULATOR)}
        if command not in user or self.broker.access is None:
            return {}
        folder, name = user[command]
        mine = f"{self.broker.access}/{folder}"
        own_id = {"GREENPARK_MQTT_CLIENT_ID_FILE": f"{mine}/client_id"}
        return (own_id if command == "collect" else {}) | {
            "GREENPARK_MQTT_USERNAME": name,
            "GREENPARK_MQTT_PASSWORD_FILE": f"{mine}/password",
            "GREENPARK_MQTT_CA_FILE": f"{mine}/ca.crt",
        }

    def start(self, clock: AcceleratedClock, *command: str) -> None:
        """Start `greenpark COMMAND`; its log is `<folder>/<command>.log`."""
        with (self.folder / f"{command[0]}.log").open("wb") as log:
            # a session of its own: Ctrl-C reaches only us, we stop the programs in order
            self.programs[command[0]] = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "app.cli", *command],
                env=self.environment(clock, command[0]),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def dead(self) -> list[str]:
        """Programs that ended although nobody told them to."""
        return [name for name, p in self.programs.items() if p.poll() is not None]

    def stop(self) -> list[str]:
        """End the programs in the order of the data; returns those that failed."""
        failed = self.dead()
        for name in ("simulate", "collect", "run"):
            process = self.programs.pop(name, None)
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                failed.append(name)
            if process.returncode not in (0, -signal.SIGTERM):
                failed.append(name)
        return sorted(set(failed))


def fresh_folder(folder: Path) -> Path:
    """An empty folder; only what an earlier demo made is removed.

    Raises:
        ConfigError: the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARK).exists():
            raise ConfigError(
                str(folder),
                ["is not empty and was not made by the demo; give another one with --folder"],
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()
    return folder.resolve()


@contextmanager
def running_stack(folder: Path, park: Park) -> Iterator[Stack]:
    """Database, broker and mail sink; everything is stopped at the end, whatever happens.

    The broker speaks TLS and knows the users of the park; its certificates are made here.
    """

    def secure(out: Path, options: Options) -> None:
        simulated = park.model_copy(update={"simulated": True})  # whatever the file says
        make_plan(out, [simulated], options, wall_now()).write()

    with ExitStack() as cleanup:
        dsn = cleanup.enter_context(embedded_postgres(folder / "postgres"))
        broker = find_broker(folder / "broker", free_port(), secure).start()
        cleanup.callback(broker.stop)
        sink = MailSink(folder / "mails")
        sink.start()
        cleanup.callback(sink.stop)
        stack = Stack(folder, dsn, broker, sink)
        cleanup.callback(_stop_quietly, stack)
        yield stack


def _stop_quietly(stack: Stack) -> None:
    with suppress(ProcessLookupError):
        stack.stop()
