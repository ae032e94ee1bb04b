"""rules: what is watched with which limits, and what they would have said in the past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from app.commands.options import FormatOption, FromOption, ParkOption, ToOption, instant_of
from app.jobs.rule_history import Episode, History, instants, replay
from app.jobs.snapshot import load_snapshot
from app.output import Format, show
from app.progress import file_bar
from app.rules_page import with_rules_table
from app.wiring import console, database, one_park
from models.errors import ConfigError
from models.park import Park
from models.rules import Tuning, rule_definitions
from rules.snapshot import Snapshot
from storage.alerts import rule_runs
from storage.db import Conn
from storage.parks import AppliedPark

_ABOUT = ("rule", "family", "name", "unit", "warn", "critical", "for_hours", "resolve_hours")
_LAST = ("hours", "weekdays", "enabled", "asked_at", "breaches", "clears", "cannot_tell", "source")
_LISTS = ("hours", "weekdays")
_EPISODE = (
    *("rule", "enterprise", "about", "severity", "fired_at", "resolved_at", "value", "target"),
    *("muted_by", "messages"),
)


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=True, help="The rules, their limits and their history.")
    group.command("list")(listing)
    group.command("test")(trial)
    app.add_typer(group, name="rules")


def listing(
    park: ParkOption = None,
    form: FormatOption = Format.table,
    page: Annotated[
        Path | None, typer.Option(help="renew the table of defaults in this page instead")
    ] = None,
) -> None:
    """List the rules with their parameters in this park and the answers of their last run.

    Example: greenpark rules list --format csv
    """
    if page is not None:
        page.write_text(with_rules_table(page.read_text(encoding="utf-8")), encoding="utf-8")
        return
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        runs = rule_runs(conn, applied.park_id)
    rows = []
    for code in rule_definitions():
        rule = applied.park.rule(code)
        facts = rule.model_dump() | {"rule": code, "name": f"{rule.name.zh} / {rule.name.en}"}
        facts |= {key: ",".join(map(str, facts[key] or ())) for key in _LISTS}
        rows.append(facts | runs.get(code, {}))
    show(rows, (*_ABOUT, *_LAST), form, "no rules")


def trial(
    start: FromOption,
    stop: ToOption,
    rules: Annotated[list[str] | None, typer.Option("--rule", help="only these rules")] = None,
    changed: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="RULE.PARAMETER=VALUE", help="try another parameter"),
    ] = None,
    every: Annotated[float, typer.Option(min=0.25, help="hours between evaluations")] = 24.0,
    park: ParkOption = None,
    form: FormatOption = Format.table,
) -> None:
    """Replay history through the rules and show what would have fired; nothing is written.

    Values are taken as they are known now, findings as they were known then.

    Example: greenpark rules test --from 2026-01-01 --to 2026-04-01 --rule water_saving
    --set water_saving.for_hours=48
    """
    for code in rules or ():
        if code not in rule_definitions():
            known = ", ".join(rule_definitions())
            raise ConfigError("--rule", [f"no rule {code!r}; expected one of: {known}"])
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        applied = replace(applied, park=tried(applied.park, changed or ()))
        history = _replay(conn, applied, (start, stop), every, rules)
    keys = {v: k for k, v in history.keys.items()}
    rows = [_row(episode, keys) for episode in history.of.episodes]
    show(rows, _EPISODE, form, "nothing would have fired")
    if form is Format.table:
        show(_summary(history.of), ("rule", "alerts", "messages", "cannot_tell"), form, "")
        console.print("nothing was changed; messages are counted once, not per contact")


class _Replayed:
    def __init__(self, of: History, keys: dict[str, int]) -> None:
        self.of, self.keys = of, keys


def _replay(
    conn: Conn,
    applied: AppliedPark,
    span: tuple[date | None, date | None],
    every: float,
    rules: Sequence[str] | None,
) -> _Replayed:
    begin, end = (instant_of(when, [applied.park.zone]) for when in span)
    if begin is None or end is None or end <= begin:
        fault = f"--from {span[0]} --to {span[1]}: expected a start before an end"
        raise ConfigError("time", [fault])
    times = list(instants(begin, end, every))
    keys: dict[str, int] = {}

    def pictures() -> Iterator[Snapshot]:
        with file_bar() as bar:
            task = bar.add_task("rules", total=len(times), note="")
            for at in times:
                seen = load_snapshot(conn, applied, at, rules)
                keys.update({k: i for i, k in seen.enterprises.items()})
                # how jobs, collectors and mail servers are today says nothing about then
                yield replace(seen, jobs=(), undelivered=(), collectors=None)
                bar.update(task, advance=1, note=f"{at.astimezone(applied.park.zone):%Y-%m-%d}")

    return _Replayed(replay(pictures(), rules), keys)


def tried(park: Park, changed: Sequence[str]) -> Park:
    """The park with other parameters of rules.

    Args:
        changed: RULE.PARAMETER=VALUE each.

    Raises:
        ConfigError: names every fault and what was expected.
    """
    more: dict[str, dict[str, Any]] = defaultdict(dict)
    faults = []
    for text in changed:
        name, _, value = text.partition("=")
        code, _, parameter = name.partition(".")
        if code not in rule_definitions() or parameter not in Tuning.model_fields or not value:
            known = ", ".join(Tuning.model_fields)
            faults.append(f"got {text!r}; expected RULE.PARAMETER=VALUE, PARAMETER one of: {known}")
        else:
            more[code][parameter] = value.split(",") if parameter in _LISTS else value
    tune = dict(park.rules.tune)
    for code, parameters in more.items():
        own = tune.get(code, Tuning()).model_dump(exclude_none=True)
        try:
            tune[code] = Tuning.model_validate(own | parameters)
        except ValidationError as exc:
            faults += [
                f"{code}.{e['loc'][0]}: {e['msg']} (got {e['input']!r})" for e in exc.errors()
            ]
    if faults:
        raise ConfigError("--set", faults)
    return park.model_copy(update={"rules": park.rules.model_copy(update={"tune": tune})})


def _row(episode: Episode, keys: dict[int, str]) -> dict[str, Any]:
    alert = episode.alert
    told = ", ".join(f"{n} {change}" for change, n in episode.messages.items())
    return {
        "rule": alert.rule,
        "enterprise": keys.get(alert.enterprise_id) if alert.enterprise_id is not None else None,
        "about": alert.about,
        "severity": alert.severity,
        "fired_at": alert.fired_at,
        "resolved_at": episode.resolved_at,
        "value": alert.evidence.get("value"),
        "target": alert.evidence.get("target"),
        "muted_by": episode.muted_by,
        "messages": told,
    }


def _summary(history: History) -> list[dict[str, Any]]:
    out: dict[str, dict[str, Any]] = {}
    for episode in history.episodes:
        row = out.setdefault(episode.alert.rule, {"alerts": 0, "messages": 0})
        row["alerts"] += 1
        row["messages"] += episode.messages.total()
    for code in history.cannot_tell:
        out.setdefault(code, {"alerts": 0, "messages": 0})
    return [
        {"rule": code, **row, "cannot_tell": history.cannot_tell[code]}
        for code, row in sorted(out.items())
    ]
