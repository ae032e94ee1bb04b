"""The scorecard on made-up truth and answers: each figure worked out by hand."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from app.score.card import EnterpriseScore, enterprise_scores, event_scores
from app.score.chain import Observed, Sent
from app.score.expected import breaches
from simulators.message import Message
from tests.unit.simulators.sample import park

DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(10)]
SINCE = datetime(2026, 3, 4, tzinfo=UTC)


def frame(**columns: list[float]) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([["shengtai"], DAYS], names=["enterprise", "day"])
    return pd.DataFrame(columns, index=index)


def truth(generation: float = 30.0, water: float = 3.0) -> pd.DataFrame:
    """100 kWh a day are used, 1 / 20 t produced: 2,000 kWh/t, 3 m3 for it are 60 m3/t."""
    return frame(
        import_kwh=[80.0] * 10,
        export_kwh=[10.0] * 10,
        generation_kwh=[generation] * 10,
        water_m3=[water] * 10,
        product_t=[0.05] * 10,
    )


def seen(**changes: Any) -> Observed:
    """One day of ten is incomplete; on the others 1 kWh too much is told, all of it green."""
    energy = frame(
        import_kwh=[80.0] * 10,
        direct_kwh=[0.0] * 10,
        onsite_kwh=[31.0] * 10,
        export_kwh=[10.0] * 10,
        consumption_kwh=[101.0] * 10,
        physical_green_kwh=[21.0] * 10,
        estimated_kwh=[12.1] * 10,
        buckets=[96.0] * 9 + [90.0],
        expected_buckets=[96.0] * 10,
    )
    amounts = frame(water_m3=[2.7] * 9 + [math.nan], product_t=[0.05] * 10)
    found, alerts = changes.pop("findings", []), changes.pop("alerts", [])
    return Observed(energy, amounts, found, alerts, Counter(), **changes)


def score(**changes: Any) -> EnterpriseScore:
    answer = seen(**changes)
    (line,) = enterprise_scores(
        park(), truth(), answer, leaks={"shengtai": SINCE}, savings_kwh={"shengtai": 5.0}
    )
    return line


def test_energy_share_and_water_are_judged_on_complete_days() -> None:
    line = score()
    assert line.complete_ratio == 0.9
    assert line.energy_error_ratio == pytest.approx(0.01)  # 909 / 900
    assert line.share_error_points == pytest.approx((21 / 101 - 0.2) * 100)
    assert line.estimated_ratio == pytest.approx(0.1)  # 12.1 of 80 + 31 + 10
    assert line.water_error_ratio == pytest.approx(-0.1)
    assert (line.saving_true_kwh, line.saving_error_ratio) == (5.0, None)


def test_a_leak_is_told_by_the_first_water_alert_after_it() -> None:
    early, late = SINCE - timedelta(days=1), SINCE + timedelta(days=2, hours=12)
    alerts = [
        {"enterprise": "shengtai", "rule": "water_saving", "opened_at": early},
        {"enterprise": "baolu", "rule": "water_saving", "opened_at": SINCE},
        {"enterprise": "shengtai", "rule": "water_saving", "opened_at": late},
    ]
    assert score(alerts=alerts).leak_delay_days == 2.5
    assert score().leak_delay_days == math.inf


def test_expected_alerts_are_the_rules_on_the_truth() -> None:
    # 20 % green is far below the path of 37 % in March; 60 m3/t above 3.3; 2,000 kWh/t below 2,500
    assert breaches(park(), truth()) == {"shengtai": {"green_share_ytd", "water_saving"}}
    # 127 kWh a day are 2,540 kWh/t, within 3 % of 2,500; 47 of 127 are 37 % green
    assert breaches(park(), truth(generation=57.0, water=0.1)) == {}
    line = score(alerts=[{"enterprise": "shengtai", "rule": "energy_saving", "opened_at": SINCE}])
    assert (line.alerts_expected, line.alerts_raised, line.alerts_both) == (2, 1, 0)


def test_every_reading_that_was_sent_is_kept_repeated_refused_or_lost() -> None:
    sent = Sent()
    ours, other = ("shengtai", "st-grid"), ("huize", "hz-grid")
    messages = [
        Message(SINCE, "t/st", b"1", 5, ours),
        Message(SINCE, "t/st", b"2", 60, ours),
        Message(SINCE, "t/st", b"1", 5, ours),
        Message(SINCE, "t/hz", b"1", 7, other),
    ]
    assert list(sent.count(messages)) == messages
    findings = [
        {"code": code, "evidence": {"topic": topic, "got": got}}
        for code, topic, got in (
            ("quarantine.future", "t/st", "x"),
            ("quarantine.more", "t/st", "30"),
            ("quarantine.future", "t/hz", "x"),
        )
    ]
    line = score(sent=sent, kept={"shengtai": 32, "huize": 6}, findings=findings)
    assert (line.readings_sent, line.readings_twice, line.readings_refused) == (70, 5, 31)
    assert line.readings_lost == 70 - 5 - 31 - 32


def test_an_event_is_noticed_by_one_of_its_codes_on_its_meter_in_its_time() -> None:
    answer = seen()
    answer.findings += [
        {"code": code, "meter": meter, "period_start": at, "period_stop": at + timedelta(hours=1)}
        for code, meter, at in (
            ("register.glitch", "st-grid", SINCE),
            ("register.reset", "st-pv", SINCE),
            ("validation.spike", "st-grid", SINCE + timedelta(days=5)),
        )
    ]
    event = {"kind": "glitch_zero", "subject": "st-grid", "meters": ["st-grid"], "start": SINCE,
             "stop": SINCE + timedelta(hours=6), "expected": ["register.glitch"]}  # fmt: skip
    (line,) = event_scores([event], answer)
    assert line.raised == ("register.glitch",)
    assert line.noticed
    (missed,) = event_scores([event | {"expected": ["validation.spike"]}], answer)
    assert not missed.noticed
    (quiet,) = event_scores([event | {"expected": []}], answer)
    assert quiet.noticed
