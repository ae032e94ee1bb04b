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
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collectors.client import Client
from collectors.formats.base import Incoming, Publication
from collectors.inbox import Inbox
from collectors.packets import PacketSocket, ProtocolError
from collectors.subscriptions import Subscriptions
from models.broker import BrokerAddress
from models.errors import ConfigError
from models.periods import Clock

log = logging.getLogger(__name__)

_CATCH_UP_S = 5.0  # after a connect, what arrives may have waited at the broker
_PROOF_S = 0.1
_TAKEN_OVER = "Session taken over"
_REFUSED = (
    "Not authorized",
    "Bad user name or password",
    "Unsupported protocol version",
    "Client identifier not valid",
)


@dataclass
class Transport:
    """A persistent MQTT session that acknowledges only what it is told to.

    Attributes:
        window: most messages delivered and not yet acknowledged (Receive Maximum).
        generation: number of the present connection.
        sessions_lost: reconnects at which the broker had forgotten the session.
        in_flight: messages delivered on this connection and not yet acknowledged.
        proved: asked before a reconnect: has the database confirmed since then (monotonic
            seconds) that the client id is ours? Who lost it would throw out the successor.
    """

    address: BrokerAddress
    client_id: str
    subscriptions: Subscriptions
    window: int
    inbox: Inbox
    clock: Clock
    generation: int = 0
    sessions_lost: int = 0
    connected: bool = False
    in_flight: int = 0
    proved: Callable[[float], bool] = lambda since: True
    stopping: threading.Event = field(default_factory=threading.Event)
    _acks: deque[tuple[int, list[int]]] = field(default_factory=deque)
    _outgoing: deque[Publication] = field(default_factory=deque)
    _failure: str = ""
    _connected_at: float = 0.0
    _taken_over: deque[float] = field(default_factory=lambda: deque(maxlen=3))

    def __post_init__(self) -> None:
        self._wake_r, self._wake_w = socket.socketpair()
        self._wake_r.setblocking(False)
        self._wake_w.setblocking(False)
        self._client = Client(self.address, self.client_id)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_unsubscribe = self._on_unsubscribe
        self._client.on_disconnect = self._on_disconnect

    def acknowledge(self, messages: Sequence[Incoming]) -> None:
        """Called by the writer after the commit; the network thread sends the PUBACKs."""
        mids: dict[int, list[int]] = {}
        for message in messages:
            if message.mid:
                mids.setdefault(message.generation, []).append(message.mid)
        self._acks.extend(mids.items())
        self.wake()

    def publish(self, publications: Iterable[Publication]) -> None:
        """Send messages of our own; lost if there is no connection (QoS 0 replies)."""
        self._outgoing.extend(publications)
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
            since = time.monotonic()
            self.stopping.wait(pause_s * random.uniform(0.7, 1.3))  # noqa: S311
            while not self.proved(since) and not self.stopping.wait(_PROOF_S):
                pass
            pause_s = min(pause_s * 2, 30.0)

    def close(self, *, forget: bool = False) -> None:
        """Send the last acknowledgements and disconnect; the session stays at the broker.

        Args:
            forget: end the session: the broker keeps nothing for this client any more.
        """
        deadline = time.monotonic() + 5
        with suppress(OSError):
            self._send()
            self._client.end(forget=forget)
            while self._client.socket() and time.monotonic() < deadline:
                self._client.loop_write()
                if not self._client.want_write() and not self._client.packets.want_write:
                    break
        self._wake_r.close()
        self._wake_w.close()

    # The rest runs in the network thread only.

    def _connect(self) -> bool:
        self.connected = False
        will = self.subscriptions.will(self.clock.now())
        try:
            self._client.open_session(self.window, will)
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
        while not self.stopping.is_set() and self._client.socket() is not None:
            packets = self._client.packets
            stuck = self.inbox.full
            reading = [self._wake_r] if stuck else [self._wake_r, packets]
            writing = [packets] if self._client.want_write() or packets.want_write else []
            timeout = 0.0 if packets.pending() and not stuck else 0.5
            try:
                ready, _, _ = select.select(reading, writing, [], timeout)
                self._drain_wake()
                if packets in ready or timeout == 0.0:
                    self._receive(packets)
                self._send()
                packets.flush()
            except (OSError, ValueError) as exc:  # closed under us, or nonsense from the broker
                log.warning("connection to the broker is broken: %s", exc)
                self._break()
                break
            if self._client.want_write():
                self._client.loop_write()
            self._client.loop_misc()

    def _receive(self, packets: PacketSocket) -> None:
        packets.read()
        now = self.clock.now()
        while True:
            messages = packets.messages(now, self.generation, fresh=self._fresh())
            if messages:
                self.in_flight += sum(1 for m in messages if m.mid)
                self.inbox.put(messages)
            if not packets.control:
                return
            while packets.control and self._client.socket() is not None:
                self._client.loop_read()
            if self._client.socket() is None:
                return

    def _fresh(self) -> bool:
        """False while messages may come from the broker's queue, not straight from the sender."""
        settled = time.monotonic() - self._connected_at > _CATCH_UP_S
        return settled and self.in_flight < self.window // 2

    def _break(self) -> None:
        """Give up the connection; paho notices and calls back."""
        packets = self._client.packets
        packets.eof = True
        with suppress(OSError, ProtocolError):
            self._client.loop_read()

    def _drain_wake(self) -> None:
        try:
            while self._wake_r.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _send(self) -> None:
        while self._acks:
            generation, mids = self._acks.popleft()
            if generation == self.generation and self.connected:
                self._client.packets.acknowledge(mids)
                self.in_flight -= len(mids)
        if not self.connected:
            return
        if self.subscriptions.needs_will:
            log.info("connecting again, with a will for Sparkplug")
            self._client.disconnect()
            return
        while self._outgoing:
            message = self._outgoing.popleft()
            self._client.publish(message.topic, message.payload, message.qos, message.retain)
        wanted, unwanted = self.subscriptions.to_do()
        if wanted:
            self.subscriptions.asked(self._client.take_up(wanted), wanted)
        if unwanted:
            _, mid = self._client.unsubscribe(list(unwanted))
            self.subscriptions.asked(mid, unwanted)

    def _on_connect(
        self,
        _client: mqtt.Client,
        _user: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.error("broker refuses the connection: %s", reason)
            if str(reason) in _REFUSED:
                self._failure = (
                    f"refuses client {self.client_id!r}: {reason}; check user, "
                    "password, protocol and client id"
                )
            return
        if self.subscriptions.expected and not flags.session_present:
            self.sessions_lost += 1
            log.error("the broker has lost our session: messages may be missing")
        self.generation += 1
        self.connected = True
        self.in_flight = 0
        new = not self.generation > 1 and not flags.session_present
        self._connected_at = time.monotonic() - (2 * _CATCH_UP_S if new else 0)
        self.subscriptions.connected()
        if birth := self.subscriptions.birth():
            self._outgoing.append(birth)
        log.info(
            "connected, generation %d, session present: %s", self.generation, flags.session_present
        )

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _user: Any,
        mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        topics = self.subscriptions.granted(mid)
        refused = [
            f"{topic!r}: {r}" for topic, r in zip(topics, reasons, strict=False) if r.is_failure
        ]
        if refused:
            self._failure = f"refuses the subscription {', '.join(refused)}"
            self._client.disconnect()

    def _on_unsubscribe(
        self, _client: mqtt.Client, _user: Any, mid: int, _reasons: Any, _properties: Any
    ) -> None:
        self.subscriptions.dropped(mid)

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _user: Any,
        _flags: Any,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.connected = False
        if self.stopping.is_set():
            return
        log.warning("disconnected from the broker: %s", reason)
        if str(reason) == _TAKEN_OVER:
            self._taken_over.append(time.monotonic())
            if len(self._taken_over) == 3 and self._taken_over[-1] - self._taken_over[0] < 60:
                self._failure = (
                    f"another client uses our client id {self.client_id!r}; a collector on another "
                    "database, or a foreign one: give it its own GREENPARK_MQTT_CLIENT_ID"
                )
