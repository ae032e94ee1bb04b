"""The life cycle of one alert as pure functions of the old state, a verdict and the time.

(none) --breach--> pending --for_hours--> firing --somebody--> acknowledged
pending --clear--> (none)
firing, acknowledged --clear for resolve_hours (flap_hold_hours if it flaps)--> resolved
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alerts.context import Change
from models.contacts import AlertSettings
from models.rules import RuleDefinition
from models.verdicts import Outcome, Verdict
from storage.alerts import Alert

_RANK = {"info": 0, "warning": 1, "critical": 2}


def advance(
    alert: Alert | None,
    verdict: Verdict,
    rule: RuleDefinition,
    settings: AlertSettings,
    now: datetime,
    recent: Sequence[datetime] = (),
) -> Alert | None:
    """The alert after a verdict; None: there is none (any more).

    Args:
        recent: when the last alert of the same key went bad or good, if it is resolved.

    A verdict that cannot tell, or holds, leaves everything but the clock as it is.
    """
    if alert is None:
        if verdict.outcome is not Outcome.BREACH:
            return None
        return _opened(verdict, rule, settings, now, recent)
    if verdict.outcome is Outcome.BREACH:
        return _bad(alert, verdict, rule, settings, now)
    if verdict.outcome is Outcome.CLEAR:
        return _good(alert, verdict, rule, settings, now)
    return replace(alert, evaluated_at=now)


def _opened(
    verdict: Verdict,
    rule: RuleDefinition,
    settings: AlertSettings,
    now: datetime,
    recent: Sequence[datetime],
) -> Alert:
    changes = _within([*recent, now], settings, now)
    waits = rule.for_hours > 0
    return Alert(
        alert_id=0,
        rule=verdict.rule,
        enterprise_id=verdict.enterprise_id,
        about=verdict.about,
        state="pending" if waits else "firing",
        severity=verdict.severity,
        evidence=finite(verdict.evidence),
        opened_at=now,
        evaluated_at=now,
        fired_at=None if waits else now,
        changes=changes,
        is_flapping=len(changes) >= settings.flap_changes,
    )


def _bad(
    alert: Alert, verdict: Verdict, rule: RuleDefinition, settings: AlertSettings, now: datetime
) -> Alert:
    worse = _RANK[verdict.severity] > _RANK[alert.severity]
    changes = _within(alert.changes, settings, now)
    if alert.clear_since is not None:
        changes = [*changes, now]
    after = replace(
        alert,
        severity=verdict.severity,
        evidence=finite(verdict.evidence),
        evaluated_at=now,
        clear_since=None,
        changes=changes,
        is_flapping=alert.is_flapping or len(changes) >= settings.flap_changes,
    )
    if alert.state == "pending" and now - alert.opened_at >= timedelta(hours=rule.for_hours):
        return replace(after, state="firing", fired_at=now)
    if alert.state == "acknowledged" and worse:  # what was acknowledged was less than this
        return replace(after, state="firing", acknowledged_at=None, acknowledged_by=None)
    return after


def _good(
    alert: Alert, verdict: Verdict, rule: RuleDefinition, settings: AlertSettings, now: datetime
) -> Alert | None:
    if alert.state == "pending":
        return None
    changes = _within(alert.changes, settings, now)
    since = alert.clear_since
    if since is None:
        since, changes = now, [*changes, now]
    flaps = alert.is_flapping or len(changes) >= settings.flap_changes
    hold = max(rule.resolve_hours, settings.flap_hold_hours if flaps else 0.0)
    after = replace(
        alert,
        evaluated_at=now,
        clear_since=since,
        changes=changes,
        is_flapping=flaps,
    )
    if now - since < timedelta(hours=hold):
        return after
    return replace(after, state="resolved", evidence=finite(verdict.evidence))


def _within(changes: Sequence[datetime], settings: AlertSettings, now: datetime) -> list[datetime]:
    window = timedelta(hours=settings.flap_window_hours)
    return [at for at in changes if now - at <= window]


def changes_to_tell(alert: Alert, settings: AlertSettings, now: datetime) -> list[Change]:
    """What people have to be told of an alert now, given what they were told before.

    Nothing while it is pending or muted, or looks well at present. What happened meanwhile is told
    when that is over, if it is still so; the end of something that nobody was told of is not told.
    The end of what people were told of is told although another alert inhibits it: it has no later.
    """
    inhibited = (alert.muted_by or "").startswith("inhibited:")
    if alert.state == "resolved" and (inhibited or not alert.muted_by):
        return ["resolved"] if alert.told_at else []
    if alert.state == "pending" or alert.muted_by or alert.clear_since is not None:
        return []
    if alert.told_at is None:
        return ["opened"]
    if alert.told_severity and _RANK[alert.severity] > _RANK[alert.told_severity]:
        return ["worse"]
    if alert.state == "acknowledged":
        return []
    escalate = settings.escalate_after_hours.hours(alert.severity)
    if escalate and alert.escalated_at is None and _passed(alert.told_at, escalate, now):
        return ["escalated"]
    remind = settings.remind_after_hours.hours(alert.severity)
    last = max(filter(None, (alert.told_at, alert.reminded_at, alert.escalated_at)))
    if remind and not alert.is_flapping and _passed(last, remind, now):
        return ["reminder"]
    return []


def told(alert: Alert, changes: Sequence[Change], now: datetime) -> Alert:
    """The alert after people were told of these changes."""
    for change in changes:
        if change in ("opened", "worse"):
            alert = replace(alert, told_at=now, told_severity=alert.severity, reminded_at=now)
        elif change == "escalated":
            alert = replace(alert, escalated_at=now)
        elif change == "reminder":
            alert = replace(alert, reminded_at=now)
    return alert


def _passed(since: datetime, hours: float, now: datetime) -> bool:
    return now - since >= timedelta(hours=hours)


def finite(value: Any) -> Any:
    """The same facts without NaN and infinity, which JSON does not have: they become None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def mutes(
    alerts: Sequence[Alert], definitions: Mapping[str, RuleDefinition]
) -> dict[tuple[str, int | None, str], str]:
    """Alerts that another open alert makes pointless: key -> `inhibited:<rule>`.

    An alert of the same enterprise inhibits, and one of the park about its data; pending and
    well-looking ones count as well: whoever waits for the one need not hear of the other.
    """
    there = {(a.rule, a.enterprise_id) for a in alerts if a.state != "resolved"}
    out = {}
    for alert in alerts:
        rule = definitions.get(alert.rule)
        for other in rule.inhibited_by if rule else ():
            by_park = definitions[other].family == "data" and (other, None) in there
            if by_park or (other, alert.enterprise_id) in there:
                out[alert.key] = f"inhibited:{other}"
                break
    return out
