"""import messages: what `greenpark capture` recorded, through the live path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from app.clock import RealClock
from app.progress import file_bar
from app.wiring import console, database
from collectors.backfill import rehearse_history, store_history
from collectors.files.recording import Recording, read_recording
from collectors.formats.base import Incoming
from collectors.health import OUTCOMES, Health
from models.errors import ConfigError, PayloadError

_SHOWN = 20  # bad lines told one by one


def register(group: typer.Typer) -> None:
    """Add the command to `greenpark import`."""
    group.command("messages")(messages)


def messages(
    files: Annotated[
        list[Path], typer.Argument(help="recordings (.jsonl, .jsonl.gz), in order; - is stdin")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="judge everything, store nothing")
    ] = False,
) -> None:
    """Feed recorded messages through codec, door and writer, with their own time of arrival.

    Safe to repeat: what is stored already is recognised. Lines that are no messages are listed,
    the rest goes on; exit code 1 if there were any.
    Example: greenpark import messages monday.jsonl.gz tuesday.jsonl.gz
    """
    if gone := [f"{path}: no such file" for path in files if not _is_there(path)]:
        raise ConfigError("import messages", gone)
    clock, bad = RealClock(), Counter[str]()
    with database() as connect, file_bar() as bar:
        opener = partial(connect, "import messages")
        found = _read(files, bad, bar)
        if dry_run:
            done = rehearse_history(found, opener, clock)
            counters, refused = done.counters, done.refused
        else:
            health = Health("import", clock.now())
            counters = store_history(found, opener, clock, health=health)
            refused = health.refused
    report(counters, refused, dry_run=dry_run)
    if bad:
        listed = ", ".join(f"{n} in {name}" for name, n in bad.items())
        console.print(f"lines that are no messages: {listed}; everything else was used")
        raise typer.Exit(1)


def _is_there(path: Path) -> bool:
    return str(path) == "-" or path.is_file()


def _read(files: Iterable[Path], bad: Counter[str], bar: Progress) -> Iterator[Incoming]:
    for path in files:
        name = "standard input" if str(path) == "-" else path.name
        recording = Recording(path)
        task = bar.add_task(name, total=recording.size, note="")

        def tell(number: int, fault: PayloadError, name: str = name) -> None:
            bad[name] += 1
            if bad[name] <= _SHOWN:
                console.print(f"{name}:{number}: {fault}", markup=False, highlight=False)

        for number, message in enumerate(read_recording(recording.lines, tell), 1):
            if number % 1000 == 0:
                bar.update(task, completed=recording.position, note=f"{number:,} messages")
            yield message
        bar.update(task, completed=recording.size)
        recording.close()


def report(counters: Mapping[str, int], refused: Mapping[str, int], *, dry_run: bool) -> None:
    """Say what became of the readings."""
    verb = "would be " if dry_run else ""
    parts = [f"{counters.get(k, 0):,} {k}" for k in OUTCOMES if counters.get(k, 0)]
    console.print(
        f"{counters.get('messages', 0):,} messages, {counters.get('received', 0):,} readings: "
        f"{verb}{', '.join(parts) or 'nothing'}"
    )
    for reason, number in sorted(refused.items(), key=lambda r: -r[1]):
        console.print(f"  refused, {reason}: {number:,}")
