"""Pictures of a small park for the tests of rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from models.indicators import IndicatorValue
from models.verdicts import Outcome, Verdict
from rules.catalogue import verdicts
from rules.snapshot import Heard, Snapshot
from tests.unit.alerts.samples import make_park

NOW = datetime(2026, 3, 15, 0, 15, tzinfo=UTC)  # 08:15 in Shanghai
TODAY = date(2026, 3, 15)


def value(
    amount: float | None, stop: date = TODAY, days: int = 7, **changes: Any
) -> IndicatorValue:
    facts: dict[str, Any] = {
        "indicator": "",
        "enterprise_id": None,
        "period_kind": "day",
        "period_start": stop - timedelta(days=days),
        "period_stop": stop,
        "value": amount,
        "numerator": amount,
        "denominator": 1.0,
        "unit": "ratio",
        "completeness_ratio": 1.0,
        "estimated_ratio": 0.0,
        "status": "final",
        "note": None,
    }
    return IndicatorValue(**facts | changes)


def month(amount: float | None, number: int = 2, **changes: Any) -> IndicatorValue:
    return value(amount, date(2026, number + 1, 1), 28, **changes)


def heard(meter: str, hours_ago: float | None, enterprise_id: int = 1) -> Heard:
    last_at = None if hours_ago is None else NOW - timedelta(hours=hours_ago)
    return Heard(meter, enterprise_id, last_at, 900.0)


def picture(park: dict[str, Any] | None = None, **facts: Any) -> Snapshot:
    return Snapshot(1, make_park(**park or {}), {1: "shengtai", 2: "huize"}, NOW, TODAY, **facts)


def ask(code: str, snapshot: Snapshot) -> dict[tuple[int | None, str], Verdict]:
    """What a rule says, by subject and object."""
    return {(v.enterprise_id, v.about): v for v in verdicts(snapshot, [code])}


def said(code: str, snapshot: Snapshot) -> list[tuple[int | None, str, str]]:
    """Subject, object and answer: the severity of a breach, else the outcome."""
    return [
        (who, about, v.severity.value if v.outcome is Outcome.BREACH else v.outcome.value)
        for (who, about), v in ask(code, snapshot).items()
    ]
