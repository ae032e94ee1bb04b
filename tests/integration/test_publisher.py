"""The publisher against a real broker, and against one that says no."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from app.embedded import Broker, free_port
from models.broker import BrokerAddress
from models.errors import ConfigError
from simulators.message import Message
from simulators.publisher import Publisher
from tests.integration.test_collector import wait_for


def message(number: int) -> Message:
    return Message(datetime.now(UTC), "park/p/e/m", b"%d" % number, 1)


def login(broker: Broker, protocol: str = "") -> BrokerAddress:
    return BrokerAddress(broker.host, broker.port, protocol or broker.protocol)


class Listener:
    """A subscriber whose session survives the broker's restart."""

    def __init__(self, broker: Broker) -> None:
        self.got: list[int] = []
        self.subscribed = threading.Event()
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id="listener",
            protocol=mqtt.MQTTv311,
            clean_session=False,
        )
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda c, *_: c.subscribe("park/#", qos=1)
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = lambda _c, _u, m: self.got.append(int(m.payload))
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        assert self.subscribed.wait(10)


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    made = Listener(broker)
    yield made
    made.client.disconnect()
    made.client.loop_stop()


@pytest.fixture
def publisher(broker: Broker) -> Iterator[Publisher]:
    made = Publisher(login(broker)).start()
    yield made
    made.close()


def test_everything_arrives_in_order(listener: Listener, publisher: Publisher) -> None:
    for number in range(3000):
        assert publisher.publish(message(number))
    assert publisher.flush(30)
    assert (publisher.published, publisher.acknowledged, publisher.waiting) == (3000, 3000, 0)
    wait_for(lambda: len(listener.got) >= 3000, "all messages")
    assert listener.got == list(range(3000))


def test_protocol_3_1_1(broker: Broker, listener: Listener) -> None:
    old = Publisher(login(broker, "3.1.1")).start()
    old.publish(message(7))
    assert old.flush(10)
    old.close()
    wait_for(lambda: listener.got == [7], "the message")


@pytest.mark.mosquitto
def test_nothing_is_lost_when_the_broker_is_killed(
    broker: Broker, listener: Listener, publisher: Publisher
) -> None:
    total = 3000

    def publish_all() -> None:
        for number in range(total):
            publisher.publish(message(number))
            time.sleep(0.0005)

    sender = threading.Thread(target=publish_all)
    sender.start()
    wait_for(lambda: publisher.acknowledged > 500, "a good part sent")
    broker.kill()
    time.sleep(0.5)
    assert publisher.published < total
    assert not publisher.flush(0.1)  # what waits is known
    broker.start()
    sender.join(60)
    assert publisher.flush(60)
    assert publisher.acknowledged == total
    wait_for(lambda: len(set(listener.got)) == total, "every message", 60)
    # at least once: the window that was on the way may come twice
    assert len(listener.got) < total + 500


def test_a_full_queue_waits_only_as_long_as_told(broker: Broker, publisher: Publisher) -> None:
    broker.kill()
    taken = 0
    while publisher.publish(message(taken), 0.2):
        taken += 1
        assert taken <= 2000
    assert 1900 <= taken <= 2000  # bounded, and nothing was dropped
    assert publisher.waiting >= 1900


def test_a_broker_that_is_away() -> None:
    port = free_port()
    with pytest.raises(ConfigError, match=rf"127.0.0.1:{port}.*\n.*GREENPARK_MQTT_HOST") as caught:
        Publisher(BrokerAddress("127.0.0.1", port)).start(3)
    assert "cannot be reached" in str(caught.value)


def test_the_password_is_not_shown() -> None:
    assert "s3cret" not in repr(BrokerAddress("h", 1, username="u", password="s3cret"))


class Refuser:
    """An MQTT 5 broker that says no with given codes to CONNECT or to PUBLISH."""

    def __init__(self, connack: int, puback: int) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.codes = connack, puback
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            client, _ = self.server.accept()
            with client:
                client.recv(1000)
                client.sendall(bytes([0x20, 3, 0, self.codes[0], 0]))
                while packet := client.recv(1000):
                    if packet[0] >> 4 == 3:  # PUBLISH with a short topic, its mid follows
                        length = packet[3]
                        mid = packet[4 + length : 6 + length]
                        client.sendall(bytes([0x40, 4, *mid, self.codes[1], 0]))

    def close(self) -> None:
        self.server.close()
        self.thread.join(5)


NOT_AUTHORIZED = 0x87


def test_a_refused_login_says_so_at_once() -> None:
    refuser = Refuser(NOT_AUTHORIZED, 0)
    began = time.monotonic()
    with pytest.raises(ConfigError, match="refuses the connection: Not authorized"):
        Publisher(BrokerAddress("127.0.0.1", refuser.port)).start()
    assert time.monotonic() - began < 5
    refuser.close()


def test_a_refused_message_is_not_counted_as_arrived() -> None:
    refuser = Refuser(0, NOT_AUTHORIZED)
    made = Publisher(BrokerAddress("127.0.0.1", refuser.port)).start()
    made.publish(message(1))
    with pytest.raises(ConfigError, match="refuses messages: Not authorized"):
        made.flush(5)
    assert made.acknowledged == 0
    with pytest.raises(ConfigError, match="refuses messages"):
        made.publish(message(2))
    made.close()
    refuser.close()
