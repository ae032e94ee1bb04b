"""Strangers stay out, and an enterprise writes its own topics only: a real broker with TLS.

The files are those of broker-config; Mosquitto for both kinds of login, amqtt for passwords.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from app.brokerconf.certificates import make_authority, make_client
from app.brokerconf.users import COLLECTOR, SIMULATOR
from app.clock import RealClock
from app.embedded import Broker
from collectors.service import Collector, CollectorSettings
from models.broker import BrokerAddress
from models.park import Park
from storage.db import Conn, connect
from storage.parks import apply_park
from tests import services
from tests.integration.broker_site import ALPHA, BETA, NOW, Client, Site, refused, with_sources
from tests.integration.test_collector import count, wait_for

Dial = Callable[..., Client]


@pytest.fixture(params=["passwords", "certificates"])
def site(tmp_path: Path, park: Park, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A running broker for the small park, with one kind of login."""
    made = Site(with_sources(park), request.param == "certificates")
    made.broker = services.make_broker(tmp_path, made.secure)
    if request.node.get_closest_marker("mosquitto") and not made.broker.durable:
        services.missing("Mosquitto 2.1 with its plugins")
    if made.certificates and made.broker.name == "amqtt":
        services.missing("Mosquitto: amqtt cannot take a certificate as the login")
    made.broker.start()
    yield made
    made.broker.stop()
    services.discard(made.broker)


@pytest.fixture
def dial(site: Site) -> Iterator[Dial]:
    """Connects as a user, or with another address; asserts that it worked unless told otherwise."""
    clients: list[Client] = []

    def connect_as(who: str | BrokerAddress, *, client_id: str = "", ok: bool = True) -> Client:
        address = site.login(who) if isinstance(who, str) else who
        clients.append(Client(address, client_id))
        assert (clients[-1].refusal == "") is ok, clients[-1].refusal
        return clients[-1]

    yield connect_as
    for client in clients:
        client.close()


def topics(client: Client) -> list[str]:
    return [topic for topic, _ in client.got]


def refused_as(site: Site) -> str:
    return "Not authorized" if site.broker.protocol == "5" else "Success"


@pytest.mark.parametrize(
    ("user", "own", "foreign"),
    [
        (ALPHA, "park/testpark/alpha/a-grid", "park/testpark/beta/b-grid"),
        (ALPHA, "park/testpark/alpha", "park/testpark/beta"),
        (ALPHA, "park/testpark/alpha/a-grid", "park/testpark/alpha2/a-grid"),
        (ALPHA, "park/testpark/alpha/a-grid", "park/testpark"),
        (ALPHA, "park/testpark/alpha/a-grid", "park/otherpark/alpha/a-grid"),
        (ALPHA, "shellies/alpha/em/energy", "spBv1.0/beta/NDATA/gw"),
        (BETA, "spBv1.0/beta/NDATA/gw", "shellies/alpha/em/energy"),
        (BETA, "spBv1.0/beta/NDATA/gw", "spBv1.0/other/NDATA/gw"),
        (BETA, "spBv1.0/beta/NDATA/gw", "spBv1.0/STATE/greenpark"),
        (SIMULATOR, "park/testpark/beta/b-grid", "shellies/alpha/em/energy"),
        (COLLECTOR, "spBv1.0/beta/NCMD/gw", "park/testpark/alpha/a-grid"),
        (COLLECTOR, "spBv1.0/beta/NCMD/gw", "park/testpark/alpha"),
        (COLLECTOR, "spBv1.0/beta/NCMD/gw", "shellies/alpha/em/energy"),
        (COLLECTOR, "spBv1.0/beta/NCMD/gw", "spBv1.0/beta/NDATA/gw"),
    ],
)
def test_everybody_writes_what_is_his(
    site: Site, dial: Dial, user: str, own: str, foreign: str
) -> None:
    reader = dial(COLLECTOR).subscribe("park/#", "shellies/#", "spBv1.0/#", "shellies/alpha/#")
    reader.subscribe("spBv1.0/beta/#")
    writer = dial(user)
    assert writer.publish(foreign) == refused_as(site)
    assert writer.publish(own, b"mine") == "Success"
    wait_for(lambda: (own, b"mine") in reader.got, "the permitted message")
    assert foreign not in topics(reader)  # it came first, and QoS 1 keeps the order


