"""What the rules would have said in the past: the pure life cycle over pictures, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.machine import advance, changes_to_tell, mutes, told
from models.rules import rule_definitions
from models.verdicts import AlertKey, Outcome
from rules.catalogue import verdicts
from rules.snapshot import Snapshot
from storage.alerts import Alert


@dataclass
class Episode:
    """An alert that would have been; `messages` counts what people would have been told."""

    alert: Alert
    resolved_at: datetime | None = None
    messages: Counter[str] = field(default_factory=Counter)
    muted_by: str = ""


@dataclass
class History:
    """Alerts in the order in which they began; subjects that a rule could not tell of, by rule."""

    episodes: list[Episode] = field(default_factory=list)
    cannot_tell: Counter[str] = field(default_factory=Counter)


def replay(pictures: Iterable[Snapshot], codes: Collection[str] | None = None) -> History:
    """Ask the rules about pictures of one park in the order of time.

    Maintenance windows count, silences do not; nobody acknowledges.

    Args:
        codes: the rules to ask; None: all.
    """
    history = History()
    running: dict[AlertKey, Episode] = {}
    recent: dict[AlertKey, list[datetime]] = {}
    for seen in pictures:
        seen = replace(seen, open=frozenset(running))
        _advance(seen, codes, running, recent, history)
        muted = mutes([e.alert for e in running.values()], rule_definitions())
        for key in list(running):
            _tell(seen, key, running[key], muted.get(key))
            if running[key].alert.state == "resolved":
                done = running.pop(key)
                done.resolved_at = seen.now
                recent[key] = list(done.alert.changes)
    history.episodes = [e for e in history.episodes if e.alert.fired_at is not None]
    return history


def _advance(
    seen: Snapshot,
    codes: Collection[str] | None,
    running: dict[AlertKey, Episode],
    recent: dict[AlertKey, list[datetime]],
    history: History,
) -> None:
    for verdict in verdicts(seen, codes):
        if verdict.outcome is Outcome.CANNOT_TELL:
            history.cannot_tell[verdict.rule] += 1
        rule = seen.rule(verdict.rule, verdict.enterprise_id)
        episode = running.get(verdict.key)
        alert = advance(
            episode.alert if episode else None,
            verdict,
            rule,
            seen.park.alerts,
            seen.now,
            recent.get(verdict.key, ()),
        )
        if alert is None:
            running.pop(verdict.key, None)
        elif episode is None:
            running[verdict.key] = Episode(alert)
            history.episodes.append(running[verdict.key])
        else:
            episode.alert = alert


def _tell(seen: Snapshot, key: AlertKey, episode: Episode, inhibited: str | None) -> None:
    enterprise = seen.enterprises.get(key[1]) if key[1] is not None else None
    planned = any(m.covers(key[0], enterprise, seen.now) for m in seen.park.maintenance)
    muted = "maintenance" if planned else inhibited
    alert = replace(episode.alert, muted_by=muted)
    changes = changes_to_tell(alert, seen.park.alerts, seen.now)
    episode.messages.update(changes)
    episode.muted_by = muted or episode.muted_by
    episode.alert = told(alert, changes, seen.now)


def instants(start: datetime, stop: datetime, every_h: float) -> Iterator[datetime]:
    """From the start, at equal steps, up to and without the stop."""
    from_s, step_s = start.timestamp(), every_h * 3600
    count = int((stop.timestamp() - from_s) / step_s)
    return (datetime.fromtimestamp(from_s + n * step_s, start.tzinfo) for n in range(count + 1))
