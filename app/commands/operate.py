"""migrate, apply, schema, run: what makes the system work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.channels import unknown_channels
from app.clock import wall_now
from app.commands.options import NowOption
from app.httpd import serve_http
from app.jobs.pipeline import run_once
from app.jobs.scheduler import serve
from app.settings import settings
from app.web import runner_app
from app.wiring import clock_of, console, database
from collectors.door import formats
from models.errors import ConfigError
from models.park import Park, load_park
from storage.migrate import migrate as run_migrations
from storage.parks import applied_parks, apply_park, difference
from storage.roles import COLLECTOR, READER, ensure_login
from storage.timescale import edition


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (migrate, apply, schema, run):
        app.command()(command)


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only list")] = False,
) -> None:
    """Bring the database schema to the version of this program.

    Example: greenpark migrate --dry-run
    """
    with database(schema=False) as connect, connect() as conn:
        names = run_migrations(conn, dry_run=dry_run)
        for name in names:
            console.print(("would run " if dry_run else "ran ") + name)
        if not dry_run:
            for login, password in (
                (READER, settings().grafana_reader_password),
                (COLLECTOR, settings().collector_db_password),
            ):
                if password.get_secret_value():
                    ensure_login(conn, login, password.get_secret_value())
                    console.print(f"login role {login.name} is ready: {login.purpose}")
        console.print(f"{len(names)} migration(s); TimescaleDB: {edition(conn)}")


def apply(
    park_file: Annotated[Path, typer.Argument(help="park.yaml")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show the difference")] = False,
    restate: Annotated[
        bool, typer.Option("--restate", help="allow changes that alter values already computed")
    ] = False,
) -> None:
    """Show the difference between park.yaml and the applied park, and apply it.

    Example: greenpark apply park.yaml --dry-run
    """
    park = load_park(park_file)
    _check_formats(park, park_file)
    with database() as connect, connect() as conn, conn.transaction():
        if dry_run:
            old = next((a.park for a in applied_parks(conn) if a.park.key == park.key), None)
            changes = difference(old, park)
        else:
            changes = apply_park(conn, park, wall_now(), restate=restate)
    for change in changes[:200]:
        console.print(str(change), markup=False, highlight=False)
    if len(changes) > 200:
        console.print(f"... and {len(changes) - 200} more")
    for problem in unknown_channels(park, settings()):
        console.print(f"{problem.subject}: {problem.problem}", markup=False, highlight=False)
    verb = "would change" if dry_run else "changed"
    console.print(
        f"park {park.key}: {len(park.enterprises)} enterprises, "
        f"{sum(len(e.meters) for e in park.enterprises)} meters; {len(changes)} {verb}"
    )


def _check_formats(park: Park, file: Path) -> None:
    known = formats()
    faults = [
        f"enterprise {e.key}: source {s.topic}: format {s.format!r} is not one of "
        + ", ".join(known)
        for e in park.enterprises
        for s in e.sources
        if s.format not in known
    ]
    if faults:
        raise ConfigError(str(file), faults)


def schema(
    out: Annotated[Path | None, typer.Option(help="file; default: standard output")] = None,
) -> None:
    """Print the JSON schema of park.yaml, for editors.

    Example: greenpark schema --out docs/park.schema.json
    """
    text = json.dumps(Park.model_json_schema(), ensure_ascii=False, indent=1) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def run(
    once: Annotated[bool, typer.Option("--once", help="every due job once, then exit")] = False,
    now: NowOption = None,
) -> None:
    """Run the jobs: intervals, balances, indicators, rules, alert delivery.

    Examples: greenpark run --- greenpark run --once --now 2026-03-05T00:00:00+08:00
    """
    config = settings()
    if now is not None and not once:
        msg = "--now goes with --once: a fixed time cannot go on"
        raise typer.BadParameter(msg)
    clock = clock_of(config, now)
    with database(patient=not once) as connect:
        if not once:
            pages = runner_app(connect, config, clock)
            with serve_http(pages, config.web_port, config.web_host, "GREENPARK_WEB_PORT"):
                serve(connect, config, clock)
            return
        results = run_once(connect, config, clock.now())
    for name, detail in results.items():
        console.print(
            f"{name}: " + ", ".join(f"{k} {v}" for k, v in detail.items()),
            markup=False,
            highlight=False,
        )
    if any("error" in d for d in results.values()):
        raise typer.Exit(1)
