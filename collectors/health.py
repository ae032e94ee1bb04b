"""How a collector is: counters that add up, what waits, who was heard last, what is refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collectors.directory import Directory
from collectors.door import Batch
from storage.collectors import save_state
from storage.db import Conn
from storage.readings import Stored

OUTCOMES = ("stored", "duplicate", "conflict", "correction", "quarantined", "pending")


@dataclass
class Health:
    """Written by the writer thread, read by anyone: every update replaces whole objects.

    Attributes:
        counters: in readings since start: received, the outcomes, and messages and retries.
        refused: refusals by reason, since start.
        ignored: values of sources that no channel wants, by topic filter, since start.
        last_message: enterprise as `park/enterprise` -> newest arrival.
        commit_lag_s: age of the oldest message of the last batch at its commit [s].
        gauges: asked at each save for what others know, e.g. queue depth and messages in flight.
    """

    client_id: str
    started_at: datetime
    counters: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    last_message: dict[str, datetime] = field(default_factory=dict)
    commit_lag_s: float = 0.0
    committed_at: float = field(default_factory=time.monotonic)
    gauges: Callable[[], Mapping[str, float]] = dict

    def received(self, batch: Batch, ignored: Counter[str]) -> None:
        """Messages are judged and wait for their commit."""
        self.counters = self.counters + Counter(
            messages=len(batch.messages), received=batch.size, pending=batch.size
        )
        if batch.quarantined:
            reasons = Counter(d["code"] for q in batch.quarantined.values() for d in q.detail)
            self.refused = self.refused + reasons
        self.ignored = ignored.copy()

    def heard(self, directory: Directory) -> None:
        """Take over who was heard when; called by the writer, not for every batch."""
        self.last_message = self.last_message | directory.heard()

    def after(self, batch: Batch, result: Stored) -> Counter[str]:
        """The counters as they will be when this batch is committed."""
        counters = self.counters + Counter(
            stored=result.stored,
            duplicate=result.duplicate,
            conflict=result.conflict,
            correction=result.correction,
            quarantined=sum(batch.refused),
        )
        counters["pending"] -= batch.size
        return counters

    def committed(self, batch: Batch, counters: Counter[str], now: datetime) -> None:
        """The batch is in the database."""
        self.counters = counters
        self.committed_at = time.monotonic()
        if batch.messages:
            self.commit_lag_s = (now - batch.messages[0].received_at).total_seconds()

    def count(self, **more: int) -> None:
        """Count something that is no reading, e.g. retries."""
        self.counters = self.counters + Counter(more)

    def snapshot(self) -> dict[str, Any]:
        """Everything but the counters, as JSON."""
        return {
            **self.gauges(),
            "commit_lag_s": round(self.commit_lag_s, 3),
            "refused": dict(self.refused),
            "ignored": dict(self.ignored),
            "last_message": {k: v.isoformat() for k, v in self.last_message.items()},
        }

    def save(self, conn: Conn, now: datetime, counters: Mapping[str, int]) -> None:
        """Leave a sign of life in the caller's transaction."""
        save_state(conn, self.client_id, self.started_at, now, counters, self.snapshot())
