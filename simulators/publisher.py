"""A publisher that loses nothing the broker has not acknowledged, across kills of the broker."""

from __future__ import annotations

import threading
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from models.broker import BrokerAddress
from models.errors import ConfigError
from simulators.message import Message

_WINDOW = 200
_QUEUE = 2000


class Publisher:
    """QoS 1 with a bounded number of messages on the way.

    paho keeps what is not acknowledged and sends it again after a reconnect; this class bounds
    how much that can be and knows when all of it has arrived.
    """

    def __init__(self, login: BrokerAddress, client_id: str = "") -> None:
        self.published = 0
        self.acknowledged = 0
        self._login = login
        self._changed = threading.Condition()
        self._answered = threading.Event()
        self._refused = ""
        self._rejected = ""
        self._where = f"broker {login.host}:{login.port}"
        v5 = login.protocol == "5"
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311,
        )
        self._client.max_inflight_messages_set(_WINDOW)
        self._client.reconnect_delay_set(1, 5)
        login.log_in(self._client)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish

    def start(self, timeout_s: float = 10) -> Publisher:
        """Connect and begin to send.

        Raises:
            ConfigError: the broker is away or refuses us.
        """
        try:
            self._client.connect(self._login.host, self._login.port, keepalive=60)
        except OSError as exc:
            raise ConfigError(
                self._where,
                [
                    f"cannot be reached: {exc}; start it, or set "
                    "GREENPARK_MQTT_HOST and GREENPARK_MQTT_PORT"
                ],
            ) from exc
        self._client.loop_start()
        if not self._answered.wait(timeout_s) or self._refused:
            self._client.loop_stop()
            raise ConfigError(
                self._where,
                [
                    self._refused
                    or "does not answer the connection; check "
                    "GREENPARK_MQTT_PROTOCOL, user and password"
                ],
            )
        return self

    @property
    def waiting(self) -> int:
        """Messages handed over and not yet acknowledged by the broker."""
        return self.published - self.acknowledged

    def publish(self, message: Message, timeout_s: float | None = None) -> bool:
        """Hand a message over; waits while too many are on the way.

        Args:
            timeout_s: longest wait [s]; None waits for as long as the broker is away.

        Returns:
            False when the time was over: the message was not taken.

        Raises:
            ConfigError: the broker refused an earlier message for good.
        """
        with self._changed:
            if not self._changed.wait_for(
                lambda: self.waiting < _QUEUE or bool(self._rejected), timeout_s
            ):
                return False
            self._check()
            self.published += 1
        info = self._client.publish(message.topic, message.payload, qos=1)
        # NO_CONN is no loss: paho keeps the message and sends it after the reconnect
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise ConfigError(
                f"message to {message.topic}", [f"was not taken over by the client: {info.rc!r}"]
            )
        return True

    def flush(self, timeout_s: float = 60) -> bool:
        """Wait until everything is acknowledged; False when time ran out.

        Raises:
            ConfigError: the broker refused a message for good.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self.waiting or bool(self._rejected), timeout_s)
            self._check()
            return not self.waiting

    def _check(self) -> None:
        if self._rejected:
            raise ConfigError(
                self._where,
                [
                    f"refuses messages: {self._rejected}; may this user publish to the topics "
                    "of the park?"
                ],
            )

    def close(self) -> None:
        """Disconnect; what is not acknowledged is not sent any more."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, _client: mqtt.Client, _user: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._refused = f"refuses the connection: {reason}" if reason.is_failure else ""
        self._answered.set()

    def _on_publish(
        self, _client: mqtt.Client, _user: Any, _mid: int, reason: ReasonCode, _properties: Any
    ) -> None:
        with self._changed:
            if reason.is_failure:  # MQTT 5: a PUBACK that says no, e.g. not authorized
                self._rejected = str(reason)
            else:
                self.acknowledged += 1
            self._changed.notify_all()
