"""broker-config: users, access list, certificates and configuration of the broker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from app.brokerconf.options import BrokerPaths, Options
from app.brokerconf.plan import Plan, earlier_options, make_plan
from app.clock import wall_now
from app.wiring import console
from models.park import load_park


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("broker-config")(broker_config)


def broker_config(
    park_files: Annotated[list[Path], typer.Argument(help="park.yaml of every park")],
    out: Annotated[Path, typer.Option(help="folder of the files; only you can read it")],
    host: Annotated[
        list[str] | None,
        typer.Option(
            help="name or address of the broker, repeat for more; the first is handed out"
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="TLS; default 8883")] = None,
    bind: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help='listen here only; "": everywhere')
    ] = None,
    plain_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="also without TLS, on loopback; 0: no")
    ] = None,
    certificates: Annotated[
        bool | None,
        typer.Option("--certificates/--passwords", help="how users log in; default: passwords"),
    ] = None,
    files_dir: Annotated[
        str | None, typer.Option(help="where the files will be; default /mosquitto/config")
    ] = None,
    data_dir: Annotated[
        str | None, typer.Option(help="where the broker keeps data; default /mosquitto/data")
    ] = None,
    plugin_dir: Annotated[
        str | None, typer.Option(help='where its plugins are; default /usr/lib; "": Mosquitto 2.0')
    ] = None,
    rotate: Annotated[
        list[str] | None, typer.Option(metavar="ENTERPRISE", help="a new login for this one")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show the difference")] = False,
) -> None:
    """Make what Mosquitto needs so that an enterprise writes its own topics and reads nothing.

    Safe to repeat: passwords and certificates stay, options not given are those of the run before.

    Examples: greenpark broker-config park.yaml --out mqtt --host mqtt.park.example
    --- greenpark broker-config park.yaml --out mqtt --rotate acme --dry-run
    """
    given: dict[str, Any] = {
        "hosts": tuple(host) if host else None,
        "port": port,
        "bind": bind,
        "plain_port": plain_port,
        "certificates": certificates,
    }
    places: dict[str, Any] = {"files": files_dir, "data": data_dir, "plugins": plugin_dir}
    plan = make_plan(
        out,
        [load_park(path) for path in park_files],
        _merged(earlier_options(out), given, places),
        wall_now(),
        rotate or [],
    )
    if not dry_run:
        plan.write()
    _report(plan, "would be" if dry_run else "is")
    if plan.changed and not dry_run:
        _next_steps(plan)


def _merged(before: Options, given: dict[str, Any], places: dict[str, Any]) -> Options:
    """The options of the run before with those that were given now."""
    paths: BrokerPaths = replace(
        before.paths, **{k: v.rstrip("/") for k, v in places.items() if v is not None}
    )
    return replace(before, **{k: v for k, v in given.items() if v is not None}, paths=paths)


def _report(plan: Plan, verb: str) -> None:
    lines = [f"+ {name}" for name in plan.changed if name not in plan.before]
    lines += [f"~ {name}" for name in plan.changed if name in plan.before]
    lines += [f"- {name}" for name in plan.gone]
    lines += [f"{name}: a new login {verb} made" for name in plan.fresh]
    lines += [f"{name}: is in no park any more, {verb} locked out" for name in plan.removed]
    lines += [f"{name}: its certificate ends soon, --rotate it" for name in plan.expiring]
    login = "client certificates" if plan.options.certificates else "passwords"
    lines.append(
        f"{len(plan.users)} users, {login}, TLS on port {plan.options.port}; "
        f"{len(plan.changed)} file(s) new or changed, {len(plan.gone)} gone"
    )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _next_steps(plan: Plan) -> None:
    paths = plan.options.paths
    reload = (
        "restart the broker: its configuration is new"
        if plan.restart
        else "reload the broker: kill -HUP (users, rights, certificates need no restart)"
    )
    steps = [
        f"copy {plan.out}/broker/* to {paths.files} on the broker, readable by its user only",
        reload,
        f"collector: {plan.out}/collector holds its login, CA and client id "
        "(GREENPARK_MQTT_*, docs/operations.md)",
    ]
    if plan.fresh:
        steps.append(f"hand each folder of {plan.out}/enterprises to its enterprise, in person")
    steps.append(f"keep {plan.out}/ca/ca.key off the broker: it can make any login")
    console.print("next:")
    for number, step in enumerate(steps, 1):
        console.print(f" {number}. {step}", markup=False, highlight=False, soft_wrap=True)
