"""Transport faults: what arrives, when and how often, the same in any range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulators.deliver import Deliveries, deliver, reach_back
from simulators.events import transport
from simulators.message import Message
from tests.unit.simulators.test_events import events

START = datetime(2026, 3, 1, tzinfo=UTC)
STEP = timedelta(minutes=15)
DAY = timedelta(days=1)
METERS = [("baolu", "bl-grid"), ("baolu", "bl-water"), ("huize", "hz-grid")]


def sent(start: datetime = START, stop: datetime = START + 3 * DAY) -> Iterator[Message]:
    at = START + -(-(start - START) // STEP) * STEP
    while at < stop:
        for source in METERS:
            yield Message(at, f"t/{source[1]}", f"{source[1]} {at}".encode(), 1, source)
        at += STEP


def fault(kind: str, first_h: float, last_h: float, **facts: Any) -> dict[str, Any]:
    low, high = (START + timedelta(hours=h) for h in (first_h, last_h))
    return {"kind": kind, "from": low, "to": high, **facts}


def arrived(*documents: dict[str, Any], counts: Deliveries | None = None) -> list[Message]:
    out = list(deliver(sent(), transport(events(*documents)), 1, counts))
    assert [m.due_at for m in out] == sorted(m.due_at for m in out)
    return out


ALL = [m.payload for m in sent()]
MESS = (
    fault("late", 2, 5, meter="bl-grid", delay_h=20),
    fault("late", 6, 7, enterprise="huize", arrives_at=START + timedelta(hours=24.5)),
    fault("drop_out", 30, 31, meter="bl-water"),
    fault("duplicates", 0, 72, ratio=0.2),
    fault("reorder", 0, 72, ratio=0.3, by_s=4000),
    fault("disconnect", 24, 26),
    fault("disconnect", 26, 27),
)


def test_without_faults_messages_stay_as_they_are() -> None:
    assert arrived() == list(sent())


def test_a_drop_out_loses_what_is_its_own() -> None:
    counts = Deliveries()
    out = arrived(fault("drop_out", 1, 2, enterprise="baolu"), counts=counts)
    lost = set(ALL) - {m.payload for m in out}
    assert len(lost) == 8
    assert not any(b"hz" in p for p in lost)
    assert (counts.sent, counts.dropped, counts.doubled, counts.delayed) == (len(ALL), 8, 0, 0)
    assert counts.dropped_by == {("baolu", START + timedelta(hours=1)): 8}


def test_late_messages_come_in_one_burst_in_their_order() -> None:
    out = arrived(fault("late", 1, 2, meter="bl-grid", delay_h=3))
    burst = [m for m in out if m.due_at == START + timedelta(hours=5) and "bl-grid" in m.topic]
    stamps = [m.payload for m in burst]
    expected = [START + timedelta(hours=h) for h in (1, 1.25, 1.5, 1.75, 5)]
    assert stamps == [f"bl-grid {at}".encode() for at in expected]
    assert sorted(m.payload for m in out) == sorted(ALL)


def test_duplicates_are_identical_and_seconds_later() -> None:
    counts = Deliveries()
    out = arrived(fault("duplicates", 0, 72, ratio=0.25), counts=counts)
    times = Counter(m.payload for m in out)
    assert counts.doubled == sum(n == 2 for n in times.values()) == len(out) - len(ALL)
    assert counts.doubled == pytest.approx(len(ALL) / 4, rel=0.2)
    first = {m.payload: m.due_at for m in reversed(out)}
    gaps = [(m.due_at - first[m.payload]).total_seconds() for m in out]
    assert all(g == 0 or 1 <= g <= 5 for g in gaps)


def test_reordered_messages_are_overtaken() -> None:
    out = arrived(fault("reorder", 0, 72, ratio=0.3, by_s=4000, enterprise="huize"))
    mine = [m.payload for m in out if m.source[0] == "huize"]
    assert mine != sorted(mine)
    assert sorted(mine) == [p for p in ALL if b"hz" in p]
    others = [m.payload for m in out if m.source[0] != "huize"]
    assert others == [p for p in ALL if b"hz" not in p]


def test_while_the_broker_is_away_nothing_arrives() -> None:
    out = arrived(*MESS)
    low, high = START + timedelta(hours=24), START + timedelta(hours=27)
    assert not [m for m in out if low <= m.due_at < high]
    assert len([m for m in out if m.due_at == high]) > 3 * 12


@pytest.mark.parametrize("hours", [1, 5.3, 24])
def test_a_range_in_pieces_is_the_range_in_one(hours: float) -> None:
    way = transport(events(*MESS))
    whole = [m for m in arrived(*MESS) if m.due_at < START + 3 * DAY]
    pieces: list[Message] = []
    low = START
    while low < START + 3 * DAY:
        high = min(low + timedelta(hours=hours), START + 3 * DAY)
        since = max(low - reach_back(way, low), START)
        made = deliver(sent(since, high), way, 1)
        pieces += [m for m in made if low <= m.due_at < high]
        low = high
    assert pieces == whole


def test_without_open_faults_nothing_is_read_again() -> None:
    way = transport(events(*MESS[:2]))
    assert reach_back(way, START) == timedelta(0)
    assert reach_back(way, START + timedelta(hours=10)) == timedelta(hours=8)
    assert reach_back(way, START + 2 * DAY) == timedelta(0)


def test_another_seed_doubles_others() -> None:
    way = transport(events(fault("duplicates", 0, 72, ratio=0.2)))
    one, other = ([m.payload for m in deliver(sent(), way, s)] for s in (1, 2))
    assert one != other
