"""A gateway under test: its link to the broker can be cut, somebody counts what arrives."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from app.clock import RealClock
from app.embedded import Broker
from gateway.config import GatewayConfig
from gateway.history import status
from gateway.reading import Reading, epoch_ms
from gateway.service import Gateway
from tests.integration.test_collector import wait_for

REPO = Path(__file__).resolve().parents[3]
TOPIC = "park/testpark/alpha"
FILE = {
    "name": "water",
    "kind": "csv",
    "period_s": 1,
    "meter": "a-water",
    "time_column": "time",
    "channels": {"m3": "intake_m3"},
}


class Listener:
    """Collects the messages of the enterprise, each with the time of its arrival."""

    def __init__(self, broker: Broker) -> None:
        self.messages: list[tuple[float, list[dict[str, Any]]]] = []
        subscribed = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id="listener",
            protocol=mqtt.MQTTv311,
            clean_session=False,
        )
        self._client.on_connect = lambda c, *_: c.subscribe(TOPIC, qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        assert subscribed.wait(10)

    def _on_message(self, _client: Any, _user: Any, message: mqtt.MQTTMessage) -> None:
        self.messages.append((time.monotonic(), json.loads(message.payload)))

    def values(self) -> list[float]:
        return [v for _, items in self.messages for i in items for v in i["values"].values()]

    def wait(self, number: int, timeout_s: float = 30) -> None:
        wait_for(lambda: len(set(self.values())) >= number, f"{number} readings", timeout_s)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Gate:
    """A TCP proxy to the broker that can be shut."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._open = True
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if not self._open:
                    client.close()
                    continue
                try:
                    broker = socket.create_connection((self._broker.host, self._broker.port))
                except OSError:
                    client.close()
                    continue
                self._sockets += [client, broker]
                for pair in ((client, broker), (broker, client)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def shut(self) -> None:
        self._open = False
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._sockets.clear()

    def reopen(self) -> None:
        self._open = True

    def close(self) -> None:
        self.shut()
        self._server.close()


class Half(random.Random):
    """Always the middle of a span."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def document(
    folder: Path, port: int, protocol: str, *devices: dict[str, Any], **resend: float
) -> Any:
    return {
        "park": "testpark",
        "enterprise": "alpha",
        "broker": {
            "host": "127.0.0.1",
            "port": port,
            "protocol": protocol,
            "connect_spread_s": 0,
            "reconnect_max_s": 0.2,
        },
        "queue": {"path": str(folder / "queue.db")},
        "resend": {"start_delay_max_s": 0, "slices_per_s": 100, **resend},
        "devices": list(devices) or [{**FILE, "path": str(folder / "none.csv")}],
    }


@dataclass
class Edge:
    """A gateway in a thread; `put` stands for a device that is read."""

    gateway: Gateway
    thread: threading.Thread = field(init=False)
    fault: BaseException | None = None
    _last_ms: int = 0

    def start(self) -> Edge:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def _run(self) -> None:
        try:
            self.gateway.run()
        except BaseException as exc:
            self.fault = exc
            raise

    def put(self, *values: float) -> None:
        for value in values:
            self._last_ms = max(self._last_ms + 1, epoch_ms(self.gateway.clock.now()))
            self.gateway.intake.put("d", Reading("a-grid", self._last_ms, {"import_kwh": value}))

    def stop(self) -> None:
        self.gateway.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()


def edge(config: Any, rng: random.Random | None = None) -> Edge:
    return Edge(Gateway(GatewayConfig.model_validate(config), RealClock(), rng or Half()))


def csv_line(number: int) -> str:
    at = RealClock().now() - timedelta(days=1) + timedelta(seconds=number)
    return f"{at.isoformat()},{number}\n"


def connected(made: Edge) -> Edge:
    wait_for(lambda: made.gateway.uplink.connected, "connected")
    return made


def told(made: Edge) -> dict[str, Any]:
    return {r["name"]: r["value"] for r in status(made.gateway.queue)}


def all_acknowledged(made: Edge) -> None:
    wait_for(lambda: told(made)["queue.waiting"] == 0, "all acknowledged")


def process(config: Path) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GREENPARK_")}
    with config.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "app.cli", "gateway", "run", str(config)],
            cwd=REPO,
            env=environment,
            stdout=log,
            stderr=log,
        )
