"""`greenpark dashboards`: build the committed Grafana JSON, or check that it matches the code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dashboards.build import JSON_DIR, check_all, write_all

app = typer.Typer(no_args_is_help=True, help="Grafana dashboards as code.")

Folder = Annotated[Path, typer.Option("--dir", help="folder with one sub-folder per language")]


def register(program: typer.Typer) -> None:
    """Add the commands to the program."""
    program.add_typer(app, name="dashboards")


@app.command()
def build(folder: Folder = JSON_DIR) -> None:
    """Write the dashboards of every language."""
    for path in write_all(folder):
        typer.echo(f"wrote {path}")


@app.command()
def check(folder: Folder = JSON_DIR) -> None:
    """Exit 1 if the JSON files differ from what the code builds."""
    faults = check_all(folder)
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        typer.echo("run: greenpark dashboards build, and commit the result", err=True)
        raise typer.Exit(1)
    typer.echo("dashboards: committed JSON matches the code")
