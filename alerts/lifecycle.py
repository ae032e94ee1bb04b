"""What verdicts do to the alerts of a park; alerts and notices change in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.context import Change
from alerts.machine import advance, changes_to_tell, mutes, told
from alerts.recipients import NO_CHANNELS, notices, recipients
from models.delivery import Kind
from models.park import Enterprise, Park
from models.rules import RuleDefinition, rule_definitions
from models.verdicts import AlertKey, Verdict
from storage.alerts import (
    Alert,
    Event,
    Silence,
    add_events,
    drop_pending,
    insert_alerts,
    list_silences,
    open_alerts,
    recent_changes,
    touch_alerts,
    update_alerts,
)
from storage.db import Conn
from storage.outbox import NewNotice, add_notices, tell_again

NO_CONTACT = "no contact configured"
_TOUCH_EVERY = timedelta(hours=1)  # evaluated_at of unchanged alerts is only this exact


@dataclass(frozen=True)
class LifecycleResult:
    """How many alerts began (pending ones too), fired, changed, and were resolved."""

    opened: int = 0
    fired: int = 0
    updated: int = 0
    resolved: int = 0


@dataclass
class _Step:
    """What an evaluation does to the alerts, collected before anything is written."""

    after: dict[AlertKey, Alert]
    before: Mapping[AlertKey, Alert]
    enterprises: Mapping[int, Enterprise]
    kinds: Mapping[str, Kind]
    dropped: list[int] = field(default_factory=list)
    notes: dict[AlertKey, str] = field(default_factory=dict)

    def enterprise(self, number: int | None) -> Enterprise | None:
        """None for the park, and for an enterprise that is not in use."""
        return None if number is None else self.enterprises.get(number)


def apply_verdicts(
    conn: Conn,
    park_id: int,
    park: Park,
    enterprise_keys: Mapping[int, str],
    verdicts: Sequence[Verdict],
    now: datetime,
    kinds: Mapping[str, Kind] = NO_CHANNELS,
) -> LifecycleResult:
    """Advance the alerts of a park and note what people are to be told; the caller commits.

    A subject without a verdict keeps its alert. `now` is park time.

    Args:
        enterprise_keys: the enterprises in use: alerts of others are closed and nobody is told;
            verdicts about them change nothing.
        kinds: kind of each channel beside e-mail by its name.

    Raises:
        StorageError: the database did not do it; commit nothing of it.
    """
    before = open_alerts(conn, park_id)
    window = timedelta(hours=park.alerts.flap_window_hours)
    recent = recent_changes(conn, park_id, now - window)
    step = _Step(dict(before), before, park.numbered(enterprise_keys), kinds)
    _close_pointless(step, park, now)
    for verdict in verdicts:
        about = step.enterprise(verdict.enterprise_id)
        if about is not None or verdict.enterprise_id is None:
            _advance(step, verdict, park.rule(verdict.rule, about), park, now, recent)
    _mute(step, park, enterprise_keys, list_silences(conn, now, park_id), now)
    return _write(conn, park_id, park, step, now)


def _close_pointless(step: _Step, park: Park, now: datetime) -> None:
    """Alerts of enterprises that left and of rules that were switched off end without a word."""
    for key, alert in step.before.items():
        code, enterprise_id, _ = key
        about = step.enterprise(enterprise_id)
        note = ""
        if enterprise_id is not None and about is None:
            note = "enterprise is no longer in the park"
        elif code not in rule_definitions() or not park.rule(code, about).enabled:
            note = "the rule is switched off"
        if note:
            step.notes[key] = note
            step.after[key] = replace(
                alert, state="resolved", evaluated_at=now, muted_by="no longer looked at"
            )


def _advance(
    step: _Step,
    verdict: Verdict,
    rule: RuleDefinition,
    park: Park,
    now: datetime,
    recent: Mapping[AlertKey, Sequence[datetime]],
) -> None:
    old = step.after.get(verdict.key)
    if old is not None and old.state == "resolved":
        return
    new = advance(old, verdict, rule, park.alerts, now, recent.get(verdict.key, ()))
    if new is not None:
        step.after[verdict.key] = new
    elif old is not None:
        del step.after[verdict.key]
        step.dropped.append(old.alert_id)


def _mute(
    step: _Step,
    park: Park,
    keys: Mapping[int, str],
    silences: Sequence[Silence],
    now: datetime,
) -> None:
    inhibited = mutes(list(step.after.values()), rule_definitions())
    for key, alert in step.after.items():
        if key in step.notes:
            continue
        enterprise = keys.get(key[1]) if key[1] is not None else None
        why = None
        if any(m.covers(key[0], enterprise, now) for m in park.maintenance):
            why = "maintenance"
        elif silence := next((s for s in silences if s.covers(key, now)), None):
            why = f"silence:{silence.silence_id}"
        elif key in inhibited:
            why = inhibited[key]
        if why != alert.muted_by:
            step.after[key] = replace(alert, muted_by=why)


def _write(
    conn: Conn,
    park_id: int,
    park: Park,
    step: _Step,
    now: datetime,
) -> LifecycleResult:
    to_tell: dict[AlertKey, list[Change]] = {}
    for key, alert in step.after.items():
        if changes := changes_to_tell(alert, park.alerts, now):
            to_tell[key] = changes
            step.after[key] = told(alert, changes, now)
    new = [alert for key, alert in step.after.items() if key not in step.before]
    numbers = insert_alerts(conn, park_id, new)
    for alert in new:
        if alert.key in numbers:
            step.after[alert.key] = replace(alert, alert_id=numbers[alert.key])
        else:  # another run opened it a moment ago
            del step.after[alert.key]
            to_tell.pop(alert.key, None)
    changed, same = [], []
    for key, alert in step.after.items():
        old = step.before.get(key)
        if old is None:
            continue
        if replace(alert, evaluated_at=old.evaluated_at) != replace(old, changes=alert.changes):
            changed.append(alert)
        elif alert.evaluated_at - old.evaluated_at >= _TOUCH_EVERY:
            same.append(alert.alert_id)
    update_alerts(conn, changed)
    touch_alerts(conn, same, now)
    drop_pending(conn, step.dropped)
    events = list(_events(step, to_tell, park, now))
    add_events(conn, events)
    _tell(conn, park, step, to_tell, now)
    states = [(step.before.get(k), a.state) for k, a in step.after.items()]
    return LifecycleResult(
        opened=len(numbers),
        fired=sum(s == "firing" and (b is None or b.state == "pending") for b, s in states),
        updated=sum(e.old_state == e.new_state for e in events),
        resolved=sum(s == "resolved" for _, s in states),
    )


def _events(
    step: _Step,
    to_tell: Mapping[AlertKey, Sequence[Change]],
    park: Park,
    now: datetime,
) -> list[Event]:
    out = []
    for key, alert in step.after.items():
        old = step.before.get(key)
        notes = [step.notes[key]] if key in step.notes else []
        if old is not None and old.severity != alert.severity:
            notes.append(f"severity {old.severity} -> {alert.severity}")
        if alert.is_flapping and not (old and old.is_flapping):
            notes.append("it flaps")
        if alert.muted_by != (old.muted_by if old else None) and key not in step.notes:
            notes.append(f"nobody is told: {alert.muted_by}" if alert.muted_by else "told again")
        for change in to_tell.get(key, ()):
            if change in ("reminder", "escalated"):
                notes.append(change)
        if "opened" in to_tell.get(key, ()):
            notes += _about_recipients(park, step.enterprise(alert.enterprise_id), alert.rule)
        if old is None or old.state != alert.state or notes:
            old_state = old.state if old else None
            out.append(Event(alert.alert_id, now, old_state, alert.state, "; ".join(notes)))
    return out


def _about_recipients(park: Park, about: Enterprise | None, rule: str) -> list[str]:
    people = recipients(park, about, rule)
    if not people:
        return [f"{NO_CONTACT}: nobody was told"]
    if people[0][1] == "no_contact":
        return [f"{NO_CONTACT}: sent to the park's contacts"]
    return []


def _tell(
    conn: Conn,
    park: Park,
    step: _Step,
    to_tell: Mapping[AlertKey, Sequence[Change]],
    now: datetime,
) -> None:
    rows: list[NewNotice] = []
    ended = []
    for key, changes in to_tell.items():
        alert = step.after[key]
        if "resolved" in changes:
            ended.append(alert.alert_id)
            continue
        for change in changes:
            about = step.enterprise(alert.enterprise_id)
            rows += notices(park, about, alert, change, now, step.kinds)
    add_notices(conn, rows)
    tell_again(conn, ended, "resolved", now)
