"""The demo works in any year and at any date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from app.demo.year import claims_until, in_year_of
from models.claims import CertificateRow, TradeRow
from models.park import load_park

SAMPLE = Path(__file__).resolve().parents[3] / "examples/donghe/park.yaml"


@pytest.mark.parametrize(
    ("today", "goal_year", "first"),
    [
        (date(2026, 11, 23), 2026, date(2026, 1, 1)),
        (date(2027, 1, 10), 2027, date(2026, 1, 1)),
        (date(2027, 1, 31), 2027, date(2027, 1, 1)),
    ],
)
def test_park_of_the_year(today: date, goal_year: int, first: date) -> None:
    park = in_year_of(load_park(SAMPLE), today)
    assert (park.goal.year, park.data_from) == (goal_year, first)


def test_only_months_that_are_over_have_claims() -> None:
    trades = [TradeRow(2, "a", "k", date(2026, m, 1), "green", 5) for m in (1, 2, 3)]
    moved = claims_until(trades, 1, date(2027, 3, 1))
    assert [t.month for t in moved] == [date(2027, 1, 1), date(2027, 2, 1)]
    cancelled = CertificateRow(2, "a", "s", 1, 5, date(2026, 1, 1), date(2026, 2, 20))
    assert claims_until([cancelled], 1, date(2027, 6, 1))[0][5:] == (
        date(2027, 1, 1),
        date(2027, 2, 20),
    )
