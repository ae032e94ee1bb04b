"""Hours and weekdays of rules; 2026-03-13 is a Friday."""

from __future__ import annotations

from datetime import datetime

import pytest

from models.errors import ConfigError
from models.hours import within
from tests.unit.alerts.samples import make_park


@pytest.mark.parametrize(
    ("at", "hours", "weekdays", "asked"),
    [
        ("2026-03-13T07:59", ["08:00-20:00"], None, False),
        ("2026-03-13T08:00", ["08:00-20:00"], None, True),
        ("2026-03-13T20:00", ["08:00-20:00"], None, False),
        ("2026-03-13T23:59", ["06:00-07:00", "20:00-24:00"], None, True),
        ("2026-03-13T12:00", None, [5], True),
        ("2026-03-13T12:00", None, [1, 2, 3, 4, 6, 7], False),
        ("2026-03-13T23:00", ["22:00-06:00"], [5], True),
        ("2026-03-14T05:59", ["22:00-06:00"], [5], True),  # the night of Friday
        ("2026-03-14T06:00", ["22:00-06:00"], [5], False),
        ("2026-03-13T05:00", ["22:00-06:00"], [5], False),  # the night of Thursday
        ("2026-03-16T05:00", ["22:00-06:00"], [7], True),  # Monday: the night of Sunday
        ("2026-03-14T23:00", ["22:00-06:00"], [5], False),
        ("2026-03-14T03:00", None, None, True),
    ],
)
def test_within(at: str, hours: list[str] | None, weekdays: list[int] | None, asked: bool) -> None:
    assert within(datetime.fromisoformat(at), hours, weekdays) is asked


@pytest.mark.parametrize(
    ("tuning", "told"),
    [
        ({"hours": ["8-20"]}, "demand_ratio.hours.0: .*expected FROM-TO.* 08:00-20:00"),
        ({"hours": ["08:00-25:00"]}, "expected FROM-TO"),
        ({"hours": ["08:00-08:00"]}, "two different times"),
        ({"hours": ["24:00-08:00"]}, "expected FROM-TO"),
        ({"hours": []}, "at least 1 item"),
        ({"weekdays": [0]}, "greater than or equal to 1"),
        ({"weekdays": [8]}, "less than or equal to 7"),
        ({"weekdays": ["mon"]}, "weekdays.0: .*integer"),
    ],
)
def test_what_is_no_time_is_refused(tuning: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        make_park(rules={"tune": {"demand_ratio": tuning}})
