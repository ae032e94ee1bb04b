"""What a verdict does to an alert; alert and outbox change in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerts.context import make_mails, recipients
from models.park import Enterprise, Park
from models.verdicts import Outcome, Verdict
from storage.alerts import (
    OpenAlert,
    enqueue,
    open_alert,
    open_alerts,
    resolve_alert,
    touch_alerts,
    update_alert,
)
from storage.db import Conn

NO_CONTACT = "no contact configured"


class Step(StrEnum):
    """What to do with the alert of a verdict; `open` and `resolve` also send a message."""

    OPEN = "open"
    UPDATE = "update"
    RESOLVE = "resolve"
    TOUCH = "touch"
    NOTHING = "nothing"


@dataclass(frozen=True)
class LifecycleResult:
    """How many alerts were opened, got new evidence, and were resolved."""

    opened: int
    updated: int
    resolved: int


def decide(verdict: Verdict, alert: OpenAlert | None) -> Step:
    """The step that a verdict asks for, given the open alert of its rule and subject, if any."""
    if alert is None:
        return Step.OPEN if verdict.outcome is Outcome.BREACH else Step.NOTHING
    if verdict.outcome is Outcome.CLEAR:
        return Step.RESOLVE
    known = (alert.severity, dict(alert.evidence))
    if verdict.outcome is Outcome.BREACH and known != (verdict.severity, dict(verdict.evidence)):
        return Step.UPDATE
    return Step.TOUCH


def apply_verdicts(
    conn: Conn,
    park_id: int,
    park: Park,
    enterprise_keys: Mapping[int, str],
    verdicts: Sequence[Verdict],
    now: datetime,
) -> LifecycleResult:
    """Open, update and resolve alerts and enqueue their e-mails, in the caller's transaction.

    `enterprise_keys` has the key of every enterprise number that a verdict names. A subject
    without a verdict keeps its alert. `now` is the park clock; the outbox runs on the wall clock.

    Raises:
        StorageError: the database did not do it; nothing of it must be committed.
    """
    alerts = open_alerts(conn, park_id)
    done = dict.fromkeys(Step, 0)
    untouched = []
    for verdict in verdicts:
        key = (verdict.rule, verdict.enterprise_id)
        alert = alerts.get(key)
        step = decide(verdict, alert)
        about = (
            None
            if verdict.enterprise_id is None
            else park.enterprise(enterprise_keys[verdict.enterprise_id])
        )
        if step is Step.OPEN:
            alert = _open(conn, park, about, verdict, now)
            if alert is None:
                continue  # another run opened it a moment ago
            alerts[key] = alert
        elif alert is not None and step is Step.UPDATE:
            update_alert(conn, alert, verdict, now)
        elif alert is not None and step is Step.RESOLVE:
            _resolve(conn, park, about, alerts.pop(key), verdict, now)
        elif alert is not None:
            untouched.append(alert.alert_id)
        done[step] += 1
    touch_alerts(conn, untouched, now)
    return LifecycleResult(done[Step.OPEN], done[Step.UPDATE], done[Step.RESOLVE])


def _open(
    conn: Conn, park: Park, about: Enterprise | None, verdict: Verdict, now: datetime
) -> OpenAlert | None:
    alert = open_alert(conn, verdict, now, _note(park, about))
    if alert is not None:
        enqueue(conn, make_mails(park, about, alert, verdict, now, "opened"))
    return alert


def _resolve(
    conn: Conn,
    park: Park,
    about: Enterprise | None,
    alert: OpenAlert,
    verdict: Verdict,
    now: datetime,
) -> None:
    resolve_alert(conn, alert, verdict, now, _note(park, about))
    enqueue(conn, make_mails(park, about, alert, verdict, now, "resolved"))


def _note(park: Park, about: Enterprise | None) -> str:
    """What the event must say about the recipients; empty: all is well."""
    contacts, reason = recipients(park, about)
    if not contacts:
        return f"{NO_CONTACT}: nobody was told"
    return f"{NO_CONTACT}: sent to the park's contacts" if reason == "no_contact" else ""
