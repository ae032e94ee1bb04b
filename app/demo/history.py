"""History before the live part: simulated meters through the collectors' own codec and writer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

from rich.progress import Progress

from app.clock import FixedClock
from app.jobs.balances import compute_balances
from app.jobs.indicators import compute_indicators
from app.jobs.intervals import compute_intervals
from app.progress import progress_bar
from collectors.backfill import store_history
from collectors.inbox import Incoming
from simulators.source import ParkSimulator
from storage.db import Conn

_BATCH = 1000


def backfill(simulator: ParkSimulator, connect: Callable[[], Conn], start: datetime,
             stop: datetime) -> Counter[str]:
    """Store the readings of `[start, stop)` and compute everything from them."""
    expected = simulator.count(start, stop)
    with progress_bar() as bar:
        task = bar.add_task("readings  ", total=expected)

        def incoming() -> Iterator[Incoming]:
            for message in simulator.messages(start, stop, batch=_BATCH):
                yield Incoming(message.topic, message.payload, message.due_at)

        counters = store_history(
            incoming(), connect, FixedClock(stop),
            progress=lambda c: bar.update(task, completed=c["received"]))
        with connect() as conn:
            _calculate(conn, stop, bar)
    return counters


def _calculate(conn: Conn, now: datetime, bar: Progress) -> None:
    for title, table, job in (("intervals ", "stale_range", compute_intervals),
                              ("balances  ", "stale_day", compute_balances)):
        row = conn.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
        task = bar.add_task(title, total=row[0] if row else 0)
        job(conn, now, lambda done, task=task: bar.advance(task, done))  # type: ignore[misc]
    task = bar.add_task("indicators", total=1)
    compute_indicators(conn, now)
    bar.advance(task)
