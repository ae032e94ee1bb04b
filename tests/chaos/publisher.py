"""A gateway as a process of its own: QoS 1, a steady rate, a ledger of what was acknowledged.

What was not acknowledged when a connection broke is sent again, byte by byte the same (paho keeps
it). Ledger lines: `S number time`, `A number time reason`, times in seconds of the wall clock.
SIGTERM: no new messages, wait for the missing acknowledgements, end.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.chaos.load import Load

NO_SUBSCRIBER = 0x10


class Publisher:
    """Sends message after message, at most `window` of them un-acknowledged."""

    def __init__(self, load: Load, port: int, ledger: Path, window: int) -> None:
        self.load, self.window = load, window
        self.numbers: dict[int, int] = {}  # packet id -> message number, not acknowledged
        self.acks: deque[tuple[int, int, float]] = deque()  # from the network thread
        self.refused: deque[int] = deque()
        self.next = 0
        self.unheard = set(range(load.enterprises))  # their first messages: no subscriber yet
        self.ledger = ledger.open("w", encoding="ascii")
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="chaos-publisher", protocol=mqtt.MQTTv5
        )
        self.client.max_inflight_messages_set(window)
        self.client.reconnect_delay_set(1, 2)
        self.client.on_publish = self._on_publish
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        self.client.connect_async(
            "127.0.0.1", port, keepalive=4, clean_start=False, properties=properties
        )
        self.client.loop_start()

    def _on_publish(
        self, _client: Any, _user: Any, mid: int, reason: ReasonCode, _properties: Any
    ) -> None:
        self.acks.append((mid, reason.value, time.time()))

    def settle(self) -> None:
        """Write down what was acknowledged."""
        while self.acks:
            mid, reason, at = self.acks.popleft()
            number = self.numbers.pop(mid)
            if number in self.unheard and reason == NO_SUBSCRIBER:
                self.refused.append(number)  # its collector is not there yet: send it again
            elif reason < 0x80:
                self.unheard.discard(number)
                self.ledger.write(f"A {number} {at:.3f} {reason}\n")
            else:
                self.refused.append(number)

    def send(self, due: int) -> None:
        """Send up to message number `due`, as far as the window lets us."""
        while self.client.is_connected() and len(self.numbers) < self.window:
            if self.refused:
                number = self.refused.popleft()
            elif self.next < due:
                number, self.next = self.next, self.next + 1
                self.ledger.write(f"S {number} {time.time():.3f}\n")
            else:
                return
            topic, payload = self.load.message(number)
            self.numbers[self.client.publish(topic, payload, qos=1).mid] = number

    def wait_until_ready(self, stopping: threading.Event) -> None:
        """Send the first message of every enterprise until somebody has subscribed."""
        while self.unheard and not stopping.wait(0.05):
            self.settle()
            self.send(self.load.enterprises)
        self.ledger.flush()

    def run(self, rate: float, limit: int, stopping: threading.Event) -> None:
        """Send `rate` messages a second (0: as fast as possible) until `stopping` or `limit`."""
        self.wait_until_ready(stopping)
        first = self.next
        began = flushed = time.monotonic()
        while not stopping.is_set():
            now = time.monotonic()
            self.settle()
            self.send(min(limit, first + int((now - began) * rate) if rate else limit))
            if now - flushed > 0.2:
                self.ledger.flush()
                flushed = now
            stopping.wait(0.01 if rate else 0.001)

    def finish(self, limit_s: float) -> int:
        """Wait for the missing acknowledgements; returns how many are still missing."""
        deadline = time.monotonic() + limit_s
        while (self.numbers or self.refused) and time.monotonic() < deadline:
            self.settle()
            self.send(0)
            time.sleep(0.01)
        self.ledger.close()
        with suppress(Exception):
            self.client.disconnect()
        self.client.loop_stop()
        return len(self.numbers)


def main() -> None:
    """Publish until SIGTERM."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--load", required=True, help="fields of Load as JSON")
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=600, help="messages per second, 0: most")
    parser.add_argument("--limit", type=int, default=10**9, help="most messages")
    parser.add_argument("--window", type=int, default=500)
    args = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _n, _f: stopping.set())
    publisher = Publisher(Load(**json.loads(args.load)), args.port, args.ledger, args.window)
    publisher.run(args.rate, args.limit, stopping)
    raise SystemExit(3 if publisher.finish(60) else 0)


if __name__ == "__main__":
    main()
