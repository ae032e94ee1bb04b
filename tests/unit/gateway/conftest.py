"""A queue, a clock that is set by hand, and readings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.queue import Queue
from gateway.reading import Reading, epoch_ms

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class HandClock:
    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path / "queue.db")
    yield made
    made.close()


def reading(minutes_ago: float = 0, value: float = 1.5, meter: str = "m1") -> Reading:
    return Reading(meter, epoch_ms(NOON - timedelta(minutes=minutes_ago)), {"import_kwh": value})
