"""watch: tells people when the jobs themselves no longer run."""

from __future__ import annotations

import logging
import signal
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from alerts.email import hand_over
from app.clock import wall_now
from app.jobs.pipeline import smtp_server
from app.settings import Settings, settings
from app.watchdog import Memory, Trouble, letter, look, news
from app.wiring import console, database
from models.errors import ConfigError, NotifyError

log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(watch)


def watch(
    once: Annotated[
        bool, typer.Option("--once", help="look once, for cron; exit 1: trouble")
    ] = False,
    every_s: Annotated[float, typer.Option(min=1, help="pause between looks [s]")] = 60,
    state: Annotated[
        Path | None, typer.Option(help="what it remembers; default: watch.json in the data folder")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only print what is wrong, write no mail")
    ] = False,
) -> None:
    """Watch over the jobs from another process, best on another machine.

    Writes one e-mail to GREENPARK_WATCH_RECIPIENTS, past the outbox, when a job had no good run,
    a collector no sign of life or the database no answer for GREENPARK_WATCH_AFTER_S; a reminder
    each day, and a mail when all is well again.

    Examples: GREENPARK_WATCH_RECIPIENTS=ops@park.example greenpark watch
    --- */5 * * * * greenpark watch --once --- greenpark watch --once --dry-run
    """
    config = settings()
    recipients = [r.strip() for r in config.watch_recipients.split(",") if r.strip()]
    if not recipients and not dry_run:
        fault = "GREENPARK_WATCH_RECIPIENTS: nobody to tell; e.g. ops@park.example,it@park.example"
        raise ConfigError("settings", [fault])
    file = state or Path(config.data_dir) / "watch.json"
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _n, _f: stop.set())
    with database(schema=False) as connect:
        while True:
            now, after = wall_now(), timedelta(seconds=config.watch_after_s)
            troubles, memory = look(connect, Memory.load(file), now, after)
            for trouble in troubles:
                console.print(trouble.en, markup=False, highlight=False)
            if not dry_run:
                _tell(config, recipients, troubles, memory, now).save(file)
            if once or stop.wait(every_s):
                break
    if once and troubles:
        raise typer.Exit(1)


def _tell(
    config: Settings,
    recipients: list[str],
    troubles: list[Trouble],
    memory: Memory,
    now: datetime,
) -> Memory:
    """Write what is to be written; only what a mail server took counts as told."""
    what = news(troubles, memory, now)
    if what is None:
        return memory
    taken = 0
    for to in recipients:
        message = letter(what, troubles, config.mail_from, to, now)
        try:
            hand_over(smtp_server(config), message, config.mail_from, to)
        except NotifyError as exc:
            log.warning("the watch could not write (%s): %s", what, exc)
        else:
            taken += 1
    if not taken:
        return memory  # tried again at the next look
    return replace(memory, told_at=None if what == "recovered" else now)
