"""The sample park in whatever year the demo is run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

from models.activity import Reported
from models.claims import CertificateRow, TradeRow
from models.park import Park
from models.periods import next_month
from models.retrofits import Retrofit

Row = TypeVar("Row", TradeRow, CertificateRow, Reported)

_SHORT_YEAR_DAYS = 30  # in January there is too little of the year: begin with the one before


def in_year_of(park: Park, today: date) -> Park:
    """The park with its goal and projects in the year of `today`, data from a 1 January on."""
    short = (today - date(today.year, 1, 1)).days < _SHORT_YEAR_DAYS
    goal = park.goal.model_copy(update={"year": today.year})
    first = date(today.year - short, 1, 1)
    years = today.year - park.goal.year
    projects = tuple(_moved(retrofit, years) for retrofit in park.retrofits)
    return park.model_copy(update={"goal": goal, "data_from": first, "retrofits": projects})


def _moved(retrofit: Retrofit, years: int) -> Retrofit:
    dates = ("baseline_start", "baseline_stop", "commissioned")
    moved = {name: getattr(retrofit, name) for name in dates}
    return retrofit.model_copy(
        update={name: day.replace(year=day.year + years) for name, day in moved.items()}
    )


def claims_until(rows: Sequence[Row], years: int, today: date) -> list[Row]:
    """Claims moved by whole years, of the months that are over."""
    moved = []
    for row in rows:
        changes: dict[str, Any] = {"month": row.month.replace(year=row.month.year + years)}
        if isinstance(row, CertificateRow):
            cancelled = row.cancelled_on
            changes["cancelled_on"] = cancelled.replace(year=cancelled.year + years)
        if next_month(changes["month"]) <= today:
            moved.append(row._replace(**changes))
    return moved
