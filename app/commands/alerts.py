"""alerts: list, show, acknowledge, comment, silence."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from alerts.bounces import read_bounce
from app.clock import wall_now
from app.commands.channels import channels
from app.commands.options import ByOption, FormatOption, NowOption, ParkOption, instant
from app.output import Format, show
from app.settings import settings
from app.wiring import clock_of, console, database, one_park
from models.errors import ConfigError
from models.findings import Severity
from models.rules import rule_definitions
from storage.alerts import (
    AlertFilter,
    Silence,
    acknowledge,
    add_silence,
    alert_events,
    comment,
    end_silence,
    list_alerts,
    list_silences,
)
from storage.db import Conn
from storage.outbox import mark_bounced
from storage.parks import AppliedPark, enterprise_ids

_COLUMNS = (
    *("alert_id", "enterprise_key", "rule", "about", "severity", "state", "value", "target"),
    *("opened_at", "resolved_at", "acknowledged_by", "muted_by", "mails_sent", "mails_waiting"),
    *("mails_failed", "last_error"),
)
_MORE = ("fired_at", "acknowledged_at", "assignee", "is_flapping", "told_at", "evidence")

RuleOption = Annotated[str | None, typer.Option("--rule", help="code of a rule")]
EnterpriseOption = Annotated[str | None, typer.Option("--enterprise", help="enterprise key")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(no_args_is_help=True, help="Alerts, who looks after them, silences.")
    for name, command in (
        ("list", listing),
        ("show", one),
        ("ack", ack),
        ("comment", remark),
        ("silence", silence),
        ("silences", silences),
        ("unsilence", unsilence),
        ("bounce", bounce),
        ("channels", channels),
    ):
        group.command(name)(command)
    app.add_typer(group, name="alerts")


def listing(
    everything: Annotated[bool, typer.Option("--all", help="resolved ones as well")] = False,
    pending: Annotated[bool, typer.Option("--pending", help="not yet firing, too")] = False,
    enterprise: EnterpriseOption = None,
    rule: RuleOption = None,
    severity: Annotated[Severity | None, typer.Option(help="info, warning or critical")] = None,
    park: ParkOption = None,
    form: FormatOption = Format.table,
    limit: int = 1000,
) -> None:
    """List alerts with their state, reason and messages, newest first.

    Example: greenpark alerts list --all --rule water_saving --format csv
    """
    _known_rule(rule)
    asked = AlertFilter(
        park,
        enterprise,
        rule,
        severity,
        include_resolved=everything,
        include_pending=pending,
    )
    with database() as connect, connect() as conn:
        rows = [asdict(a) for a in list_alerts(conn, asked, limit)]
    for row in rows:
        row["value"], row["target"] = (row["evidence"].get(k) for k in ("value", "target"))
    columns = _COLUMNS if form is Format.table else (*_COLUMNS, *_MORE)
    show(rows, columns, form, "no open alerts")


def one(
    alert_id: Annotated[int, typer.Argument(help="number, see alerts list")],
    form: FormatOption = Format.table,
) -> None:
    """Everything about one alert: facts, evidence, history.

    Example: greenpark alerts show 7
    """
    with database() as connect, connect() as conn:
        facts = asdict(_existing(conn, [alert_id])[0])
        events = alert_events(conn, alert_id)
    if form is not Format.table:
        show([facts | {"history": events}], [*facts, "history"], form, "")
        return
    evidence = facts.pop("evidence")
    rows = [{"fact": k, "is": v} for k, v in facts.items() if v not in (None, "")]
    rows += [{"fact": f"evidence.{k}", "is": v} for k, v in evidence.items()]
    show(rows, ["fact", "is"], form, "")
    show(events, ["at", "old_state", "new_state", "note", "actor"], form, "no history")


def ack(
    alert_ids: Annotated[list[int], typer.Argument(help="numbers, see alerts list")],
    by: ByOption,
    note: Annotated[str, typer.Option(help="what is being done about it")] = "",
    now: NowOption = None,
) -> None:
    """Acknowledge alerts: no more reminders and escalation; a worse one fires again.

    Example: greenpark alerts ack 7 8 --by "Li Wei" --note "pump is being repaired"
    """
    _named(by)
    at = clock_of(settings(), now).now()
    with database() as connect, connect() as conn, conn.transaction():
        _existing(conn, alert_ids)
        for done in acknowledge(conn, alert_ids, by.strip(), at, note.strip()):
            what = "acknowledged" if done.is_changed else f"is {done.old_state}, nothing changed"
            since = f" (by {done.acknowledged_by})" if done.acknowledged_by else ""
            console.print(f"alert {done.alert_id} ({done.rule}): {what}{since}", highlight=False)


def remark(
    alert_id: Annotated[int, typer.Argument(help="number, see alerts list")],
    by: ByOption,
    note: Annotated[str, typer.Option(help="the remark")],
    assign: Annotated[str | None, typer.Option(help="who looks after it from now on")] = None,
    now: NowOption = None,
) -> None:
    """Add a remark to an alert, and say who looks after it.

    Example: greenpark alerts comment 7 --by "Li Wei" --note "valve ordered" --assign "Zhao"
    """
    _named(by)
    at = clock_of(settings(), now).now()
    with database() as connect, connect() as conn, conn.transaction():
        _existing(conn, [alert_id])
        comment(conn, alert_id, by.strip(), at, note.strip(), assign)
    console.print(f"alert {alert_id}: noted", highlight=False)


def silence(
    by: ByOption,
    reason: Annotated[str, typer.Option(help="why nobody is to be told")],
    rule: RuleOption = None,
    enterprise: EnterpriseOption = None,
    about: Annotated[str | None, typer.Option(help="meter, project... of the alert")] = None,
    hours: Annotated[float, typer.Option(min=0.1, help="how long from the start")] = 8.0,
    start: Annotated[
        datetime | None,
        typer.Option("--from", parser=instant, metavar="TIME", help="default: now"),
    ] = None,
    park: ParkOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what it covers")] = False,
    now: NowOption = None,
) -> None:
    """Tell nobody of some alerts for a time; they are recorded, and told after it if they last.

    Example: greenpark alerts silence --enterprise shengtai --rule water_saving --hours 24
    --by "Li Wei" --reason "pump is being repaired"
    """
    _named(by)
    _known_rule(rule)
    at = clock_of(settings(), now).now()
    begin = start or at
    with database() as connect, connect() as conn, conn.transaction():
        applied = one_park(conn, park)
        made = Silence(
            0,
            applied.park.key,
            rule,
            _number(conn, applied, enterprise),
            enterprise,
            about,
            begin,
            begin + timedelta(hours=hours),
            reason.strip(),
            by.strip(),
        )
        covered = _covered(conn, applied, made)
        show(covered, ["alert_id", "enterprise_key", "rule", "about", "state"], Format.table,
             "covers no alert that is open now")  # fmt: skip
        if dry_run:
            console.print("dry run: nothing was changed")
            return
        facts = asdict(made) | {"by": made.created_by, "now": at}
        number = add_silence(conn, applied.park_id, facts)
    console.print(
        f"silence {number} until {made.ends_at.astimezone(applied.park.zone).isoformat()}",
        highlight=False,
    )


def silences(
    park: ParkOption = None, form: FormatOption = Format.table, now: NowOption = None
) -> None:
    """List silences that last or are to come, and planned maintenance.

    Example: greenpark alerts silences --format json
    """
    at = clock_of(settings(), now).now()
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        rows = [asdict(s) for s in list_silences(conn, at, applied.park_id)]
    rows += [
        {
            "rule": ", ".join(m.rules) or None,
            "enterprise_key": m.enterprise,
            "starts_at": m.start,
            "ends_at": m.stop,
            "reason": m.reason,
            "created_by": "park.yaml",
        }
        for m in applied.park.maintenance
        if m.stop > at
    ]
    columns = ("silence_id", "rule", "enterprise_key", "about", "starts_at", "ends_at", "reason")
    show(rows, (*columns, "created_by"), form, "no silences")


def unsilence(
    silence_id: Annotated[int, typer.Argument(help="number, see alerts silences")],
    by: ByOption,
    now: NowOption = None,
) -> None:
    """End a silence now; what is still wrong is told at the next run.

    Example: greenpark alerts unsilence 3 --by "Li Wei"
    """
    _named(by)
    at = clock_of(settings(), now).now()
    with database() as connect, connect() as conn, conn.transaction():
        if not end_silence(conn, silence_id, by.strip(), at):
            fault = "is none that lasts; see: greenpark alerts silences"
            raise ConfigError(f"silence {silence_id}", [fault])
    console.print(f"silence {silence_id}: ended", highlight=False)


def bounce(
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(help="a delivery status notification; -: from a pipe")
    ],
) -> None:
    """Record that a message came back, from the notification of a mail server (RFC 3464).

    What failed for good opens an alert for the park. Let the mailbox of the sender pipe into it.

    Example: greenpark alerts bounce - < notification.eml
    """
    try:
        came_back = read_bounce(file.read())
    except ValueError as exc:
        raise ConfigError(str(file.name), [str(exc)]) from exc
    error = f"came back: {came_back.status} {came_back.text}".strip()
    with database() as connect, connect() as conn, conn.transaction():
        row = mark_bounced(
            conn, came_back.message_id, wall_now(), error, permanent=came_back.permanent
        )
    if row is None:
        fault = f"message {came_back.message_id} is not one of this database"
        raise ConfigError(str(file.name), [fault])
    kind = "for good" if came_back.permanent else "for now"
    console.print(f"{row['recipient']}: {kind}: {error}", highlight=False)


def _existing(conn: Conn, alert_ids: list[int]) -> list[Any]:
    asked = AlertFilter(alert_ids=alert_ids, include_resolved=True, include_pending=True)
    found = list_alerts(conn, asked)
    missing = sorted(set(alert_ids) - {a.alert_id for a in found})
    if missing:
        faults = [f"there is no alert {n}; see: greenpark alerts list --all" for n in missing]
        raise ConfigError("alerts", faults)
    return found


def _covered(conn: Conn, applied: AppliedPark, made: Silence) -> list[dict[str, Any]]:
    """Open alerts that a silence covers, whenever it begins."""
    ids = enterprise_ids(conn, applied.park_id)
    begun = replace(made, starts_at=datetime.min.replace(tzinfo=made.starts_at.tzinfo))
    rows = list_alerts(conn, AlertFilter(park=applied.park.key, include_pending=True), 10_000)
    return [
        asdict(a)
        for a in rows
        if begun.covers(
            (a.rule, ids.get(a.enterprise_key) if a.enterprise_key else None, a.about),
            made.starts_at,
        )
    ]


def _number(conn: Conn, applied: AppliedPark, enterprise: str | None) -> int | None:
    if enterprise is None:
        return None
    applied.park.enterprise(enterprise)  # names the known ones
    return enterprise_ids(conn, applied.park_id)[enterprise]


def _known_rule(rule: str | None) -> None:
    if rule is not None and rule not in rule_definitions():
        known = ", ".join(rule_definitions())
        raise ConfigError("--rule", [f"no rule {rule!r}; expected one of: {known}"])


def _named(by: str) -> None:
    if not by.strip():
        raise ConfigError("--by", ["is empty; expected a name"])