def test_an_enterprise_reads_nothing(site: Site, dial: Dial) -> None:
    everything = ("#", "+/#", "park/#", "park/testpark/alpha/#", "$SYS/#", "shellies/alpha/#")
    spy = dial(ALPHA).subscribe(*everything)
    spy.subscribe("spBv1.0/#", "spBv1.0/STATE/+", "park/testpark/beta/b-grid")
    reader = dial(COLLECTOR).subscribe("park/#", "shellies/alpha/#")
    simulator = dial(SIMULATOR)
    for topic in ("park/testpark/beta/b-grid", "park/testpark/alpha/a-grid"):
        simulator.publish(topic)
        wait_for(lambda: topic in topics(reader), topic)  # noqa: B023
    dial(COLLECTOR).publish("spBv1.0/STATE/greenpark")
    spy.publish("shellies/alpha/em")  # when this is answered, all before it would have come
    wait_for(lambda: "shellies/alpha/em" in topics(reader), "the spy is connected")
    assert spy.got == []


@pytest.mark.mosquitto  # amqtt sends retained messages to whom it has refused the subscription
def test_retained_messages_of_others_are_not_read(site: Site, dial: Dial) -> None:
    simulator = dial(SIMULATOR)
    simulator.mqtt.publish("park/testpark/beta/b-grid", b"secret", qos=1, retain=True)
    simulator.publish("park/testpark/beta")
    reader = dial(COLLECTOR).subscribe("park/#")
    wait_for(lambda: "park/testpark/beta/b-grid" in topics(reader), "the retained message")
    spy = dial(ALPHA).subscribe("park/testpark/beta/b-grid", "#")
    spy.publish("park/testpark/alpha")
    assert spy.got == []


def test_a_sparkplug_node_hears_its_commands_and_the_host_and_no_more(
    site: Site, dial: Dial
) -> None:
    node = dial(BETA).subscribe(
        "spBv1.0/beta/NCMD/gw", "spBv1.0/beta/DCMD/gw/#", "spBv1.0/STATE/+", "spBv1.0/#", "park/#"
    )
    host, simulator = dial(COLLECTOR), dial(SIMULATOR)
    simulator.publish("park/testpark/beta/b-grid")
    for topic in ("spBv1.0/other/NCMD/gw", "spBv1.0/STATE/greenpark", "spBv1.0/beta/NCMD/gw"):
        host.publish(topic)
    node.publish("spBv1.0/beta/NDATA/gw")  # its own: allowed, but not read
    wanted = {"spBv1.0/STATE/greenpark", "spBv1.0/beta/NCMD/gw"}
    wait_for(lambda: wanted <= set(topics(node)), "commands and state")
    assert set(topics(node)) == wanted


def test_strangers_stay_out(site: Site, dial: Dial, tmp_path: Path) -> None:
    good = site.login(ALPHA)
    dial(good)
    bare = replace(good, username="", password="", cert_file=None, key_file=None)
    dial(bare, ok=False)
    other = make_authority(NOW)
    dial(replace(good, ca_file=None, cert_file=None, key_file=None), ok=False)  # without TLS
    if site.certificates:
        forged = make_client(other, ALPHA, NOW)
        for name, content in (("forged.crt", forged.certificate), ("forged.key", forged.key)):
            (tmp_path / name).write_bytes(content)
        dial(
            replace(good, cert_file=tmp_path / "forged.crt", key_file=tmp_path / "forged.key"),
            ok=False,
        )
        dial(replace(bare, username=ALPHA, password="guess"), ok=False)
    else:
        dial(replace(good, password="wrong"), ok=False)
        dial(replace(good, password=""), ok=False)
        dial(replace(good, username=BETA), ok=False)
        dial(replace(good, username="nobody"), ok=False)


def test_a_false_broker_is_found_out(site: Site, tmp_path: Path) -> None:
    shake(site.login(ALPHA), site.broker.host)
    (tmp_path / "other.crt").write_bytes(make_authority(NOW).certificate)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        shake(replace(site.login(ALPHA), ca_file=tmp_path / "other.crt"), site.broker.host)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake(site.login(ALPHA), "elsewhere.example")


