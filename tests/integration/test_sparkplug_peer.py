"""An independent Sparkplug B edge node (pysparkplug) against the host application."""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from app.embedded import Broker
from collectors.formats.base import Decoded, Incoming, Options
from collectors.formats.sparkplug_host import SparkplugHost
from tests.peers import sparkplug_node
from tests.peers.environment import PYSPARKPLUG, peer_python

GROUP, EDGE = "park1", "gw01"
NODE_SCRIPT = Path(sparkplug_node.__file__)


class EdgeNode:
    """The peer process: told steps, asked what it has heard."""

    def __init__(self, python: Path, broker: Broker) -> None:
        command = [python, NODE_SCRIPT, broker.host, str(broker.port), GROUP, EDGE]
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.put(line.strip())

    def do(self, step: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{step}\n")
        self.process.stdin.flush()

    def hears(self, line: str) -> None:
        """Wait until the process says this line."""
        while self.said.get(timeout=20) != line:
            pass

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait(10)
        self._reader.join(10)
        self.process.stdin.close()
        self.process.stdout.close()


class Listener:
    """A plain subscriber that hands every message to a host application."""

    def __init__(self, broker: Broker, host: SparkplugHost) -> None:
        self.host = host
        self._inbox: queue.Queue[Incoming] = queue.Queue()
        ready = threading.Event()
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="peer-listener", protocol=mqtt.MQTTv311
        )
        self.client.on_connect = lambda c, *_: c.subscribe(f"spBv1.0/{GROUP}/#", qos=1)
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_message = lambda _c, _u, m: self._inbox.put(
            Incoming(m.topic, m.payload, datetime.now(UTC))
        )
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        assert ready.wait(20)

    def next(self, kind: str) -> Decoded:
        """What the next message of a kind becomes; others before it are a fault."""
        message = self._inbox.get(timeout=20)
        assert message.topic.split("/")[2] == kind
        return self.host.decode(message, Options())

    def publish(self, decoded: Decoded) -> None:
        for reply in decoded.replies:
            self.client.publish(reply.topic, reply.payload, reply.qos, reply.retain)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def edge(broker: Broker) -> Iterator[EdgeNode]:
    made = EdgeNode(peer_python(*PYSPARKPLUG), broker)
    yield made
    made.close()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    made = Listener(broker, SparkplugHost())
    yield made
    made.close()


Values = list[tuple[str | None, str, int, float]]


def values(decoded: Decoded) -> Values:
    assert decoded.problems == []
    return [(v.device, v.channel, v.ts_us // 1000, v.value) for v in decoded.values]


def wanted(told: Values) -> Values:
    """With the names that our values carry."""
    return [(f"{EDGE}/{d}" if d else EDGE, *rest) for d, *rest in told]  # type: ignore[misc]


def test_names_values_and_times(edge: EdgeNode, listener: Listener) -> None:
    edge.do("birth")
    born = values(listener.next("NBIRTH")) + values(listener.next("DBIRTH"))
    assert born == wanted(sparkplug_node.expected_birth())
    for step, kind in (("names", "DDATA"), ("alias", "DDATA"), ("node", "NDATA"), ("old", "DDATA")):
        edge.do(step)
        assert values(listener.next(kind)) == wanted(sparkplug_node.expected(step)), step
    assert listener.host.losses == []


def test_gap_rebirth_and_death(edge: EdgeNode, listener: Listener) -> None:
    edge.do("birth")
    listener.next("NBIRTH")
    listener.next("DBIRTH")  # seq 1; 2 and 3 never come
    edge.do("gap")
    decoded = listener.next("DDATA")
    assert values(decoded) == wanted(sparkplug_node.expected("gap"))
    assert [(loss.expected, loss.got) for loss in listener.host.losses] == [(2, 4)]

    listener.publish(decoded)  # the library understands our command and answers with births
    edge.hears("command Node Control/Rebirth True")
    assert listener.next("NCMD").values == []
    born = values(listener.next("NBIRTH")) + values(listener.next("DBIRTH"))
    assert born == wanted(sparkplug_node.expected_birth())

    edge.do("alias")
    assert values(listener.next("DDATA")) == wanted(sparkplug_node.expected("alias"))
    assert len(listener.host.losses) == 1

    edge.do("die")
    assert listener.next("NDEATH").problems == []
    late = Incoming(f"spBv1.0/{GROUP}/DDATA/{EDGE}/em1", b"\x18\x08", datetime.now(UTC))
    assert [p.code for p in listener.host.decode(late, Options()).problems] == ["no_birth"]
