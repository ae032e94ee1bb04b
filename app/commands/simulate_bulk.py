"""The bulk ways of simulate: history into the database, a recording, the truth beside it."""

from __future__ import annotations

import gzip
import time
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path

from app.backfill import Source, StateFile, store_simulated
from app.commands.import_messages import report
from app.progress import progress_bar
from app.wiring import console, database
from collectors.files.recording import recorded
from collectors.health import Health
from simulators.source import ParkSimulator
from simulators.truth_files import write_truth


def store(
    simulator: Source,
    start: datetime,
    stop: datetime,
    batch: int,
    state: Path | None = None,
) -> None:
    """Readings of `[start, stop)` into the database: codec, checks and writer, but no broker.

    Committed piece by piece; started again after a cut, repetitions are recognised, and with
    `state` it goes on where it ended.
    """
    began, health = time.monotonic(), Health("simulate", stop)
    note = StateFile(state, simulator, start, stop) if state else None
    with database() as connect, progress_bar() as bar:
        first = note.next if note else start
        task = bar.add_task("readings", total=simulator.count(first, stop))
        counters = store_simulated(
            simulator,
            lambda: connect("simulate"),
            start,
            stop,
            batch=batch,
            state=note,
            health=health,
            progress=lambda c: bar.update(task, completed=c["received"]),
        )
    report(counters, health.refused, dry_run=False)
    seconds = time.monotonic() - began
    console.print(f"{counters['received'] / seconds:,.0f} readings/s, {seconds:.1f} s")


def record(simulator: Source, start: datetime, stop: datetime, batch: int, out: Path) -> None:
    """Write a recording as `greenpark capture` does; whole or not at all, same seed same bytes."""
    partial = out.with_name(f".{out.name}.part")
    with progress_bar() as bar, partial.open("wb") as raw:
        task = bar.add_task("readings", total=simulator.count(start, stop))
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
            TextIOWrapper(packed, encoding="utf-8", newline="\n") as file,
        ):
            for message in simulator.messages(start, stop, batch=batch):
                file.write(recorded(message.due_at, message.topic, message.payload) + "\n")
                bar.advance(task, message.readings)
    partial.replace(out)
    console.print(f"written; bring it in: greenpark import messages {out}", soft_wrap=True)


def tell_truth(simulator: ParkSimulator, start: datetime, stop: datetime, folder: Path) -> None:
    """Write the exact truth of `[start, stop)`."""
    write_truth(folder, simulator.truth(start, stop))
    console.print(f"truth written to {folder}: energy.csv, savings.csv, events.json, park.json")
