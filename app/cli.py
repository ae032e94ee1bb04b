"""The `greenpark` program.

Only the module of the command at hand is imported: a collector needs no weather model, and
`greenpark --help` is what costs most.
"""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from app.settings import settings
from app.wiring import start_logging, stderr
from models.errors import ParkError

COMMANDS = {
    "app.commands.operate": ("migrate", "apply", "schema", "run"),
    "app.commands.collect": ("collect",),
    "app.commands.intervals": ("intervals", "restatements"),
    "app.commands.meter": ("meter",),
    "app.commands.edit": ("edit",),
    "app.commands.recompute": ("recompute",),
    "app.commands.look": ("findings",),
    "app.commands.alerts": ("alerts",),
    "app.commands.rules": ("rules",),
    "app.commands.indicators": ("indicators",),
    "app.commands.green": ("green",),
    "app.commands.flows": ("flows",),
    "app.commands.savings": ("savings",),
    "app.commands.ledger": ("ledger",),
    "app.commands.imports": ("import",),
    "app.commands.activity": ("template", "activity"),
    "app.commands.capture": ("capture",),
    "app.commands.doctor": ("doctor",),
    "app.commands.watch": ("watch",),
    "app.commands.replay": ("replay",),
    "app.commands.simulate": ("simulate",),
    "app.commands.dashboards": ("dashboards",),
    "app.commands.gateway": ("gateway",),
    "app.commands.broker_config": ("broker-config",),
    "app.demo.command": ("demo",),
}


def make_app(command: str | None = None) -> typer.Typer:
    """The program with the one command, or with all."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="greenpark: from the meters of an industrial park to its green-power share, alerts "
        "and dashboards. Settings: environment GREENPARK_*, see docs/settings.md.",
    )
    app.callback()(prepare)
    wanted = [m for m, names in COMMANDS.items() if command in names] or list(COMMANDS)
    for module in wanted:
        import_module(module).register(app)
    return app


def prepare() -> None:
    """Read the settings and start logging before any command."""
    start_logging(settings().log_level)


def main() -> None:
    """Entry point: our errors are a sentence and exit code 1, never a trace."""
    try:
        make_app(sys.argv[1] if len(sys.argv) > 1 else None)()
    except ParkError as exc:
        stderr.print(f"error: {exc}", style="bold red", markup=False, highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
