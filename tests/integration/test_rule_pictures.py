"""What single rules look at, from readings through the jobs and the database; answers by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.clock import wall_now
from app.jobs.evaluate import evaluate_rules
from app.jobs.snapshot import load_snapshot
from models.verdicts import Outcome, Verdict
from rules.catalogue import verdicts
from rules.snapshot import Snapshot
from storage.alerts import AlertFilter, list_alerts, rule_runs
from storage.db import Conn
from storage.parks import applied_parks, apply_park
from tests.integration.feed import feed
from tests.integration.green_site import JAN1, Q, calculate, send, site
from tests.integration.mails import Sink
from tests.integration.test_alert_flow import NOW, Town
from tests.unit.alerts import samples

DAYS = 8
NINTH = JAN1 + timedelta(days=DAYS, minutes=15)
EIGHTH_Q = 7 * 96  # quarter-hours before the last day
ALL = AlertFilter(include_resolved=True, include_pending=True)


def picture(conn: Conn, now: datetime = NINTH) -> Snapshot:
    return load_snapshot(conn, applied_parks(conn)[0], now)


def said(conn: Conn, code: str, now: datetime = NINTH) -> list[Verdict]:
    return list(verdicts(load_snapshot(conn, applied_parks(conn)[0], now, [code]), [code]))


@pytest.fixture
def week(conn: Conn, dsn: str) -> Conn:
    """Eight days. On the last one, from 10:00 to 14:00, the line could bring 75 instead of 25 kWh.

    Per quarter-hour: works 25 from the line, 20 of PV, exports 30 from 10:00 to 11:00; mill 40 from
    08:00 to 16:00, else 10; smelter 20, and silent in the last eight hours.
    """
    park = site()
    tune: dict[str, Any] = {
        "curtailment_while_importing": {"warn": 500},
        "idle_load": {"warn": 0.2},
    }
    rules = park.rules.model_validate({"tune": tune})
    with conn.transaction():
        apply_park(conn, park.model_copy(update={"rules": rules}), JAN1)
    count = DAYS * 96
    noon = [0.0] * count
    could = [25.0] * count
    for n in range(EIGHTH_Q + 40, EIGHTH_Q + 56):
        could[n] = 75.0
    for n in range(EIGHTH_Q + 40, EIGHTH_Q + 44):
        noon[n] = 30.0
    zero = [0.0] * count
    send(dsn, "works", grid=zero, export=noon, pv=[20.0] * count, direct=[25.0] * count,
         charge=zero, discharge=zero, could=could)  # fmt: skip
    send(dsn, "mill", grid=[40.0 if 32 <= n % 96 < 64 else 10.0 for n in range(count)])
    send(dsn, "smelter", grid=[20.0] * (count - 32))
    calculate(conn, NINTH)
    return conn


def test_curtailment_beside_the_import_of_the_park(week: Conn, dsn: str) -> None:
    """200 kWh in each of four hours; in the first one the park imports 160 + 80 - 120 kWh."""
    (silent,) = said(week, "curtailment_while_importing")
    assert silent.outcome is Outcome.CANNOT_TELL
    assert silent.evidence["completeness_ratio"] == pytest.approx((24 + 24 + 16) / 72)
    send(dsn, "smelter", JAN1 + (DAYS * 96 - 32) * Q, grid=[20.0] * 32)
    calculate(week, NINTH)
    (verdict,) = said(week, "curtailment_while_importing")
    assert verdict.outcome is Outcome.BREACH
    assert verdict.evidence["value"] == pytest.approx(120 + 3 * 200)
    assert verdict.evidence["found"] == {"hours": 4, "curtailed_kwh": 800.0}
    assert verdict.evidence["completeness_ratio"] == 1
    (before,) = said(week, "curtailment_while_importing", NINTH - timedelta(days=1))
    assert before.outcome is Outcome.CLEAR


def test_idle_load_of_a_week(week: Conn) -> None:
    """The mill idles at 40 of 160 kW, the smelter at all of its load; works: 15 to 45 kWh."""
    answers = {v.enterprise_id: v for v in said(week, "idle_load")}
    ids = {key: number for number, key in picture(week).enterprises.items()}
    mill, smelter = answers[ids["mill"]], answers[ids["smelter"]]
    assert (mill.evidence["value"], mill.outcome) == (0.25, Outcome.BREACH)
    assert mill.evidence["completeness_ratio"] == 1
    assert smelter.evidence["value"] == 1.0
    assert smelter.evidence["completeness_ratio"] == pytest.approx(160 / 168)
    assert answers[ids["works"]].evidence["found"]["working_kw"] == 180


def test_changed_energy_of_past_days(week: Conn, dsn: str) -> None:
    """A day of the mill has 16 x 40 + 8 x 160 = 1,920 kWh; data that was missing is no change."""
    correct(dsn, first=6 * 96, count=8, value=110.0)  # 10 -> 110: + 800 kWh
    calculate(week, NINTH + timedelta(hours=1))
    (row,) = picture(week, NINTH + timedelta(hours=2)).restated
    assert (row.meter, row.quarters, row.old_kwh, row.new_kwh) == ("mill-m", 8, 1920.0, 2720.0)
    assert (str(row.first_day), str(row.last_day)) == ("2026-01-07", "2026-01-07")
    assert said(week, "restatement_large", NINTH + timedelta(hours=2)) == []  # 800 kWh only
    correct(dsn, first=6 * 96, count=16, value=160.0)  # half of them a second time
    send(dsn, "smelter", JAN1 + (DAYS * 96 - 32) * Q, grid=[20.0] * 32)
    calculate(week, NINTH + timedelta(hours=3))
    later = NINTH + timedelta(hours=4)
    (row,) = picture(week, later).restated
    assert (row.quarters, row.old_kwh, row.new_kwh) == (16, 1920.0, 1920.0 + 16 * 150)
    (verdict,) = said(week, "restatement_large", later)
    assert verdict.evidence["value"] == pytest.approx(2400 / 4320)
    week.execute("UPDATE restatement SET new_value = NULL WHERE new_value = 160")
    assert picture(week, later).restated[0].old_kwh == 1920.0  # vanished, and is there again
    assert picture(week, later + timedelta(days=7)).restated == []
    assert picture(week, NINTH).restated == []  # as it was before


def correct(dsn: str, first: int, count: int, value: float) -> None:
    items = [
        {"ts": (JAN1 + n * Q).isoformat(), "values": {"grid_kwh": value}, "correction": True}
        for n in range(first, first + count)
    ]
    feed(dsn, "park/greenpark/mill/mill-m", items)


def alive(conn: Conn, name: str, ago: timedelta, *, subscribed: bool = True) -> None:
    conn.execute(
        "INSERT INTO collector_state (client_id, started_at, updated_at, counters)"
        " VALUES (%s, %s, %s, '{}')",
        (name, wall_now() - timedelta(days=1), wall_now() - ago),
    )
    if subscribed:
        conn.execute(
            "INSERT INTO collector_subscription VALUES (%s, 'park/#', %s)", (name, wall_now())
        )


def test_silent_collector_mutes_the_silence_of_meters(conn: Conn, dsn: str, tmp_path: Path) -> None:
    with Sink(tmp_path / "mails") as sink:
        town = Town(conn, dsn, sink)
        alive(conn, "one", timedelta(seconds=5))
        alive(conn, "secret-name", timedelta(minutes=20))
        alive(conn, "retired", timedelta(hours=20), subscribed=False)
        assert picture(conn, NOW).collectors is None  # a replay
        (outage,) = said(conn, "collector_silent", wall_now())
        assert outage.evidence["value"] == pytest.approx(20, abs=0.5)
        assert outage.evidence["found"] == {"silent": 1, "collectors": 2}
        meters = [town.said("meter_silent", about=f"m{n}") for n in range(20)]
        gone = [town.said("enterprise_silent"), town.said("park_silent", enterprise=None)]
        (mail,) = town.run(0, *meters, *gone, outage)
    assert "采集程序已 20.0" in str(mail["Subject"])
    assert "secret-name" not in mail.as_string()
    muted = {(a.rule, a.muted_by) for a in list_alerts(conn) if a.muted_by}
    silent = ("meter_silent", "enterprise_silent", "park_silent")
    assert muted == {(rule, "inhibited:collector_silent") for rule in silent}
    conn.execute("UPDATE collector_state SET updated_at = %s", (wall_now(),))
    (calm,) = said(conn, "collector_silent", wall_now())
    assert calm.outcome is Outcome.CLEAR


def factor(town: Town, enterprise: str, value: float, month: int) -> None:
    town.conn.execute(
        "INSERT INTO indicator_value (indicator, park_id, enterprise_id, period_kind, period_start,"
        " period_stop, value, numerator, denominator, unit, completeness_ratio, estimated_ratio,"
        " status, computed_at) VALUES ('power_factor', %s, %s, 'month', make_date(2026, %s, 1),"
        " make_date(2026, %s, 1), %s, 1, 1, 'ratio', 1, 0, 'final', now())",
        (town.park_id, town.ids[enterprise], month - 1, month, value),
    )


def test_outside_its_hours_a_rule_neither_opens_nor_clears(
    conn: Conn, dsn: str, tmp_path: Path
) -> None:
    """08:00 to 20:00; the evaluations are at 08:15 and so many hours later."""
    tune = {"power_factor": {"warn": 0.9, "hours": ["08:00-20:00"]}}
    with Sink(tmp_path / "mails") as sink:
        town = Town(conn, dsn, sink, rules={"tune": tune})
        factor(town, "shengtai", 0.8, 2)
        states = []
        for hour in (-1, 0, 13, 24):
            if hour == 13:
                factor(town, "shengtai", 0.95, 3)
                factor(town, "huize", 0.8, 3)
            evaluate_rules(conn, NOW + timedelta(hours=hour))
            alerts = {a.enterprise_key: a.state for a in list_alerts(conn, ALL)}
            states.append([alerts.get(key) for key in ("shengtai", "huize")])
            if hour == 13:
                run = rule_runs(conn, town.park_id)["power_factor"]
                assert (run["breaches"], run["asked_at"]) == (1, NOW)
    assert states == [[None, None], ["firing", None], ["firing", None], ["resolved", "firing"]]


def test_pause_of_a_rule_ends_when_hours_of_somebody_begin(
    conn: Conn, dsn: str, tmp_path: Path
) -> None:
    enterprises = [e.model_dump(mode="json") for e in samples.make_park().enterprises]
    enterprises[0]["rules"] = {"power_factor": {"hours": ["08:00-09:00"]}}
    tune = {"power_factor": {"warn": 0.9, "every_hours": 6}}
    with Sink(tmp_path / "mails") as sink:
        town = Town(conn, dsn, sink, enterprises=enterprises, rules={"tune": tune})
        factor(town, "shengtai", 0.8, 3)
        factor(town, "huize", 0.8, 3)
        told = []
        for minutes in (-60, -30, 0, 15):
            evaluate_rules(conn, NOW + timedelta(minutes=minutes))
            told.append(len(list_alerts(conn, ALL)))
        assert told == [1, 1, 2, 2]
        assert rule_runs(conn, town.park_id)["power_factor"]["asked_at"] == NOW
