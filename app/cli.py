"""The `greenpark` program."""

from __future__ import annotations

import sys

import typer

from app.commands import dashboards, doctor, imports, look, operate, replay, simulate
from app.demo import command as demo
from app.settings import settings
from app.wiring import start_logging, stderr
from models.errors import ParkError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="greenpark: from the meters of an industrial park to its green-power share, alerts and "
    "dashboards. Settings: environment GREENPARK_*, see docs/settings.md.",
)
for module in (operate, look, imports, doctor, replay, simulate, demo):
    module.register(app)
app.add_typer(dashboards.app, name="dashboards", help="Grafana dashboards as code.")


@app.callback()
def prepare() -> None:
    """Read the settings and start logging before any command."""
    start_logging(settings().log_level)


def main() -> None:
    """Entry point: our errors are a sentence and exit code 1, never a trace."""
    try:
        app()
    except ParkError as exc:
        stderr.print(f"error: {exc}", style="bold red", markup=False, highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
