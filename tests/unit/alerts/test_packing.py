"""Notices become messages: groups, quiet hours, digests, and one summary instead of a flood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.packing import Parcel, break_rate, gather, group, message_id, overtaken
from alerts.schedule import digest_due, is_quiet, previous_digest
from models.contacts import AlertSettings
from models.findings import Severity
from tests.unit.alerts import samples

ZONE = ZoneInfo("Asia/Shanghai")
SETTINGS = AlertSettings()
PARK = samples.make_park()
NOW = samples.OPENED_AT  # Sunday 2026-03-15, 08:15 in Shanghai
CRITICAL = samples.verdict(severity=Severity.CRITICAL)


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "severity", "quiet"),
    [
        (local(15, 3), "warning", True),
        (local(15, 3), "critical", False),
        (local(15, 20, 59), "warning", False),
        (local(15, 21), "info", True),
        (local(16, 6, 59), "warning", True),
        (local(16, 7), "warning", False),
    ],
)
def test_quiet_hours_over_midnight(at: datetime, severity: str, quiet: bool) -> None:
    assert is_quiet(SETTINGS, severity, at, ZONE) is quiet


def test_no_quiet_hours_and_quiet_hours_by_day() -> None:
    none = AlertSettings(quiet_up_to=None)
    assert not is_quiet(none, "info", local(15, 3), ZONE)
    noon = AlertSettings.model_validate({"quiet_from": "12:00", "quiet_to": "13:00"})
    assert is_quiet(noon, "warning", local(15, 12, 30), ZONE)
    assert not is_quiet(noon, "warning", local(15, 3), ZONE)


@pytest.mark.parametrize(
    ("way", "noticed", "now", "due"),
    [
        ("daily", local(14, 9), local(15, 7, 59), False),
        ("daily", local(14, 9), local(15, 8), True),
        ("daily", local(15, 8), local(15, 8), False),  # it belongs to the next one
        ("daily", local(10, 9), local(15, 20), True),  # missed ones are caught up
        ("weekly", local(14, 9), local(15, 9), False),  # a Sunday
        ("weekly", local(14, 9), local(16, 8), True),  # Monday
    ],
)
def test_digest_is_due(way: str, noticed: datetime, now: datetime, due: bool) -> None:
    assert digest_due(SETTINGS, way, noticed, now, ZONE) is due


def test_a_digest_covers_the_time_since_the_one_before() -> None:
    assert previous_digest(SETTINGS, "daily", local(15, 8), ZONE) == local(14, 8)
    assert previous_digest(SETTINGS, "weekly", local(16, 8), ZONE) == local(9, 8)


def test_alerts_of_one_enterprise_share_a_message() -> None:
    one, two = samples.waiting(number=1), samples.waiting(CRITICAL, number=2)
    other = samples.waiting(samples.verdict(enterprise_id=2), number=3)
    ended = samples.waiting(number=4, change="resolved", state="resolved")
    parcels = group([one, two, other, ended], {(4, "email", one.recipient): "<t>"}, PARK, NOW)
    assert [[n.notice_id for n in p.notices] for p in parcels] == [[2, 1], [3], [4]]
    assert [(p.kind, p.thread) for p in parcels] == [
        ("opened", ""),
        ("opened", ""),
        ("resolved", "<t>"),
    ]


def test_a_group_waits_for_its_stragglers() -> None:
    park = samples.make_park(alerts={"group_minutes": 10})
    notice = samples.waiting()
    assert group([notice], {}, park, NOW + timedelta(minutes=9)) == []
    assert len(group([notice], {}, park, NOW + timedelta(minutes=10))) == 1


def test_a_flood_is_a_few_messages_and_one_summary() -> None:
    rules = [samples.waiting(samples.verdict(enterprise_id=n), number=n) for n in range(1, 31)]
    parcels = group(rules, {}, PARK, NOW)
    packed = break_rate(parcels, {}, 10)
    assert [p.kind for p in packed] == ["opened"] * 9 + ["summary"]
    assert sum(len(p.notices) for p in packed) == 30
    # in the same hour: the rest waits, after it there is room again
    address = rules[0].address
    assert break_rate(parcels[:2], {address: (10, True)}, 10) == []
    assert [p.kind for p in break_rate(parcels[:2], {address: (9, False)}, 10)] == ["summary"]
    assert len(break_rate(parcels[:2], {address: (8, True)}, 10)) == 2


def test_the_worst_goes_first_when_there_is_little_room() -> None:
    rows = [samples.waiting(samples.verdict(enterprise_id=n), number=n) for n in range(1, 5)]
    bad = samples.waiting(samples.verdict(enterprise_id=9, severity=Severity.CRITICAL), number=9)
    packed = break_rate(group([*rows, bad], {}, PARK, NOW), {}, 2)
    assert packed[0].notices[0].notice_id == 9


def test_what_is_over_before_it_was_told_is_not_told() -> None:
    opened = samples.waiting(number=1, state="resolved")
    ended = samples.waiting(number=1, state="resolved", change="resolved", notice_id=2)
    told = samples.waiting(number=3, state="resolved", change="resolved")
    late = samples.waiting(number=4, state="resolved", change="reminder")
    seen = samples.waiting(number=5, state="acknowledged", change="escalated")
    worse = samples.waiting(number=6, change="worse", notice_id=7)
    first = samples.waiting(number=6)
    digest = samples.waiting(number=8, state="resolved", way="daily")
    rows = [opened, ended, told, late, seen, worse, first, digest]
    assert overtaken(rows) == {
        "resolved before it was told": [1, 2],
        "resolved meanwhile": [4],
        "acknowledged meanwhile": [5],
        "told with the first message": [7],
    }


def test_digest_gathers_what_came_before_its_hour() -> None:
    rows = [
        samples.waiting(number=1, way="daily", at=local(14, 9)),
        samples.waiting(number=2, way="daily", at=local(14, 10), change="resolved"),
        samples.waiting(number=3, way="weekly", at=local(14, 10)),
        samples.waiting(number=4, way="daily", at=local(15, 8, 5)),
    ]
    (parcel,) = gather(rows, PARK, NOW)
    assert (parcel.kind, [n.notice_id for n in parcel.notices]) == ("digest", [1, 2])


def test_message_id_is_stable_and_tells_messages_apart() -> None:
    first = message_id("donghe", Parcel("opened", (samples.waiting(),)))
    same = message_id(
        "donghe", Parcel("opened", (samples.waiting(recipient="ZHANG@shengtai.example"),))
    )
    assert first == same
    others = {
        message_id("donghe", Parcel("resolved", (samples.waiting(),))),
        message_id("donghe", Parcel("opened", (samples.waiting(recipient="b@x.example"),))),
        message_id("donghe", Parcel("opened", (samples.waiting(number=2),))),
        message_id("donghe", Parcel("opened", (samples.waiting(opened_at=local(1, 1)),))),
        message_id("xihe", Parcel("opened", (samples.waiting(),))),
    }
    assert len(others | {first}) == 6
