"""demo: the whole chain on this machine, without hardware, Docker or an account."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from app.clock import AcceleratedClock, wall_now
from app.commands.options import NowOption
from app.demo.history import backfill, bring_certificates, bring_claims, bring_reports
from app.demo.page import write_page
from app.demo.screen import Scene, look, picture
from app.demo.stack import Stack, fresh_folder, running_stack
from app.demo.year import in_year_of
from app.jobs.pipeline import run_once
from app.settings import Settings
from app.wiring import console
from models.park import Park, load_park
from models.periods import day_start, local_day
from simulators.scenario import load_scenario
from simulators.source import ParkSimulator
from storage.db import Conn, connect
from storage.migrate import migrate
from storage.parks import applied_parks, apply_park

_REFRESH_S = 2.0
_SAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "donghe"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(demo)


@dataclass
class _Demo:
    """What the steps of the demo share."""

    stack: Stack
    park: Park
    sample: Path
    seconds: float | None
    speed: float
    at: datetime
    today: date
    years: int = 0
    notes: list[str] = field(default_factory=list)
    park_id: int = 0

    def connect(self) -> Conn:
        return connect(self.stack.dsn, application="demo")


def demo(
    seconds: Annotated[
        float | None,
        typer.Option(
            min=10, help="length of the live part, then end by itself; default: until Ctrl-C"
        ),
    ] = None,
    speed: Annotated[float, typer.Option(min=1, help="park time runs this much faster")] = 600,
    folder: Annotated[Path, typer.Option(help="where everything is kept")] = Path("demo-data"),
    sample: Annotated[
        Path,
        typer.Option(
            help="folder with park.yaml and simulation.yaml", show_default="the sample park"
        ),
    ] = _SAMPLE,
    seed: Annotated[int, typer.Option(help="another seed, another year")] = 2026,
    now: NowOption = None,
) -> None:
    """Simulate the sample park from 1 January to now, then live at an accelerated clock.

    In January the history begins with the year before.

    Examples: greenpark demo --- greenpark demo --seconds 60
    """
    began = time.monotonic()
    logging.getLogger().setLevel(logging.WARNING)  # the table is the log
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as cleanly as Ctrl-C
    park = load_park(sample / "park.yaml")
    with running_stack(fresh_folder(folder), park) as stack:
        at = _quarter_hour(now or wall_now())
        today = local_day(at, park.zone)
        run = _Demo(stack, in_year_of(park, today), sample, seconds, speed, at, today)
        run.years = today.year - park.goal.year
        _announce(run)
        _history(run, seed, began)
        clock = AcceleratedClock(wall_now(), at, speed)
        try:
            _live(run, clock, seed)
        except KeyboardInterrupt:
            console.print("stopping")
        failed = stack.stop()
        scene = _last_run(run, clock.now())
        faults = _faults(scene, failed)
        _summary(run, scene, faults, time.monotonic() - began)
    if faults:
        raise typer.Exit(1)


def _announce(run: _Demo) -> None:
    broker = run.stack.broker
    console.print(
        f"[bold]{run.park.name.zh} {run.park.name.en}[/bold]: simulated data. "
        f"Everything is kept in {run.stack.folder}"
    )
    console.print(
        f"broker: {broker.name} on port {broker.port}; TLS, a user per enterprise who writes its "
        f"own topics only and reads nothing; logins in {broker.access}",
        soft_wrap=True,
    )
    if not broker.durable:
        console.print(
            "this broker is good for a try: messages it has acknowledged do not survive its kill; "
            "Mosquitto 2.1 with the persist-sqlite plugin keeps them"
        )


def _scenario(sample: Path) -> Path:
    """What is played: demo.yaml, or simulation.yaml of a folder without it."""
    chosen = sample / "demo.yaml"
    return chosen if chosen.exists() else sample / "simulation.yaml"


def _quarter_hour(at: datetime) -> datetime:
    return datetime.fromtimestamp(int(at.timestamp() // 900) * 900, UTC)


def _history(run: _Demo, seed: int, began: float) -> None:
    """Schema, park, claims, readings since 1 January."""
    with run.connect() as conn:
        migrate(conn)
        with conn.transaction():
            apply_park(conn, run.park, run.at)
        run.park_id = next(a.park_id for a in applied_parks(conn) if a.park.key == run.park.key)
        said = bring_claims(conn, run.park_id, run.sample, run.years, run.at, run.today)
        reports = bring_reports(conn, run.park_id, run.sample, run.years, run.at, run.today)
    console.print(f"imported {said}, {reports}")
    simulator = ParkSimulator(run.park, load_scenario(_scenario(run.sample)), seed)
    first = run.park.data_from or date(run.today.year, 1, 1)
    counters = backfill(simulator, run.connect, day_start(first, run.park.zone), run.at)
    console.print(
        f"history: {counters['stored']:,} readings stored, {counters['quarantined']} "
        f"refused, {time.monotonic() - began:.0f} s after the start"
    )


def _live(run: _Demo, clock: AcceleratedClock, seed: int) -> None:
    """Simulator, collector and jobs as processes, until time is up or Ctrl-C."""
    scenario = str(_scenario(run.sample))
    run.stack.start(clock, "collect")
    run.stack.start(clock, "run")
    run.stack.start(
        clock,
        "simulate",
        "--park",
        str(run.sample / "park.yaml"),
        "--scenario",
        scenario,
        "--seed",
        str(seed),
        "--from",
        clock.park_start.isoformat(timespec="seconds"),
    )
    started = time.monotonic()
    surprise = _Later(min(20.0, (run.seconds or 60.0) / 3), lambda: _certificates(run))
    with run.connect() as conn, Live(console=console, auto_refresh=False) as live:
        while run.seconds is None or time.monotonic() - started < run.seconds:
            surprise.run_if_due(time.monotonic() - started)
            scene = look(
                conn, run.park_id, run.park, clock.now(), run.stack.mails.folder, run.notes
            )
            live.update(picture(scene), refresh=True)
            if dead := run.stack.dead():
                run.notes.append(
                    f"ended by itself: {', '.join(dead)}; see {run.stack.folder}/{dead[0]}.log"
                )
                live.update(picture(scene), refresh=True)
                return
            time.sleep(_REFRESH_S)


@dataclass
class _Later:
    """Something that happens once, some seconds into the live part."""

    after_s: float
    action: Callable[[], None]
    done: bool = False

    def run_if_due(self, elapsed_s: float) -> None:
        if not self.done and elapsed_s >= self.after_s:
            self.done = True
            self.action()


def _certificates(run: _Demo) -> None:
    """An enterprise cancels certificates; its alert resolves by itself."""
    file = run.sample / "certificates-november.csv"
    if file.exists():
        with run.connect() as conn:
            said = bring_certificates(conn, run.park_id, file, run.years, wall_now(), run.today)
        run.notes.append(f"imported while running, {file.name}: {said}")


def _last_run(run: _Demo, now: datetime) -> Scene:
    """Work off what the collector stored last, send what waits, read the final figures."""
    settings = Settings(smtp_port=run.stack.mails.port)
    run_once(run.connect, settings, now)
    with run.connect() as conn:
        scene = look(conn, run.park_id, run.park, now, run.stack.mails.folder, run.notes)
        write_page(conn, run.park_id, scene, run.stack.folder / "summary.html")
    return scene


def _faults(scene: Scene, failed: list[str]) -> list[str]:
    """What a successful demo must not lack."""
    totals = scene.totals
    wanted = {
        "readings": totals["readings"],
        "15-minute intervals": totals["intervals"],
        "green shares": totals["shares"],
        "delivered e-mails": scene.mails,
    }
    faults = [f"no {name}" for name, count in wanted.items() if not count]
    newest = totals["newest_reading_at"]
    if newest is None or scene.now - newest > timedelta(hours=3):
        faults.append(f"no live readings: the newest is of {newest}")
    return faults + [f"{name} failed, see its log" for name in failed]


def _summary(run: _Demo, scene: Scene, faults: list[str], elapsed_s: float) -> None:
    folder, totals = run.stack.folder, scene.totals
    console.print(picture(scene))
    console.rule("what happened")
    console.print(
        f"{totals['readings']:,} readings, {totals['intervals']:,} intervals, "
        f"{totals['shares']:,} green shares, {totals['quarantined']} refused messages; "
        f"{totals['open_alerts']} alerts open, {totals['resolved_alerts']} resolved, "
        f"{scene.mails} e-mails, {elapsed_s:.0f} s",
        highlight=False,
    )
    console.print(
        f"mails     {folder / 'mails'}\nsummary   {folder / 'summary.html'}\n"
        f"logs      {folder}/*.log\n"
        f"look on   GREENPARK_DATA_DIR={folder} .venv/bin/greenpark indicators\n"
        "Grafana   make secrets && docker compose up",
        highlight=False,
        soft_wrap=True,
    )
    for fault in faults:
        console.print(f"FAILED: {fault}", style="bold red")