def shake(address: BrokerAddress, name: str) -> None:
    """The TLS handshake of a client that has logged in with `address`."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    address.log_in(client)
    with (
        socket.create_connection((address.host, address.port), 10) as plain,
        client._ssl_context.wrap_socket(plain, server_hostname=name),  # type: ignore[union-attr]
    ):
        pass


@pytest.mark.mosquitto
def test_a_new_login_locks_the_old_one_out_after_a_reload(
    site: Site, dial: Dial, tmp_path: Path
) -> None:
    old = site.login(ALPHA)
    if site.certificates:
        (tmp_path / "old.crt").write_bytes((site.folder(ALPHA) / "client.crt").read_bytes())
        (tmp_path / "old.key").write_bytes((site.folder(ALPHA) / "client.key").read_bytes())
        old = replace(old, cert_file=tmp_path / "old.crt", key_file=tmp_path / "old.key")
    dial(old)
    site.again(site.park, "alpha")
    wait_for(lambda: refused(old), "the old login is refused")
    dial(ALPHA)
    dial(BETA)


@pytest.mark.mosquitto
def test_an_enterprise_that_left_is_locked_out_and_one_that_came_gets_in(
    site: Site, dial: Dial, tmp_path: Path
) -> None:
    alpha, _ = site.park.enterprises
    old = site.login(BETA)
    kept = {path.name: path.read_bytes() for path in site.folder(BETA).iterdir()}
    newcomer = alpha.model_copy(update={"key": "gamma", "sources": (), "meters": ()})
    site.again(site.park.model_copy(update={"enterprises": (alpha, newcomer)}))
    for name, content in kept.items():  # the enterprise still has its copy
        (tmp_path / name).write_bytes(content)
    if site.certificates:
        old = replace(old, cert_file=tmp_path / "client.crt", key_file=tmp_path / "client.key")
    old = replace(old, ca_file=tmp_path / "ca.crt")
    wait_for(lambda: refused(old), "the one that left is refused")
    assert dial("testpark.gamma").publish("park/testpark/gamma/g-grid") != "Not authorized"
    assert dial(ALPHA).publish("park/testpark/gamma/g-grid") == "Not authorized"


@pytest.mark.mosquitto
def test_nobody_can_guess_the_session_of_the_collector(site: Site, dial: Dial) -> None:
    # a broker gives a session to whoever knows its client id, whatever the user: so it is secret
    own_id = (site.folder(COLLECTOR) / "client_id").read_text().strip()
    assert len(own_id.removeprefix("greenpark-collector-")) == 16
    first = Client(site.login(COLLECTOR), own_id, clean_start=False, properties=_long_session())
    first.subscribe("park/#").close()
    thief = dial(ALPHA, client_id="greenpark-collector")
    thief.publish("park/testpark/alpha/a-grid", b"kept")
    again = Client(site.login(COLLECTOR), own_id, clean_start=False, properties=_long_session())
    wait_for(lambda: bool(again.got), "the broker has kept the message for the collector")
    again.close()


def _long_session() -> mqtt.Properties:
    made = mqtt.Properties(mqtt.PacketTypes.CONNECT)  # type: ignore[attr-defined]
    made.SessionExpiryInterval = 3600
    return made


def test_the_collector_stores_over_tls_as_its_user(
    site: Site, dial: Dial, dsn: str, conn: Conn
) -> None:
    with conn.transaction():
        apply_park(conn, site.park, datetime(2026, 1, 1, tzinfo=UTC))
    own_id = (site.folder(COLLECTOR) / "client_id").read_text().strip()
    collector = Collector(
        site.login(COLLECTOR),
        lambda application: connect(dsn, application=application),
        RealClock(),
        CollectorSettings(own_id, linger_s=0.02),
    )
    node = dial(BETA).subscribe("spBv1.0/STATE/+")
    thread = threading.Thread(target=collector.run, daemon=True)
    thread.start()
    try:
        alpha = dial(ALPHA)
        item = {"ts": "2026-03-01T08:00:00+08:00", "values": {"import_kwh": 5}}
        wait_for(lambda: bool(node.got), "the collector says that it is online")
        alpha.publish("park/testpark/alpha/a-grid", json.dumps(item).encode())
        wait_for(lambda: collector.writer.counters["stored"] == 1, "stored")
        assert count(conn, "reading") == 1
    finally:
        collector.stop()
        thread.join(20)
    assert collector.failure is None


def test_a_permissive_broker_does_not_help_a_thief(
    collector: Callable[[], Collector], broker: Broker, dsn: str, conn: Conn
) -> None:
    # the second line of defence: here everybody may publish everything
    made = collector()
    wait_for(lambda: made.transport.connected, "connected")
    thief = Client(BrokerAddress(broker.host, broker.port, broker.protocol))
    item = {"ts": "2026-03-01T08:00:00+08:00", "values": {"import_kwh": 1}}
    thief.publish("park/testpark/alpha/b-grid", json.dumps(item).encode())
    thief.publish("park/testpark/alpha", json.dumps([{"m": "b-grid", **item}]).encode())
    wait_for(lambda: made.writer.counters["quarantined"] == 2, "refused")
    thief.close()
    assert count(conn, "reading") == 0
    rows = conn.execute("SELECT reason, topic FROM quarantine ORDER BY topic").fetchall()
    assert rows == [
        ("ownership", "park/testpark/alpha"),
        ("ownership", "park/testpark/alpha/b-grid"),
    ]
    shown = subprocess.run(
        [sys.executable, "-m", "app.cli", "findings", "--format", "json"],
        env={**os.environ, "GREENPARK_DSN": dsn},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = [f for f in json.loads(shown.stdout) if f["code"] == "quarantine.ownership"]
    assert {f["enterprise"] for f in found} <= {"alpha", None}
    assert sum("park/testpark/alpha" in json.dumps(f["evidence"]) for f in found) == 2
