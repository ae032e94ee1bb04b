"""Looking on from outside: counters of the collectors, what the broker still holds, memory."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

OUTCOMES = ("stored", "duplicate", "conflict", "correction", "quarantined", "pending")


def identity_holds(counters: dict[str, int]) -> bool:
    """`received` is the sum of what became of it."""
    return counters.get("received", 0) == sum(counters.get(name, 0) for name in OUTCOMES)


@dataclass
class Watcher:
    """Reads `collector_state` once a second; a collector's counters start again with it."""

    dsn: str
    samples: int = 0
    broken: list[str] = field(default_factory=list)
    lives: dict[str, dict[datetime, dict[str, int]]] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> Watcher:
        """Watch in a thread."""
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop watching; a last look first."""
        self._stopping.set()
        self._thread.join(20)
        self.look()

    def _run(self) -> None:
        while not self._stopping.wait(1):
            with suppress(psycopg.Error):
                self.look()

    def look(self) -> None:
        """Note the counters of every collector, and whether they add up."""
        with psycopg.connect(self.dsn, connect_timeout=2) as conn:
            rows = conn.execute(
                "SELECT client_id, started_at, counters FROM collector_state"
            ).fetchall()
        for client, started_at, counters in rows:
            self.samples += 1
            self.lives.setdefault(client, {})[started_at] = counters
            if not identity_holds(counters):
                self.broken.append(f"{client} {started_at:%H:%M:%S}: {counters}")

    def total(self) -> Counter[str]:
        """Sum over all lives; what a life counted after its last look is missing."""
        each = (Counter(c) for lives in self.lives.values() for c in lives.values())
        return sum(each, Counter())

    def last(self) -> dict[str, dict[str, int]]:
        """Counters of the last life of every client id."""
        return {client: lives[max(lives)] for client, lives in self.lives.items()}


def one_number(dsn: str, query: str) -> int:
    """A count; -1 while the server is away."""
    try:
        with psycopg.connect(dsn, connect_timeout=2) as conn:
            row = conn.execute(query).fetchone()
            return int(row[0]) if row else -1
    except psycopg.Error:
        return -1


def newest_ms(dsn: str) -> int:
    """Time of the newest reading of one meter [ms]; 0: none yet, -1: server away."""
    return one_number(
        dsn,
        "SELECT coalesce(extract(epoch FROM max(ts)) * 1000, 0)::bigint FROM reading"
        " WHERE channel_id = (SELECT min(channel_id) FROM channel)",
    )


def wait_for_rest(dsn: str, expected: int, still_s: float, limit_s: float) -> float:
    """Wait until `expected` readings are stored, or until no more come for `still_s`; seconds."""
    began = changed = time.monotonic()
    last = -1
    while (now := time.monotonic()) - began < limit_s:
        stored = one_number(dsn, "SELECT count(*) FROM reading")
        if stored >= expected or now - changed > still_s:
            break
        if stored > last:
            last, changed = stored, now
        time.sleep(0.5)
    return time.monotonic() - began


def left_at_broker(port: int, client_ids: Sequence[str], wait_s: float = 2) -> int:
    """Messages the broker still holds for these sessions; nothing is acknowledged."""
    found = 0

    def count(*_: Any) -> None:
        nonlocal found
        found += 1

    for client_id in client_ids:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5, manual_ack=True
        )
        client.on_message = count
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        client.connect("127.0.0.1", port, clean_start=False, properties=properties)
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            client.loop(0.1)
        client.disconnect()
    return found


def rss_mb(pid: int) -> float:
    """Resident memory of a process [MB]."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)
