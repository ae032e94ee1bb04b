"""Night flow of ten measured districts: known medians, and leaks of 5 m3/h put into them.

Data: Battle of Water Demand Forecasting, CC BY 4.0, doi 10.1061/JWRMD5.WRENG-6887. Bursts of the
years are in the data and not labelled: every alarm on it counts as false here.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from analytics.water.leaks import find_leaks
from analytics.water.night_flow import night_minimum
from tests.conftest import DATA

ROME = ZoneInfo("Europe/Rome")
MEDIANS = [16.5, 27.6, 8.4, 78.1, 195.2, 22.6, 59.5, 41.0, 62.7, 72.8]
LEAK_M3_PER_H = 5.0
WARM_UP_NIGHTS = 120  # before it the search has too little to compare with
MET = (2, 3, 8)
"""Areas whose nights are quiet enough for 5 m3/h; the others are told in docs/water.md."""

pytestmark = pytest.mark.fulldata


class Area(NamedTuple):
    number: int
    median: float
    sigma: float
    found: float
    delay: float
    size: float
    false_per_year: float


@pytest.fixture(scope="module")
def nights() -> list[pd.Series]:
    """Minimum night flow of every area [m3/h], hours from 02:00 to 05:00 as the README counts."""
    book = CalamineWorkbook.from_path(str(DATA / "bwdf_water" / "InflowData.xlsx"))
    rows = book.get_sheet_by_index(0).to_python()[1:]
    stamps = pd.to_datetime([row[0] for row in rows], format="%d/%m/%Y %H:%M")
    # two stamps of the long night in October, none of the short one in March
    again = stamps.duplicated()
    local = [
        s.to_pydatetime().replace(tzinfo=ROME, fold=int(f))
        for s, f in zip(stamps, again, strict=True)
    ]
    at = np.array([t.timestamp() for t in local])
    out = []
    for n in range(1, 11):
        told = [row[n] if isinstance(row[n], float | int) else np.nan for row in rows]
        flow = np.array(told, dtype=float) * 3.6
        known = ~np.isnan(flow)
        out.append(night_minimum(at[known], flow[known], 3600, ROME, (2, 5)))
    return out


def test_medians(nights: list[pd.Series]) -> None:
    got = [float(area.median()) for area in nights]
    assert got == [pytest.approx(known, rel=0.01) for known in MEDIANS]


def onsets(first: date, last: date) -> list[date]:
    """The 1st and 16th of every month with a whole week behind it."""
    every = [first + timedelta(days=n) for n in range((last - first).days - 6)]
    return [day for day in every if day.day in (1, 16)]


def area(number: int, flow: pd.Series) -> Area:
    first = min(flow.index) + timedelta(days=WARM_UP_NIGHTS)
    alarms = [leak.found_on for leak in find_leaks(flow) if leak.found_on >= first]
    years = float((pd.Index(flow.index) >= first).sum()) / 365
    delays, sizes, tried = [], [], 0
    for onset in onsets(first, max(flow.index)):
        stop = onset + timedelta(days=7)
        if sum(onset <= night < stop for night in flow.index) < 5:
            continue
        tried += 1
        leaking = flow[[night for night in flow.index if night < stop]].copy()
        leaking[[night >= onset for night in leaking.index]] += LEAK_M3_PER_H
        found = [leak for leak in find_leaks(leaking) if leak.found_on >= onset]
        if found:
            delays.append((found[0].found_on - onset).days + 1)
            sizes.append(found[0].size_m3_per_h)
    return Area(
        number,
        float(flow.median()),
        float(1.4826 * (flow.diff() - flow.diff().median()).abs().median() / 2**0.5),
        len(delays) / tried,
        float(np.median(delays)) if delays else float("nan"),
        float(np.median(sizes)) if sizes else float("nan"),
        len(alarms) / years,
    )


def test_leaks_of_5_m3_per_h(nights: list[pd.Series]) -> None:
    table = [area(n, flow) for n, flow in enumerate(nights, start=1)]
    print("\narea  median  sigma  found within 7 nights  nights  size m3/h  alarms a year")
    for a in table:
        print(
            f"{a.number:4} {a.median:7.1f} {a.sigma:6.2f} {a.found:21.0%} {a.delay:8.1f} "
            f"{a.size:9.1f} {a.false_per_year:13.2f}"
        )
    known = {a.number: a for a in table}
    for number in MET:
        assert known[number].found >= 0.75
        assert known[number].delay <= 5
        assert known[number].size == pytest.approx(LEAK_M3_PER_H, abs=1.5)
    assert np.mean([a.false_per_year for a in table]) <= 1.5
    assert max(a.false_per_year for a in table) <= 3.0
