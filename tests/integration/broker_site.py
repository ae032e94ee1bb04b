"""A secured broker, the hand-outs of its users, and a client that says why it was refused."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from app.brokerconf.options import Options
from app.brokerconf.plan import make_plan
from app.brokerconf.users import COLLECTOR, SIMULATOR
from app.embedded import Broker
from models.broker import BrokerAddress
from models.park import Park
from models.sources import Source
from tests import services
from tests.integration.test_collector import wait_for

NOW = datetime.now(UTC)
ALPHA, BETA = "testpark.alpha", "testpark.beta"
SOURCES = {
    "alpha": Source(topic="shellies/alpha/#", format="native", devices={"x": "a-grid"}),
    "beta": Source(topic="spBv1.0/beta/#", format="sparkplug", devices={"gw/x": "b-grid"}),
}


def with_sources(park: Park) -> Park:
    """Alpha has devices below a topic of their own, beta has a Sparkplug edge node."""
    changed = [e.model_copy(update={"sources": (SOURCES[e.key],)}) for e in park.enterprises]
    return park.model_copy(update={"enterprises": tuple(changed)})


@dataclass
class Site:
    """A secured broker and the hand-outs of its users."""

    park: Park
    certificates: bool
    broker: Broker = field(init=False)
    options: Options = field(init=False)

    @property
    def access(self) -> Path:
        assert self.broker.access
        return self.broker.access

    def secure(self, out: Path, options: Options) -> None:
        self.options = replace(options, certificates=self.certificates)
        make_plan(out, [self.park], self.options, NOW).write()

    def again(self, park: Park, *rotate: str) -> None:
        """Run broker-config once more, bring the files over and reload."""
        make_plan(self.access, [park], self.options, NOW, rotate).write()
        services.install(self.broker)
        assert self.broker.process
        self.broker.process.send_signal(signal.SIGHUP)

    def folder(self, user: str) -> Path:
        short = {COLLECTOR: "collector", SIMULATOR: "simulator"}
        return self.access / short.get(user, f"enterprises/{user}")

    def login(self, user: str) -> BrokerAddress:
        """The login as the hand-out describes it."""
        mine = self.folder(user)
        address = BrokerAddress(
            self.broker.host, self.broker.port, self.broker.protocol, ca_file=mine / "ca.crt"
        )
        if self.certificates:
            return replace(address, cert_file=mine / "client.crt", key_file=mine / "client.key")
        password = (mine / "password").read_text().strip()
        return replace(address, username=user, password=password)


class Client:
    """A connection; `refusal` tells why there is none."""

    def __init__(self, address: BrokerAddress, client_id: str = "", **connect: Any) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.codes: dict[int, str] = {}
        self.refusal: str | None = None
        self.granted = threading.Event()
        v5 = address.protocol == "5"
        protocol = mqtt.MQTTv5 if v5 else mqtt.MQTTv311
        self.mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=protocol)
        address.log_in(self.mqtt)
        self.mqtt.on_connect = lambda _c, _u, _f, code, _p: self._answer(code)
        self.mqtt.on_disconnect = lambda *_: self._answer("closed")
        self.mqtt.on_message = lambda _c, _u, m: self.got.append((m.topic, m.payload))
        self.mqtt.on_publish = lambda _c, _u, mid, code, _p: self.codes.update({mid: str(code)})
        self.mqtt.on_subscribe = lambda *_: self.granted.set()
        try:
            self.mqtt.connect(address.host, address.port, **connect)
        except OSError as exc:
            self.refusal = f"{type(exc).__name__} {exc}"
            return
        self.mqtt.loop_start()
        wait_for(lambda: self.refusal is not None, "an answer to the connection")
        if self.refusal:
            self.close()

    def _answer(self, code: Any) -> None:
        if self.refusal is None:
            self.refusal = "" if str(code) == "Success" else str(code)

    def publish(self, topic: str, payload: bytes = b"x") -> str:
        """Reason code of the PUBACK (MQTT 5); before version 5 it always sounds like success."""
        mid = self.mqtt.publish(topic, payload, qos=1).mid
        wait_for(lambda: mid in self.codes, f"PUBACK of {topic}")
        return self.codes[mid]

    def subscribe(self, *topics: str) -> Client:
        self.granted.clear()
        self.mqtt.subscribe([(topic, 1) for topic in topics])
        assert self.granted.wait(10)
        return self

    def close(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def refused(address: BrokerAddress) -> bool:
    """Whether the broker refuses a login; one that is taken leaves no thread behind."""
    client = Client(address)
    client.close()
    return bool(client.refusal)
