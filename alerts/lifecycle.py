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
    AlertKey,
    OpenAlert,
    open_alert,
    open_alerts,
    resolve_alert,
    touch_alerts,
    update_alert,
)
from storage.db import Conn
from storage.outbox import enqueue

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

    `enterprise_keys` names the enterprises in use: alerts of others are closed without a mail and
    verdicts about them change nothing. A subject without a verdict keeps its alert. `now` is park
    time, the outbox runs on the wall clock.

    Raises:
        StorageError: the database did not do it; commit nothing of it.
    """
    alerts = open_alerts(conn, park_id)
    done = dict.fromkeys(Step, 0)
    done[Step.RESOLVE] = _close_retired(conn, alerts, enterprise_keys, now)
    untouched = []
    subjects = {None: None} | {i: park.enterprise(k) for i, k in enterprise_keys.items()}
    for verdict in verdicts:
        if verdict.enterprise_id not in subjects:
            continue
        about = subjects[verdict.enterprise_id]
        alert = alerts.get((verdict.rule, verdict.enterprise_id))
        step = decide(verdict, alert)
        if alert is None:
            if step is Step.OPEN and not _open(conn, park, about, verdict, now):
                continue  # another run opened it a moment ago
        elif step is Step.UPDATE:
            update_alert(conn, alert, verdict, now)
        elif step is Step.RESOLVE:
            _resolve(conn, park, about, alert, verdict, now)
        else:
            untouched.append(alert.alert_id)
        done[step] += 1
    touch_alerts(conn, untouched, now)
    return LifecycleResult(done[Step.OPEN], done[Step.UPDATE], done[Step.RESOLVE])


def _close_retired(
    conn: Conn,
    alerts: dict[AlertKey, OpenAlert],
    enterprise_keys: Mapping[int, str],
    now: datetime,
) -> int:
    """Close the alerts of enterprises that are no longer in the park; nobody is mailed."""
    retired = [key for key in alerts if key[1] is not None and key[1] not in enterprise_keys]
    for key in retired:
        alert = alerts.pop(key)
        resolve_alert(conn, alert, alert.evidence, now, "enterprise is no longer in the park")
    return len(retired)


def _open(
    conn: Conn, park: Park, about: Enterprise | None, verdict: Verdict, now: datetime
) -> bool:
    """Open an alert and tell people; False if it is open already."""
    alert = open_alert(conn, verdict, now, _note(park, about))
    if alert is not None:
        enqueue(conn, make_mails(park, about, alert, verdict, now, "opened"))
    return alert is not None


def _resolve(
    conn: Conn,
    park: Park,
    about: Enterprise | None,
    alert: OpenAlert,
    verdict: Verdict,
    now: datetime,
) -> None:
    resolve_alert(conn, alert, verdict.evidence, now, _note(park, about))
    enqueue(conn, make_mails(park, about, alert, verdict, now, "resolved"))


def _note(park: Park, about: Enterprise | None) -> str:
    """What the event must say about the recipients; empty: all is well."""
    contacts, reason = recipients(park, about)
    if not contacts:
        return f"{NO_CONTACT}: nobody was told"
    return f"{NO_CONTACT}: sent to the park's contacts" if reason == "no_contact" else ""
