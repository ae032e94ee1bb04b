"""The thread that publishes: offers what waits in the queue, notes what the broker has.

At most one message of live readings and one slice of the backlog are on the way. Every connection
starts from the queue: what was not acknowledged on the last one is backlog on the next.
"""

from __future__ import annotations

import logging
import random
import secrets
import sqlite3
import threading
import time
from dataclasses import dataclass, field

from paho.mqtt.reasoncodes import ReasonCode

from gateway.config import GatewayConfig
from gateway.pace import Backoff, Hush, Slices
from gateway.queue import Queue, Row
from gateway.reading import Clock
from gateway.wire import Wire

log = logging.getLogger(__name__)

_ANSWER_S = 30.0  # a broker that is silent for longer is left
_LAST_ANSWERS_S = 5.0
_LIVE_ITEMS = 1000
_MAX_BYTES = 200_000  # below the 262,144 of the public contract
_TURN_S = 0.5


@dataclass
class _OnTheWay:
    numbers: list[int]
    live: bool
    since_s: float


@dataclass
class Uplink:
    """Publishes until `stopping`.

    Attributes:
        rng: spreads connections and backlogs of many gateways.
        connected: the broker has accepted us.
        acknowledged, refused: readings, on the broker's word.
    """

    config: GatewayConfig
    queue: Queue
    clock: Clock
    stopping: threading.Event
    rng: random.Random = field(default_factory=random.Random)
    connected: bool = False
    acknowledged: int = 0
    refused: int = 0
    _on_the_way: dict[int, _OnTheWay] = field(default_factory=dict)
    _acked: list[int] = field(default_factory=list)
    _leaving: bool = False

    def __post_init__(self) -> None:
        broker = self.config.broker
        self._where = f"broker {broker.host}:{broker.port}"
        # a name that others know could be used to throw us off the broker
        client_id = broker.client_id or f"gateway-{self.config.enterprise}-{secrets.token_hex(4)}"
        self._wire = Wire(broker.address(), client_id)
        self._backoff = Backoff(broker.connect_spread_s, broker.reconnect_max_s, self.rng)
        self._slices = Slices(self.config.resend, self.rng)
        self._hush = Hush()

    def wake(self) -> None:
        """Something new is in the queue."""
        self._wire.wake()

    def run(self) -> None:
        """Serve until `stopping`; reconnects for ever with growing, jittered pauses."""
        while not self.stopping.wait(self._backoff.pause_s()):
            self._leaving = False
            try:
                self._wire.open(self)
            except (OSError, ValueError) as exc:
                if self._hush.may_speak("connect", str(exc)):
                    log.warning("%s cannot be reached: %s; readings are kept", self._where, exc)
                continue
            self._serve()
            self._end_connection()
        self._note_acknowledged()
        self._wire.dispose()

    def _serve(self) -> None:
        stop_s = 0.0
        while self._wire.is_open and not self._leaving:
            now_s = time.monotonic()
            if self.stopping.is_set():
                stop_s = stop_s or now_s + _LAST_ANSWERS_S
                if not self._on_the_way or now_s > stop_s:
                    return
            elif self.connected and self._note_acknowledged():
                self._offer(now_s)
            if not self._wire.turn(min(_TURN_S, self._slices.wait_s(time.monotonic()))):
                return
            if any(now_s - sent.since_s > _ANSWER_S for sent in self._on_the_way.values()):
                log.warning("%s has not answered for %g s; leaving it", self._where, _ANSWER_S)
                return

    def _offer(self, now_s: float) -> None:
        under_way = {sent.live for sent in self._on_the_way.values()}
        try:
            if True not in under_way:
                self._publish(self.queue.waiting(_LIVE_ITEMS, live=True), now_s, live=True)
            if False not in under_way and self._slices.due(now_s):
                rows = self.queue.waiting(self._slices.items, live=False)
                if self._publish(rows, now_s, live=False):
                    self._slices.sent(now_s)
        except sqlite3.Error as exc:
            if self._hush.may_speak("read", str(exc)):
                log.warning("queue %s cannot be read: %s", self.queue.path, exc)

    def _publish(self, rows: list[Row], now_s: float, *, live: bool) -> bool:
        items: list[str] = []
        size = 2
        for row in rows:
            item = row.item()
            size += len(item) + 1  # ASCII
            if items and size > _MAX_BYTES:
                break
            items.append(item)
        if not items:
            return False
        mid = self._wire.send(self.config.topic, f"[{','.join(items)}]")
        self._on_the_way[mid] = _OnTheWay([r.seq for r in rows[: len(items)]], live, now_s)
        return True

    def _note_acknowledged(self) -> bool:
        """Write acknowledgements down; False: not possible now, so nothing new is offered."""
        if not self._acked:
            return True
        try:
            self.queue.acknowledge(self._acked, self.clock.now())
        except sqlite3.Error as exc:
            if self._hush.may_speak("note", str(exc)):
                log.warning("queue %s cannot be written: %s; trying again", self.queue.path, exc)
            return False
        self.acknowledged += len(self._acked)
        self._acked.clear()
        return True

    def _end_connection(self) -> None:
        self._wire.close()
        self.connected = self.queue.online = False
        if self._on_the_way:
            self._slices.failed()
        self._on_the_way.clear()

    # Called by the wire, in this thread.

    def on_connect(self, reason: ReasonCode) -> None:
        """Begin with everything that waits as backlog."""
        if reason.is_failure:
            self._refuse("the connection", reason, "check user, password, certificate and protocol")
            return
        try:
            self.queue.connected()
        except sqlite3.Error as exc:
            log.warning("queue %s: %s; connecting anew", self.queue.path, exc)
            self._leaving = True
            return
        self.connected = True
        self._slices.connected(time.monotonic())
        log.info("connected to %s, publishing to %s", self._where, self.config.topic)

    def on_disconnect(self, reason: ReasonCode) -> None:
        """Say it; the loop ends by itself."""
        if self.connected:
            log.warning("disconnected from %s: %s; readings are kept", self._where, reason)

    def on_answer(self, mid: int, reason: ReasonCode) -> None:
        """A PUBACK: the broker has the readings, or (MQTT 5) refuses them and they stay."""
        sent = self._on_the_way.pop(mid, None)
        if sent is None:
            return
        if reason.is_failure:
            self.refused += len(sent.numbers)
            remedy = (
                "may this user publish there? see `greenpark broker-config` and the broker's log"
            )
            self._refuse(f"readings on {self.config.topic}", reason, remedy)
            return
        self._acked.extend(sent.numbers)
        self._backoff.succeeded()
        self._slices.succeeded()

    def _refuse(self, what: str, reason: ReasonCode, remedy: str) -> None:
        if self._hush.may_speak(what, str(reason)):
            text = "ALARM: %s refuses %s: %s; %s; the readings stay in the queue"
            log.error(text, self._where, what, reason, remedy)
        self._backoff.refused()
        self._leaving = True
