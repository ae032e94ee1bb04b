"""From verdicts to mails over hours and days: what people hear, and what they are spared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alerts.lifecycle import apply_verdicts
from alerts.outbox import deliver_due
from alerts.packing import pack_messages
from app.clock import wall_now
from models.findings import Severity
from models.verdicts import Outcome, Verdict
from storage.alerts import (
    AlertFilter,
    acknowledge,
    add_silence,
    alert_events,
    comment,
    end_silence,
    list_alerts,
)
from storage.db import Conn, connect
from storage.parks import applied_parks, apply_park, enterprise_ids
from tests.integration.mails import Sink
from tests.unit.alerts import samples

NOW = samples.OPENED_AT  # Sunday 2026-03-15, 08:15 in Shanghai
ALL = AlertFilter(include_resolved=True, include_pending=True)


class Town:
    """A park in a database that hears verdicts hour by hour."""

    def __init__(self, conn: Conn, dsn: str, sink: Sink, **park: Any) -> None:
        self.conn, self.sink = conn, sink
        self.connect = partial(connect, dsn, application="delivery")
        self.park = samples.make_park(**park)
        with conn.transaction():
            apply_park(conn, self.park, NOW)
        self.park_id = applied_parks(conn)[0].park_id
        self.ids = enterprise_ids(conn, self.park_id)

    def said(self, rule: str, outcome: Outcome = Outcome.BREACH, **facts: Any) -> Verdict:
        enterprise = facts.pop("enterprise", "shengtai")
        return Verdict(
            rule,
            self.park_id,
            self.ids[enterprise] if enterprise else None,
            outcome,
            facts.pop("severity", Severity.WARNING),
            samples.green(**facts.pop("evidence", {})),
            **facts,
        )

    def run(self, at_h: float, *verdicts: Verdict) -> list[EmailMessage]:
        """One evaluation at an hour after the start; returns the mails that it led to."""
        before, now = len(self.sink.mails()), NOW + timedelta(hours=at_h)
        keys = {v: k for k, v in self.ids.items()}
        with self.conn.transaction():
            apply_verdicts(self.conn, self.park_id, self.park, keys, verdicts, now)
        with self.conn.transaction():
            pack_messages(self.conn, self.park_id, self.park, keys, now)
        deliver_due(self.connect, self.sink.channel(), lambda: wall_now() + timedelta(seconds=5))
        return self.sink.mails()[before:]

    def states(self) -> list[str]:
        return [a.state for a in reversed(list_alerts(self.conn, ALL))]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with Sink(tmp_path / "mails") as made:
        yield made


@pytest.fixture
def town(conn: Conn, dsn: str, sink: Sink) -> Town:
    return Town(conn, dsn, sink, contacts=[samples.OFFICE])


def subjects(mails: list[EmailMessage]) -> list[str]:
    return [str(m["Subject"]) for m in mails if "zhang" in str(m["To"])]


def test_short_breach_is_never_told(town: Town) -> None:
    drift = town.said("energy_drift")
    assert town.run(0, drift) == []
    assert town.states() == ["pending"]
    assert list_alerts(town.conn) == []
    town.run(10, town.said("energy_drift", Outcome.CLEAR))
    assert town.states() == []
    town.run(24, drift)
    assert town.run(71, drift) == []
    assert len(town.run(72, drift)) == 2
    assert town.states() == ["firing"]


def test_outage_of_the_broker_is_one_mail(town: Town) -> None:
    meters = [town.said("meter_silent", about=f"m{n}") for n in range(200)]
    outage = town.said("park_silent", enterprise=None, severity=Severity.CRITICAL)
    (mail,) = town.run(0, *meters, outage)
    assert "office@park.example" in str(mail["To"])
    muted = list_alerts(town.conn, AlertFilter(rule="meter_silent"))
    assert {a.muted_by for a in muted} == {"inhibited:park_silent"}
    back = [town.said("meter_silent", Outcome.CLEAR, about=f"m{n}") for n in range(200)]
    calm = town.said("park_silent", Outcome.CLEAR, enterprise=None)
    assert town.run(2, *back, calm) == []  # the outage itself waits an hour for calm
    assert len(town.run(3, calm)) == 1
    assert set(town.states()) == {"resolved"}


def test_what_is_still_wrong_after_the_outage_is_told_then(town: Town) -> None:
    meter = town.said("meter_silent", about="st-1")
    calm = town.said("park_silent", Outcome.CLEAR, enterprise=None)
    town.run(0, meter, town.said("park_silent", enterprise=None))
    town.run(2, meter, calm)
    first = town.run(3, meter, calm)  # the outage is resolved in this run
    assert subjects(first) == ["[东河园区] 盛泰: 总表 已 43.1 % 无数据"]


def test_silence_and_maintenance(conn: Conn, dsn: str, sink: Sink) -> None:
    window = {
        "start": NOW.isoformat(),
        "stop": (NOW + timedelta(hours=5)).isoformat(),
        "enterprise": "shengtai",
        "reason": "overhaul",
    }
    town = Town(conn, dsn, sink, maintenance=[window])
    bad = town.said("water_saving")
    assert town.run(0, bad) == []
    assert [a.muted_by for a in list_alerts(conn)] == ["maintenance"]
    facts = {
        "rule": "water_saving",
        "enterprise_id": town.ids["shengtai"],
        "about": None,
        "starts_at": NOW + timedelta(hours=5),
        "ends_at": NOW + timedelta(hours=9),
        "reason": "pump is being repaired",
        "by": "Li",
        "now": NOW,
    }
    number = add_silence(conn, town.park_id, facts)
    assert town.run(5, bad) == []
    assert [a.muted_by for a in list_alerts(conn)] == [f"silence:{number}"]
    assert end_silence(conn, number, "Li", NOW + timedelta(hours=6))
    assert len(town.run(6, bad)) == 2
    assert not end_silence(conn, number, "Li", NOW + timedelta(hours=7))


def test_flapping_stops_mailing(town: Town) -> None:
    """Bad and good every 20 minutes for five hours: three mails to each, not sixteen."""
    mails = []
    for n in range(16):
        outcome = Outcome.CLEAR if n % 2 else Outcome.BREACH
        mails += subjects(town.run(24 + n / 3, town.said("water_reuse", outcome)))
    assert len(mails) == 3
    (alert,) = list_alerts(town.conn)
    assert alert.is_flapping
    town.run(30, town.said("water_reuse", Outcome.CLEAR))
    done = town.run(30 + 48, town.said("water_reuse", Outcome.CLEAR))
    assert subjects(done)[0].startswith("[东河园区] 盛泰: 已恢复")


def test_escalation_reminder_and_acknowledgement(town: Town) -> None:
    bad = town.said("gec_cap", severity=Severity.CRITICAL)
    (opened, _) = town.run(0, bad)
    escalated = town.run(4, bad)
    assert {str(m["To"].addresses[0].addr_spec) for m in escalated} == {
        "zhang@shengtai.example",
        "smith@shengtai.example",
        "office@park.example",
    }
    assert all("尚未确认" in s for s in subjects(escalated))
    assert escalated[0]["In-Reply-To"] == opened["Message-ID"]
    assert len(town.run(28, bad)) == 3  # a reminder to all who know by now
    (alert,) = list_alerts(town.conn)
    (done,) = acknowledge(town.conn, [alert.alert_id, 999], "Li", NOW, "looking at it")
    assert (done.is_changed, done.old_state) == (True, "firing")
    (again,) = acknowledge(town.conn, [alert.alert_id], "Wang", NOW)
    assert (again.is_changed, again.acknowledged_by) == (False, "Li")
    assert comment(town.conn, alert.alert_id, "Li", NOW, "pump ordered", "Zhao")
    assert not comment(town.conn, 999, "Li", NOW, "x")
    assert town.run(200, bad) == []
    over = town.run(201, town.said("gec_cap", Outcome.CLEAR))
    assert len(over) == 3
    history = [
        (e["new_state"], e["note"], e["actor"]) for e in alert_events(town.conn, alert.alert_id)
    ]
    assert ("acknowledged", "looking at it", "Li") in history
    assert ("acknowledged", "pump ordered", "Li") in history
    assert history[-1][0] == "resolved"


def test_night_is_quiet_for_warnings(town: Town) -> None:
    night, bad = 14.0, town.said("water_saving")  # 22:15
    assert town.run(night, bad) == []
    assert town.run(night + 8, bad) == []
    assert len(town.run(night + 9, bad)) == 2  # 07:15


def test_who_is_woken_by_a_critical_alert_hears_of_the_others_too(town: Town) -> None:
    assert town.run(14, town.said("water_saving")) == []
    mails = town.run(15, town.said("gec_cap", severity=Severity.CRITICAL))
    assert len(mails) == 2
    assert "2 项告警" in subjects(mails)[0]
    assert town.run(18, town.said("water_saving")) == []


def test_what_passed_over_in_the_night_is_not_told(town: Town) -> None:
    town.run(14, town.said("water_saving"))
    town.run(15, town.said("water_saving", Outcome.CLEAR))
    assert town.run(24, town.said("water_saving", Outcome.CLEAR)) == []
    assert town.states() == ["resolved"]


def test_digest_says_what_came_what_went_and_what_is_open(conn: Conn, dsn: str, sink: Sink) -> None:
    person = samples.ZHANG | {"at_once": "critical"}
    enterprise = {
        "key": "shengtai",
        "name": {"zh": "盛泰", "en": "Shengtai"},
        "contacts": [person],
        "meters": [samples.METER | {"key": "st-1"}],
    }
    town = Town(conn, dsn, sink, enterprises=[enterprise])
    open_one, gone = town.said("water_saving"), town.said("water_reuse")
    assert town.run(1, open_one, gone) == []
    assert town.run(2, open_one, town.said("water_reuse", Outcome.CLEAR)) == []
    assert town.run(23.5, open_one) == []
    (digest,) = town.run(24, open_one)
    assert (
        digest["Subject"] == "[东河园区] 盛泰: 2026年3月16日汇总：新增 1 项，恢复 1 项，未解除 0 项"
    )
    assert town.run(48, open_one) == []  # nothing happened: no digest
    town.run(50, open_one, town.said("solid_waste_use"))
    (second,) = town.run(72, open_one)
    assert "新增 1 项，恢复 0 项，未解除 1 项" in str(second["Subject"])


def test_flood_ends_in_one_summary(conn: Conn, dsn: str, sink: Sink) -> None:
    rules = ("energy_saving", "water_saving", "water_reuse", "power_factor", "gec_cap")
    town = Town(conn, dsn, sink, alerts={"messages_per_hour": 3})
    mails = []
    for n in range(len(rules)):
        mails += subjects(town.run(n / 10, *(town.said(r) for r in rules[: n + 1])))
    assert len(mails) == 4  # the fifth waits for the hour of the summary to be over
    assert mails[3].endswith("其余 1 项告警合并为一封")
    rest = subjects(town.run(1.35, *(town.said(r) for r in rules)))
    assert len(rest) == 1


def test_rule_that_is_switched_off_ends_its_alerts_without_a_word(
    conn: Conn, dsn: str, sink: Sink
) -> None:
    town = Town(conn, dsn, sink)
    town.run(0, town.said("water_saving"))
    town.park = samples.make_park(rules={"tune": {"water_saving": {"enabled": False}}})
    assert town.run(1) == []
    assert town.states() == ["resolved"]


def test_pack_twice_sends_once(town: Town) -> None:
    assert len(town.run(0, town.said("water_saving"))) == 2
    for n in range(3):
        assert town.run(n, town.said("water_saving")) == []
