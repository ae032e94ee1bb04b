"""One thread owns paho: it reads messages into the inbox and sends acknowledgements back.

An acknowledgement is sent only on the connection that delivered the message: packet ids start
again after a reconnect, and an old one would acknowledge a message nobody has stored.
"""

from __future__ import annotations

import logging
import random
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from collectors.inbox import Arrival, Inbox
from models.broker import BrokerAddress
from models.errors import ConfigError

log = logging.getLogger(__name__)

_SESSION_S = 30 * 86_400
_KEEPALIVE_S = 120


@dataclass
class Transport:
    """A persistent MQTT session that acknowledges only what it is told to.

    Attributes:
        window: most messages delivered and not yet acknowledged (Receive Maximum).
        generation: number of the present connection.
        sessions_lost: reconnects at which the broker had forgotten the session.
    """

    address: BrokerAddress
    client_id: str
    topic: str
    window: int
    inbox: Inbox
    generation: int = 0
    sessions_lost: int = 0
    connected: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)
    _acks: deque[tuple[int, int]] = field(default_factory=deque)
    _failure: str = ""

    def __post_init__(self) -> None:
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.setblocking(False)
        self._wake_w.setblocking(False)
        self._client = self._make_client()

    def acknowledge(self, arrivals: Sequence[Arrival]) -> None:
        """Called by the writer after the commit; the network thread sends the PUBACKs."""
        self._acks.extend((a.generation, a.mid) for a in arrivals if a.mid)
        self.wake()

    def wake(self) -> None:
        """Interrupt the wait of the network thread."""
        with suppress(OSError):  # it has enough to wake up for, or is closed
            self._wake_w.send(b"x")

    def run(self) -> None:
        """Serve until `stopping`; reconnects for ever with growing, jittered pauses.

        Raises:
            ConfigError: the broker refuses this client or its subscription for good.
        """
        pause_s = 0.2
        while not self.stopping.is_set():
            if self._connect():
                began = time.monotonic()
                self._serve()
                pause_s = 0.2 if time.monotonic() - began > 5 else pause_s
            if self._failure:
                raise ConfigError(
                    f"broker {self.address.host}:{self.address.port}", [self._failure]
                )
            self.stopping.wait(pause_s * random.uniform(0.7, 1.3))  # noqa: S311
            pause_s = min(pause_s * 2, 30.0)

    def close(self) -> None:
        """Send the last acknowledgements and disconnect; the session stays at the broker."""
        deadline = time.monotonic() + 5
        self._send_acks()
        while self._client.socket() and self._client.want_write() and time.monotonic() < deadline:
            self._client.loop_write()
        self._client.disconnect()
        while self._client.socket() and self._client.want_write() and time.monotonic() < deadline:
            self._client.loop_write()
        self._wake_r.close()
        self._wake_w.close()

    # The rest runs in the network thread only.

    def _make_client(self) -> mqtt.Client:
        v5 = self.address.protocol == "5"
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.client_id,
            manual_ack=True,
            protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311,
            clean_session=None if v5 else False,
        )
        self.address.log_in(client)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _connect(self) -> bool:
        self.connected = False
        kwargs: dict[str, Any] = {}
        if self.address.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _SESSION_S
            properties.ReceiveMaximum = self.window
            kwargs = {"clean_start": False, "properties": properties}
        try:
            self._client.connect(self.address.host, self.address.port, _KEEPALIVE_S, **kwargs)
        except (OSError, ValueError) as exc:
            log.warning(
                "broker %s:%d cannot be reached: %s; trying again",
                self.address.host,
                self.address.port,
                exc,
            )
            return False
        return True

    def _serve(self) -> None:
        while not self.stopping.is_set() and (sock := self._client.socket()) is not None:
            reading = [self._wake_r] if self.inbox.full else [self._wake_r, sock]
            writing = [sock] if self._client.want_write() else []
            timeout = 0.0 if _pending(sock) and not self.inbox.full else 0.5
            try:
                ready, writable, _ = select.select(reading, writing, [], timeout)
            except (OSError, ValueError):
                break  # the socket was closed under us
            self._drain_wake()
            self._send_acks()
            if sock in ready or timeout == 0.0:
                self._client.loop_read()
            if sock in writable or self._client.want_write():
                self._client.loop_write()
            self._client.loop_misc()

    def _drain_wake(self) -> None:
        try:
            while self._wake_r.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _send_acks(self) -> None:
        while self._acks:
            generation, mid = self._acks.popleft()
            if generation == self.generation and self.connected:
                self._client.ack(mid, 1)

    def _on_connect(
        self,
        client: mqtt.Client,
        _user: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.error("broker refuses the connection: %s", reason)
            if str(reason) in (
                "Not authorized",
                "Bad user name or password",
                "Unsupported protocol version",
                "Client identifier not valid",
            ):
                self._failure = (
                    f"refuses client {self.client_id!r}: {reason}; check user, "
                    "password, protocol and client id"
                )
            return
        if self.generation and not flags.session_present:
            self.sessions_lost += 1
            log.error("the broker has lost our session: messages may be missing")
        self.generation += 1
        self.connected = True
        if self.address.protocol == "5":
            client.subscribe(self.topic, options=SubscribeOptions(qos=1, retainHandling=1))
        else:
            client.subscribe(self.topic, qos=1)
        log.info(
            "connected, generation %d, session present: %s", self.generation, flags.session_present
        )

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _user: Any,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        refused = [r for r in reasons if r.is_failure]
        if refused:
            self._failure = f"refuses the subscription {self.topic!r}: {refused[0]}"
            self._client.disconnect()

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _user: Any,
        _flags: Any,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.connected = False
        if not self.stopping.is_set():
            log.warning("disconnected from the broker: %s", reason)

    def _on_message(self, _client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        # `message.topic` raises on invalid UTF-8; the bytes never do
        self.inbox.put(
            Arrival(
                self.generation,
                message.mid if message.qos else 0,
                message._topic,
                bytes(message.payload),
            )
        )


def _pending(sock: Any) -> bool:
    """True when TLS has decrypted bytes that select cannot see."""
    pending = getattr(sock, "pending", None)
    return bool(pending and pending())
