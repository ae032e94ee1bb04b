"""Listening at the broker without being a collector: nothing is acknowledged for anybody else.

The session is our own and not persistent: what passes while the connection is away is not heard.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from models.broker import BrokerAddress
from models.errors import ConfigError
from models.periods import Clock

_KEEPALIVE_S = 60
_WAIT_S = 0.2


@dataclass
class Capture:
    """Hands every message of some topics to `sink`, with its arrival.

    Attributes:
        topics: topic filters.
        sink: gets arrival, topic, payload and whether the broker had kept it (retained).
        notice: gets sentences for people.
        connected: subscribed now.
        interruptions: connections lost.
    """

    address: BrokerAddress
    topics: Sequence[str]
    sink: Callable[[datetime, str, bytes, bool], None]
    clock: Clock
    notice: Callable[[str], None] = lambda sentence: None
    stopping: threading.Event = field(default_factory=threading.Event)
    connected: bool = False
    interruptions: int = 0
    _failure: str = ""

    def run(self, tick: Callable[[], None] = lambda: None) -> None:
        """Listen until `stopping` is set.

        Args:
            tick: called about five times a second.

        Raises:
            ConfigError: the broker is away at the start, or refuses us.
        """
        client = self._make_client()
        try:
            client.connect(self.address.host, self.address.port, _KEEPALIVE_S)
        except (OSError, ValueError) as exc:
            raise self._refusal(
                f"cannot be reached: {exc}; set GREENPARK_MQTT_HOST and GREENPARK_MQTT_PORT"
            ) from exc
        pause_s = 0.5
        while not self.stopping.is_set():
            code = client.loop(_WAIT_S)
            if self._failure:
                raise self._refusal(self._failure)
            tick()
            if code == MQTTErrorCode.MQTT_ERR_SUCCESS:
                pause_s = 0.5 if self.connected else pause_s
                continue
            self.stopping.wait(pause_s * random.uniform(0.7, 1.3))  # noqa: S311
            pause_s = min(pause_s * 2, 15.0)
            self._reconnect(client)
        client.disconnect()

    def _make_client(self) -> mqtt.Client:
        v5 = self.address.protocol == "5"
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"greenpark-capture-{secrets.token_hex(4)}",
            protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311,
            clean_session=None if v5 else True,
        )
        self.address.log_in(client)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _reconnect(self, client: mqtt.Client) -> None:
        if self.stopping.is_set():
            return
        try:
            client.reconnect()
        except (OSError, ValueError) as exc:
            self.notice(f"the broker cannot be reached: {exc}; trying again")

    def _refusal(self, fault: str) -> ConfigError:
        return ConfigError(f"broker {self.address.host}:{self.address.port}", [fault])

    def _on_connect(
        self, client: mqtt.Client, _user: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._failure = f"refuses the connection: {reason}; check user, password, protocol"
            return
        client.subscribe([(topic, 1) for topic in self.topics])

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _user: Any,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Any,
    ) -> None:
        refused = [
            f"{topic!r}: {reason}"
            for topic, reason in zip(self.topics, reasons, strict=False)
            if reason.is_failure
        ]
        if refused:
            self._failure = f"refuses the subscription {', '.join(refused)}"
        self.connected = True
        self.notice(f"listening to {', '.join(self.topics)}")

    def _on_disconnect(
        self, _client: mqtt.Client, _user: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if self.connected and not self.stopping.is_set():
            self.interruptions += 1
            self.notice(f"connection lost ({reason}): what passes until it is back is not captured")
        self.connected = False

    def _on_message(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        if not self.stopping.is_set():
            self.sink(self.clock.now(), message.topic, bytes(message.payload), message.retain)
