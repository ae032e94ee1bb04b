"""Receivers that decode and throw away: the limit of what any MQTT client here can do.

`paho`: as most would write it, paho's own loop, acknowledging in the callback.
`lean`: the network thread of the collector, with a thread behind it that only decodes.
Both take a persistent session over and end after --count messages; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bench.processes import peak_rss_mb
from collectors.inbox import Inbox
from collectors.subscriptions import Subscriptions
from collectors.transport import Transport
from models.broker import BrokerAddress

_WINDOW, _BATCH = 6000, 2000


class Item(msgspec.Struct, gc=False):
    """What a receiver needs of a reading."""

    ts: str
    values: dict[str, float]


_DECODE = msgspec.json.Decoder(list[Item] | Item).decode


class Watch:
    """Counts messages; the rate is that between the first and the last one."""

    def __init__(self, count: int) -> None:
        self.count, self.seen = count, 0
        self.first = self.last = 0.0
        self._cpu_s = time.process_time()

    def saw(self, more: int) -> bool:
        """Count; True when all have come."""
        if not self.seen:
            self.first = time.monotonic()
        self.seen += more
        if self.seen >= self.count:
            self.last = time.monotonic()
        return self.seen >= self.count

    def report(self) -> None:
        """Print messages per second and CPU per message."""
        cpu_us = (time.process_time() - self._cpu_s) / self.seen * 1e6
        rate = (self.seen - 1) / (self.last - self.first)
        rss_mb = peak_rss_mb(os.getpid())
        print(json.dumps({"per_s": rate, "cpu_us": cpu_us, "rss_mb": rss_mb}))


def with_paho(port: int, client_id: str, protocol: str, watch: Watch) -> None:
    """Paho as it is: `loop_forever`, decode and acknowledge in the callback."""
    v5 = protocol == "5"
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        manual_ack=True,
        protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311,
        clean_session=None if v5 else False,
    )

    def on_message(client: mqtt.Client, _user: Any, message: mqtt.MQTTMessage) -> None:
        _DECODE(message.payload)
        client.ack(message.mid, message.qos)
        if watch.saw(1):
            client.disconnect()

    client.on_message = on_message
    options: dict[str, Any] = {}
    if v5:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        properties.ReceiveMaximum = _WINDOW
        options = {"clean_start": False, "properties": properties}
    client.connect("127.0.0.1", port, 60, **options)
    client.loop_forever()


class _Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


def with_lean(port: int, client_id: str, protocol: str, watch: Watch) -> None:
    """The collector's own network thread; decode and acknowledge in batches, store nothing."""
    inbox = Inbox(2 * _WINDOW)
    address = BrokerAddress("127.0.0.1", port, protocol)
    transport = Transport(address, client_id, Subscriptions(["park/#"]), _WINDOW, inbox, _Now())

    def throw_away() -> None:
        done = False
        while not done:
            messages = inbox.take(_BATCH, 0.1)
            for message in messages:
                _DECODE(message.payload)
            transport.acknowledge(messages)
            done = watch.saw(len(messages)) if messages else False
        while transport.in_flight:
            time.sleep(0.001)
        transport.stopping.set()
        transport.wake()

    sink = threading.Thread(target=throw_away)
    sink.start()
    transport.run()
    sink.join()
    transport.close()


def main() -> None:
    """Receive, decode, acknowledge, throw away."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--kind", choices=["paho", "lean"], required=True)
    parser.add_argument("--protocol", choices=["5", "3.1.1"], default="5")
    args = parser.parse_args()
    watch = Watch(args.count)
    receive = with_paho if args.kind == "paho" else with_lean
    receive(args.port, args.client_id, args.protocol, watch)
    watch.report()


if __name__ == "__main__":
    main()
