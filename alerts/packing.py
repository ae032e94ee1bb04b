"""Notices become messages: grouped, held in quiet hours, gathered in digests, never a flood."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from alerts.context import Item, MailContext, Trend
from alerts.schedule import digest_due, is_quiet, previous_digest
from models.document import Names
from models.park import Park
from storage.alerts import trends
from storage.db import Conn
from storage.outbox import (
    Address,
    AlertFacts,
    NewMessage,
    Waiting,
    drop_notices,
    enqueue,
    first_messages,
    last_digests,
    open_for,
    packed_since,
    waiting_notices,
)

_RANK = {"critical": 0, "warning": 1, "info": 2}
_HOUR = timedelta(hours=1)
_LONGEST_DIGEST = timedelta(days=15)
SUMMARY_ITEMS = 20
"""A summary lists this many of its alerts; the dashboard has all."""
CHARTS = 3
"""A message shows this many charts."""


@dataclass(frozen=True)
class Parcel:
    """Notices that go to one recipient in one message."""

    kind: str
    notices: tuple[Waiting, ...]
    thread: str = ""

    @property
    def severity(self) -> str:
        """The worst of its alerts."""
        return min((n.severity for n in self.notices), key=lambda s: _RANK[s])


def pack_messages(
    conn: Conn, park_id: int, park: Park, enterprise_keys: Mapping[int, str], now: datetime
) -> dict[str, int]:
    """Put what is due to be told into the outbox, in the caller's transaction; `now` is park time.

    Returns:
        Number of messages, of dropped notices and of those that go on waiting.

    Raises:
        StorageError: the database did not do it; commit nothing of it.
    """
    waiting = waiting_notices(conn, park_id)
    if not waiting:
        return {"messages": 0, "dropped": 0, "held": 0}
    useless = overtaken(waiting)
    for reason, ids in useless.items():
        drop_notices(conn, ids, reason)
    gone = {number for ids in useless.values() for number in ids}
    left = [n for n in waiting if n.notice_id not in gone]
    threads = first_messages(conn, sorted({n.alert_id for n in left}))
    parcels = group(left, threads, park, now)
    packed = packed_since(conn, park_id, now - _HOUR)
    parcels = break_rate(parcels, packed, park.alerts.messages_per_hour)
    said = last_digests(conn, park_id, now - _LONGEST_DIGEST)
    digests = gather(left, park, now)
    writer = Writer(conn, park_id, park, enterprise_keys, now, said)
    messages = [writer.message(p) for p in (*parcels, *digests)]
    enqueue(conn, park_id, messages, now)
    done = sum(len(m.notice_ids) for m in messages)
    return {"messages": len(messages), "dropped": len(gone), "held": len(left) - done}


def overtaken(waiting: Sequence[Waiting]) -> dict[str, list[int]]:
    """Notices that would tell what is no longer so, by reason.

    An alert that was resolved before its first message went out at once is not told at all; what
    goes into a digest is told there, as come and gone.
    """
    out: dict[str, list[int]] = defaultdict(list)
    unsaid = {
        (n.alert_id, n.address) for n in waiting if n.change == "opened" and n.way == "at_once"
    }
    for n in waiting:
        if n.way == "at_once" and n.state == "resolved":
            if (n.alert_id, n.address) in unsaid:
                out["resolved before it was told"].append(n.notice_id)
            elif n.change != "resolved":
                out["resolved meanwhile"].append(n.notice_id)
        elif n.change != "opened" and (n.alert_id, n.address) in unsaid:
            out["told with the first message"].append(n.notice_id)
        elif n.change in ("reminder", "escalated") and n.state == "acknowledged":
            out["acknowledged meanwhile"].append(n.notice_id)
    return dict(out)


def group(
    waiting: Iterable[Waiting],
    threads: Mapping[tuple[int, str, str], str],
    park: Park,
    now: datetime,
) -> list[Parcel]:
    """What is told at once, by recipient, enterprise, change and conversation; the worst first."""
    found: dict[tuple[Address, int | None, str, str], list[Waiting]] = defaultdict(list)
    for n in waiting:
        if n.way == "at_once":
            thread = threads.get((n.alert_id, n.channel, n.recipient), "")
            found[(n.address, n.enterprise_id, n.change, thread)].append(n)
    wait = timedelta(minutes=park.alerts.group_minutes)
    out = []
    for (_, _, change, thread), notices in found.items():
        parcel = Parcel(change, _worst_first(notices), thread)
        held = is_quiet(park.alerts, parcel.severity, now, park.zone)
        if not held and now - min(n.at for n in notices) >= wait:
            out.append(parcel)
    return sorted(out, key=lambda p: (_RANK[p.severity], p.notices[0].notice_id))


def break_rate(
    parcels: Sequence[Parcel], packed: Mapping[Address, tuple[int, bool]], most: int
) -> list[Parcel]:
    """At most so many messages to a recipient in an hour; the rest is one summary.

    The summary is the last of them, or comes on top if they are spent. After it the rest waits
    until the hour is over.
    """
    by_address: dict[Address, list[Parcel]] = defaultdict(list)
    for parcel in parcels:
        by_address[parcel.notices[0].address].append(parcel)
    out: list[Parcel] = []
    for address, theirs in by_address.items():
        number, has_summary = packed.get(address, (0, False))
        room = most - number
        if len(theirs) <= room:
            out += theirs
            continue
        kept = max(room - 1, 0)
        out += theirs[:kept]
        if not has_summary:
            rest = [n for p in theirs[kept:] for n in p.notices]
            out.append(Parcel("summary", _worst_first(rest)))
    return out


def gather(waiting: Iterable[Waiting], park: Park, now: datetime) -> list[Parcel]:
    """Digests that are due: everything that came before the hour of the digest."""
    found: dict[tuple[Address, str], list[Waiting]] = defaultdict(list)
    for n in waiting:
        if n.way != "at_once" and digest_due(park.alerts, n.way, n.at, now, park.zone):
            found[(n.address, n.way)].append(n)
    return [Parcel("digest", tuple(notices)) for notices in found.values()]


def _worst_first(notices: Sequence[Waiting]) -> tuple[Waiting, ...]:
    return tuple(sorted(notices, key=lambda n: (_RANK[n.severity], n.notice_id)))


class Writer:
    """Turns parcels into outbox rows with all facts that their text needs."""

    def __init__(
        self,
        conn: Conn,
        park_id: int,
        park: Park,
        keys: Mapping[int, str],
        now: datetime,
        said: Mapping[Address, datetime],
    ) -> None:
        self.conn, self.park_id, self.park, self.keys = conn, park_id, park, keys
        self.now, self.said = now, said
        self._names = {e.key: e.name for e in park.enterprises}
        self._objects = {m.key: m.name for e in park.enterprises for m in e.meters}
        self._objects |= {s.key: s.name for s in park.substations}
        self._objects |= {r.key: r.name for r in park.retrofits}

    def message(self, parcel: Parcel) -> NewMessage:
        """The outbox row of a parcel."""
        first = parcel.notices[0]
        number = message_id(self.park.key, parcel)
        facts = self._digest(parcel) if parcel.kind == "digest" else self._alerts(parcel)
        return NewMessage(
            channel=first.channel,
            kind=parcel.kind,
            recipient=first.recipient,
            recipient_name=first.recipient_name,
            language=first.language,
            message_id=number,
            thread=parcel.thread or number,
            context=facts.model_dump(mode="json"),
            notice_ids=[n.notice_id for n in parcel.notices],
        )

    def _alerts(self, parcel: Parcel) -> MailContext:
        newest = {n.alert_id: n for n in parcel.notices}  # a summary may tell of one twice
        rows = list(newest.values())
        shown = rows[:SUMMARY_ITEMS]
        items = [self._item(n, n.change) for n in shown]
        items = self._with_trends(items, [n.enterprise_id for n in shown])
        return self._context(parcel, items, len(rows))

    def _digest(self, parcel: Parcel) -> MailContext:
        first = parcel.notices[0]
        start = self.said.get(first.address) or previous_digest(
            self.park.alerts, first.way, self.now, self.park.zone
        )
        last: dict[int, Waiting] = {}
        for n in parcel.notices:
            known = last.get(n.alert_id)
            if known is None or n.change == "resolved":
                last[n.alert_id] = n
        items = [self._item(n, n.change) for n in last.values()]
        items += [
            self._item(facts, "open")
            for facts in open_for(self.conn, self.park_id, first.address)
            if facts.alert_id not in last
        ]
        items.sort(key=lambda i: _RANK[i.severity])
        facts = self._context(parcel, items[:100], len(items))
        return facts.model_copy(update={"period_start": start, "period_stop": self.now})

    def _context(self, parcel: Parcel, items: Sequence[Item], total: int) -> MailContext:
        return MailContext.model_validate(
            {
                "kind": parcel.kind,
                "park": self.park.name,
                "park_key": self.park.key,
                "timezone": self.park.timezone,
                "simulated": self.park.simulated,
                "reason": parcel.notices[0].reason,
                "items": items,
                "total": total,
                "in_reply_to": parcel.thread or None,
            }
        )

    def _item(self, facts: AlertFacts, change: str) -> Item:
        key = self.keys.get(facts.enterprise_id) if facts.enterprise_id is not None else None
        return Item.model_validate(
            {
                "alert_id": facts.alert_id,
                "rule": facts.rule,
                "severity": facts.severity,
                "change": change,
                "about": self._names.get(key) if key else None,
                "enterprise": key,
                "object_key": facts.about,
                "object_name": self._object(facts),
                "evidence": dict(facts.evidence),
                "opened_at": facts.opened_at,
                "resolved_at": facts.resolved_at,
                "acknowledged_at": facts.acknowledged_at,
                "acknowledged_by": facts.acknowledged_by or "",
                "is_flapping": facts.is_flapping,
            }
        )

    def _object(self, facts: AlertFacts) -> Names | None:
        return self._objects.get(facts.about)

    def _with_trends(self, items: Sequence[Item], subjects: Sequence[int | None]) -> list[Item]:
        """The first items with the newest values of their indicators."""
        wanted = []
        for number, item in enumerate(items[:CHARTS]):
            indicator, kind = item.evidence.get("indicator"), item.evidence.get("kind")
            stop = item.evidence.get("period_stop")
            if indicator and kind and stop:
                key = (str(indicator), str(kind), subjects[number], date.fromisoformat(str(stop)))
                wanted.append((number, key))
        series = trends(self.conn, self.park_id, [key for _, key in wanted])
        out = list(items)
        for (number, _), points in zip(wanted, series, strict=True):
            out[number] = out[number].model_copy(
                update={"trend": _trend(points, out[number].evidence)}
            )
        return out


def _trend(
    points: Sequence[tuple[date, float | None]], evidence: Mapping[str, Any]
) -> Trend | None:
    """Points by last day of their period, with the target where the evidence knows one."""
    if len(points) < 2:
        return None
    days = tuple(stop - timedelta(days=1) for stop, _ in points)
    return Trend(days=days, values=tuple(v for _, v in points), targets=_targets(days, evidence))


def _targets(days: Sequence[date], evidence: Mapping[str, Any]) -> tuple[float | None, ...]:
    """A straight path through the year if the evidence names its ends, else the flat target."""
    start, end = evidence.get("path_start"), evidence.get("year_end_target")
    if isinstance(start, int | float) and isinstance(end, int | float):
        return tuple(_on_path(day, float(start), float(end)) for day in days)
    target = evidence.get("target")
    return (float(target),) * len(days) if isinstance(target, int | float) else ()


def _on_path(day: date, start: float, end: float) -> float:
    first, last = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return start + (end - start) * ((day - first).days + 1) / (last - first).days


def message_id(park_key: str, parcel: Parcel) -> str:
    """Message-ID: the same at every attempt, another one in another database.

    It is made of the notices that the message carries; the opening times of their alerts tell
    databases apart.
    """
    facts = "|".join(
        f"{n.notice_id}:{n.alert_id}:{n.opened_at.astimezone(UTC).isoformat()}"
        for n in sorted(parcel.notices, key=lambda n: n.notice_id)
    )
    first = parcel.notices[0]
    text = f"{park_key}|{parcel.kind}|{first.channel}|{first.recipient.lower()}|{facts}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    return f"<{parcel.kind}.{digest}@{park_key}.greenpark>"
