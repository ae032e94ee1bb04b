"""History before the live part: simulated meters through the collectors' own codec and writer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from rich.progress import Progress

from app.backfill import store_simulated
from app.demo.year import claims_until
from app.jobs.balances import compute_balances
from app.jobs.indicators import compute_indicators
from app.jobs.intervals import compute_intervals
from app.progress import progress_bar
from collectors.files.activity import read_activity
from models.claims import read_certificates, read_trades
from simulators.source import ParkSimulator
from storage.activity import ActivityFile, import_activity
from storage.db import Conn
from storage.jobs import rows
from storage.ledger import import_certificates, import_trades
from storage.parks import enterprise_ids


def backfill(
    simulator: ParkSimulator, connect: Callable[[], Conn], start: datetime, stop: datetime
) -> Counter[str]:
    """Store the readings of `[start, stop)` and compute intervals, balances and indicators."""
    with progress_bar() as bar:
        task = bar.add_task("readings  ", total=simulator.count(start, stop))

        counters = store_simulated(
            simulator,
            connect,
            start,
            stop,
            progress=lambda c: bar.update(task, completed=c["received"]),
        )
        bar.update(task, total=counters["received"])
        with connect() as conn:
            _calculate(conn, stop, bar)
    return counters


def bring_claims(
    conn: Conn, park_id: int, sample: Path, years: int, now: datetime, today: date
) -> str:
    """Import the settled trades and cancelled certificates of the sample park.

    Args:
        years: whole years to move them by.
    """
    ids = enterprise_ids(conn, park_id)
    content = (sample / "trades.csv").read_bytes()
    trades = claims_until(read_trades(content, "trades.csv"), years, today)
    done = import_trades(conn, ids, trades, "trades.csv", content, now)
    batches = bring_certificates(conn, park_id, sample / "certificates.csv", years, now, today)
    return f"{done.new} settlements of trades, {batches}"


def bring_reports(
    conn: Conn, park_id: int, sample: Path, years: int, now: datetime, today: date
) -> str:
    """Import the reported data of the sample park; says how many values it were."""
    file = sample / "activity.csv"
    if not file.exists():
        return "no reported values"
    content = file.read_bytes()
    rows = claims_until(read_activity(content, file.name).rows, years, today)
    origin = ActivityFile(file.name, content, "demo", "sample data")
    with conn.transaction():
        done = import_activity(conn, park_id, enterprise_ids(conn, park_id), rows, origin, now)
    return f"{done.new} reported values"


def bring_certificates(
    conn: Conn, park_id: int, file: Path, years: int, now: datetime, today: date
) -> str:
    """Import a file of cancelled certificates; says how many batches it were."""
    content = file.read_bytes()
    rows = claims_until(read_certificates(content, file.name), years, today)
    done = import_certificates(conn, enterprise_ids(conn, park_id), rows, file.name, content, now)
    return f"{done.new} batch(es) of cancelled certificates"


def _calculate(conn: Conn, now: datetime, bar: Progress) -> None:
    for title, column, job in (
        ("intervals ", "stale_ranges", compute_intervals),
        ("balances  ", "stale_days", compute_balances),
    ):
        task = bar.add_task(title, total=rows(conn, "work_waiting")[0][column])
        job(conn, now, _advance(bar, task))
    task = bar.add_task("indicators", total=1)
    compute_indicators(conn, now)
    bar.advance(task)


def _advance(bar: Progress, task: object) -> Callable[[int], None]:
    return lambda done: bar.advance(task, done)  # type: ignore[arg-type]
