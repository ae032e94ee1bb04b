"""Readings into a test database through the collectors' own door and writer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from app.clock import FixedClock
from collectors.backfill import store_history
from collectors.formats.base import Incoming
from storage.db import connect

RECEIVER = datetime(2027, 6, 1, tzinfo=UTC)


def feed(
    dsn: str, topic: str, items: Iterable[Mapping[str, object]], received_at: datetime = RECEIVER
) -> Counter[str]:
    """Store items of the public contract as one message per 500."""
    rows = list(items)
    messages = [
        Incoming(topic, json.dumps(rows[n : n + 500]).encode(), received_at)
        for n in range(0, len(rows), 500)
    ]
    return store_history(
        messages, lambda: connect(dsn, application="feed"), FixedClock(received_at)
    )


def ramp(
    channel: str, start: datetime, step: timedelta, values: Iterable[float], **more: object
) -> list[dict[str, object]]:
    """Items of one channel at even steps."""
    return [
        {"ts": (start + n * step).isoformat(), "values": {channel: v}, **more}
        for n, v in enumerate(values)
    ]
