"""Clients that others wrote, through broker and collector into the database."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.embedded import Broker
from collectors.service import Collector
from models.park import Park, load_park, parse_park
from models.periods import from_us
from storage.db import Conn
from storage.parks import apply_park
from tests import services
from tests.integration.conftest import PARK_FILE
from tests.integration.test_collector import Sender, wait_for
from tests.integration.test_sparkplug_peer import EDGE, GROUP, EdgeNode
from tests.peers import sparkplug_node
from tests.peers.environment import PYSPARKPLUG, peer_python

METER = "a-many"
GAUGE = {"quantity": "active_power", "unit": "W", "kind": "gauge"}
CHANNELS = {
    "import_kwh": {"quantity": "active_energy", "unit": "Wh", "kind": "register"},
    "temperature": {"quantity": "temperature", "unit": "degC", "kind": "gauge"},
    "voltage": {"quantity": "voltage", "unit": "mV", "kind": "gauge"},
    "current": {"quantity": "current", "unit": "A", "kind": "gauge"},
    "power": GAUGE,
}


@pytest.fixture
def applied(conn: Conn) -> Park:
    """The small park, with a meter that speaks Sparkplug and SenML."""
    document = load_park(PARK_FILE).model_dump(mode="json", exclude_defaults=True)
    alpha = document["enterprises"][0]
    name = {"zh": "多", "en": "many"}
    alpha["meters"] = [*alpha["meters"], {"key": METER, "name": name, "channels": CHANNELS}]
    alpha["sources"] = [
        {
            "topic": f"spBv1.0/{GROUP}/#",
            "format": "sparkplug",
            "devices": {f"{EDGE}/em1": {"meter": METER}},
        },
        {
            "topic": "park/testpark/alpha/senml/#",
            "format": "senml",
            "devices": {"urn:dev:ow:10e2073a0108006": {"meter": METER}},
        },
    ]
    park = parse_park(document, "test")
    with conn.transaction():
        apply_park(conn, park, datetime(2026, 1, 1, tzinfo=UTC))
    return park


@pytest.fixture
def running(collector: Callable[[], Collector]) -> Collector:
    made = collector()
    wait_for(lambda: len(made.subscriptions.known()[0]) == 2, "subscribed")
    return made


@pytest.fixture
def edge(broker: Broker) -> Iterator[EdgeNode]:
    made = EdgeNode(peer_python(*PYSPARKPLUG), broker)
    yield made
    made.close()


def stored(conn: Conn, meter: str) -> list[tuple[str, datetime, float]]:
    rows = conn.execute(
        "SELECT c.key, ts, value FROM reading JOIN channel c USING (channel_id)"
        " JOIN meter m USING (meter_id) WHERE m.key = %s ORDER BY ts, c.key",
        [meter],
    )
    return rows.fetchall()


def mosquitto_pub() -> list[str]:
    if services.ROOT:
        return ["chroot", services.ROOT, "/usr/bin/mosquitto_pub"]
    if shutil.which("mosquitto_pub") is None:
        services.missing("mosquitto_pub")
    return ["mosquitto_pub"]


def test_mosquitto_pub(running: Collector, broker: Broker, conn: Conn) -> None:
    """Value, unit (MWh of the channel, raw) and time of a message from the shell."""
    payload = {"ts": "2026-03-01T08:15:00+08:00", "values": {"import_kwh": 123456.78}}
    subprocess.run(
        [
            *mosquitto_pub(),
            *("-h", broker.host, "-p", str(broker.port), "-q", "1"),
            *("-V", "mqttv5" if broker.protocol == "5" else "mqttv311"),
            *("-t", "park/testpark/beta/b-grid", "-m", json.dumps(payload)),
        ],
        check=True,
        timeout=20,
    )
    wait_for(lambda: running.writer.counters["stored"] == 1, "stored")
    assert stored(conn, "b-grid") == [
        ("import_kwh", datetime(2026, 3, 1, 0, 15, tzinfo=UTC), 123456.78)
    ]


def test_sparkplug_edge_node(running: Collector, edge: EdgeNode, conn: Conn) -> None:
    """Births, data by alias and history of pysparkplug; a gap is told and a rebirth asked for."""
    edge.do("birth")
    wait_for(lambda: len(stored(conn, METER)) == 2, "the birth")
    born = from_us(sparkplug_node.START_MS * 1000)
    values = {name: float(value) for name, (_, value) in sparkplug_node.BORN.items()}
    expected = [
        ("import_kwh", born, values["import_kwh"]),
        ("temperature", born, values["temperature"]),
    ]
    assert stored(conn, METER) == expected
    for step in ("alias", "old", "gap"):
        edge.do(step)
    expected += [
        ("import_kwh", born + timedelta(milliseconds=after_ms), steps["import_kwh"])
        for after_ms, steps in (sparkplug_node.STEPS[s] for s in ("alias", "old", "gap"))
    ]
    wait_for(lambda: len(stored(conn, METER)) == 5, "all readings")
    assert stored(conn, METER) == sorted(expected, key=lambda r: (r[1], r[0]))
    edge.hears("command Node Control/Rebirth True")
    wait_for(lambda: running.writer.counters["duplicate"] == 2, "the second birth")
    wait_for(
        lambda: conn.execute("SELECT code FROM finding").fetchall() == [("sparkplug.loss",)],
        "the loss is told",
    )
    assert running.writer.counters["quarantined"] == 0


def test_host_application_says_whether_it_is_online(
    running: Collector, broker: Broker, conn: Conn
) -> None:
    """STATE: retained, offline while the database is away, and by will when the collector dies."""
    heard: list[bool] = []
    sender = Sender(broker)
    sender.client.on_message = lambda _c, _u, m: heard.append(json.loads(m.payload)["online"])
    sender.client.subscribe("spBv1.0/STATE/greenpark", qos=1)
    wait_for(lambda: heard == [True], "online, retained")
    running.writer.away(True)
    wait_for(lambda: heard[-1] is False, "offline")
    running.writer.away(False)
    wait_for(lambda: heard[-1] is True, "online again")
    sock = running.transport._client.packets._sock
    sock.shutdown(2)  # as when the process dies
    wait_for(lambda: False in heard[3:] and heard[-1] is True, "the will, then the next birth")
    sender.close()


# RFC 8428, section 5.1.3 (multiple measurements): base name, base time, base unit.
RFC_8428_5_1_3 = b"""[
 {"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"A","bver":5,
  "n":"voltage","u":"V","v":120.1},
 {"n":"current","t":-5,"v":1.2},
 {"n":"current","t":-4,"v":1.3},
 {"n":"current","t":-3,"v":1.4},
 {"n":"current","t":-2,"v":1.5},
 {"n":"current","t":-1,"v":1.6},
 {"n":"current","v":1.7}
]"""


def test_senml_of_the_rfc(running: Collector, broker: Broker, conn: Conn) -> None:
    """Names, times and units of the standard's own example; 120.1 V arrive as mV."""
    sender = Sender(broker)
    sender.send("park/testpark/alpha/senml/x", RFC_8428_5_1_3)
    sender.close()
    wait_for(lambda: running.writer.counters["stored"] == 7, "seven values")
    at = datetime(2010, 6, 8, 18, 1, 16, 1000, tzinfo=UTC)
    assert stored(conn, METER) == [
        *[("current", at - timedelta(seconds=5 - n), round(1.2 + n / 10, 1)) for n in range(5)],
        ("current", at, 1.7),
        ("voltage", at, pytest.approx(120_100.0)),
    ]
