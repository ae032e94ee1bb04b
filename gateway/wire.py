"""The MQTT connection: a new paho client each time, turned by one thread, woken by others."""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from models.broker import BrokerAddress

_KEEPALIVE_S = 60
_GOODBYE_S = 2.0


class Listener(Protocol):
    """Who wants to know what the broker says."""

    def on_connect(self, reason: ReasonCode) -> None:
        """The broker has answered the connection."""

    def on_answer(self, mid: int, reason: ReasonCode) -> None:
        """The broker has answered a message (PUBACK)."""

    def on_disconnect(self, reason: ReasonCode) -> None:
        """The connection is gone."""


@dataclass
class Wire:
    """All methods but `wake` belong to one thread."""

    address: BrokerAddress
    client_id: str

    def __post_init__(self) -> None:
        self._wake_r, self._wake_w = socket.socketpair()
        for end in (self._wake_r, self._wake_w):
            end.setblocking(False)
        self._client: mqtt.Client | None = None

    def wake(self) -> None:
        """Interrupt `turn` from another thread."""
        with suppress(OSError):  # it has enough to wake up for
            self._wake_w.send(b"x")

    def open(self, listener: Listener) -> None:
        """Connect anew, with nothing in memory from before.

        Raises:
            OSError: the broker cannot be reached, or TLS fails.
        """
        v5 = self.address.protocol == "5"
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.client_id,
            protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311,
        )
        self.address.log_in(client)
        client.on_connect = lambda _c, _u, _flags, reason, _p: listener.on_connect(reason)
        client.on_publish = lambda _c, _u, mid, reason, _p: listener.on_answer(mid, reason)
        client.on_disconnect = lambda _c, _u, _flags, reason, _p: listener.on_disconnect(reason)
        self._client = client
        client.connect(self.address.host, self.address.port, _KEEPALIVE_S)

    @property
    def is_open(self) -> bool:
        """True while there is a connection."""
        return self._client is not None and self._client.socket() is not None

    def send(self, topic: str, payload: str) -> int:
        """Publish with QoS 1; the answer will name this number."""
        assert self._client is not None  # noqa: S101
        return self._client.publish(topic, payload, qos=1).mid

    def turn(self, timeout_s: float) -> bool:
        """Write, wait for something to come or a wake, read; False when the connection is gone."""
        client = self._client
        if client is None or (sock := client.socket()) is None:
            return False
        if client.want_write():
            client.loop_write()
        decrypted = _has_decrypted(sock)
        writing = [sock] if client.want_write() else []
        try:
            ready, _, _ = select.select(
                [self._wake_r, sock], writing, [], 0.0 if decrypted else timeout_s
            )
        except (OSError, ValueError):  # closed under us
            return False
        if self._wake_r in ready:
            with suppress(BlockingIOError):
                while self._wake_r.recv(4096):
                    pass
        if sock in ready or decrypted:
            client.loop_read()
        client.loop_misc()
        return client.socket() is not None

    def close(self) -> None:
        """Disconnect; what the broker has not answered is forgotten here."""
        if self._client is None:
            return
        self._client.on_disconnect = None
        self._client.disconnect()
        deadline_s = time.monotonic() + _GOODBYE_S
        while self.is_open and self._client.want_write() and time.monotonic() < deadline_s:
            if self._client.loop_write():
                break
        self._client = None

    def dispose(self) -> None:
        """Close for good; `wake` does nothing from now on."""
        self.close()
        self._wake_r.close()
        self._wake_w.close()


def _has_decrypted(sock: Any) -> bool:
    """True when TLS has bytes that select cannot see."""
    pending = getattr(sock, "pending", None)
    return bool(pending and pending())
