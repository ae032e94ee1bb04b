"""Year-end forecast: by hand where there is one answer, by its own rules where there is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from analytics.green.climatology import TECHNOLOGIES, Climatology, baotou
from analytics.green.forecast import Forecast, YearSoFar, forecast_year, required_ratio
from analytics.green.shares import Claims
from models.errors import ConfigError
from models.park import load_park
from models.periods import days
from simulators.climate import monthly_kwh
from simulators.scenario import load_scenario

YEAR = list(days(date(2026, 1, 1), date(2027, 1, 1)))
KINDS = ["weekend" if d.weekday() > 4 else "working" for d in YEAR]
STEADY = Climatology({t: np.full((5, 12), 100.0) for t in TECHNOLOGIES}, "steady")


def so_far(
    until: date = date(2026, 7, 1),
    used: float = 1000.0,
    made: Mapping[str, float] | None = None,
    claims: Claims | None = None,
) -> YearSoFar:
    """Equal days; all of the generation is used."""
    known = [d for d in YEAR if d < until]
    each = np.ones(len(known))
    made = {"wind": 200.0} if made is None else made
    return YearSoFar(
        2026,
        np.array([d.toordinal() for d in known]),
        KINDS,
        used * each,
        sum(made.values()) * each,
        {technology: kwh * each for technology, kwh in made.items()},
        claims or Claims(),
    )


def made(
    *members: YearSoFar, target: float = 0.5, climatology: Climatology | None = None
) -> Forecast:
    found = forecast_year(members, climatology or baotou(), target)
    assert found is not None
    return found


def trades(kwh: float, months: int = 12) -> Claims:
    return Claims({date(2026, m, 1): kwh for m in range(1, months + 1)})


def test_required_share_of_the_test_vector() -> None:
    assert required_ratio(0.5, 1000, 600, 270) == pytest.approx(0.575)
    assert required_ratio(0.5, 1000, 1000, 270) is None


def test_a_steady_world_goes_on() -> None:
    found = made(so_far(), climatology=STEADY)
    assert found.s1.p50 == pytest.approx(0.2, rel=0.01)
    assert found.consumption_kwh.p50 == pytest.approx(365_000, rel=0.01)
    assert found.s1.p10 < found.s1.p50 < found.s1.p90  # consumption is never certain
    assert found.required_ratio == pytest.approx((0.5 * 365 - 0.2 * 181) / 184, rel=0.01)
    # 30 % of 365 MWh are missing, room for all of it
    assert found.certificates_p50_mwh == pytest.approx(0.3 * 365, abs=2)
    assert found.certificates_p10_mwh > found.certificates_p50_mwh
    assert found.certificates_room_mwh == pytest.approx(0.8 * 365, abs=3)


def test_a_finished_year_is_its_own_outcome() -> None:
    found = made(so_far(date(2027, 1, 1), claims=trades(3_000)))
    assert found.s1.p10 == found.s1.p50 == found.s1.p90 == pytest.approx(0.2)
    assert found.s3.p10 == found.s3.p90 == pytest.approx(0.2 + 36 / 365)
    assert found.required_ratio is None
    assert (found.probability_s3, found.known_ratio) == (0.0, 1.0)


def test_the_rest_takes_the_weather_of_the_rest() -> None:
    # sun: the first half of the weather years has twice the sun of the second
    uneven = np.tile([200.0] * 6 + [100.0] * 6, (3, 1))
    climatology = Climatology({"pv": uneven, "wind": uneven}, "uneven")
    found = made(so_far(made={"pv": 400.0}), climatology=climatology)
    # 181 days x 400, then 184 days of half as much
    assert found.s1.p50 == pytest.approx((400 * 181 + 200 * 184) / 365_000, rel=0.02)


def test_a_windy_year_goes_on_as_one() -> None:
    # of two weather years one is twice as windy throughout: both say the same of the rest
    climatology = Climatology(
        {t: np.array([[100.0] * 12, [200.0] * 12]) for t in TECHNOLOGIES}, "two"
    )
    found = made(so_far(), climatology=climatology)
    assert found.s1.p50 == pytest.approx(0.2, rel=0.01)
    assert found.s1.p90 - found.s1.p10 < 0.02


def test_equal_inputs_give_equal_outputs() -> None:
    assert made(so_far()) == made(so_far())


def test_the_order_of_enterprises_hardly_matters() -> None:
    one, other = so_far(), so_far(used=3000.0, made={"pv": 900.0})
    a, b = made(one, other), made(other, one)
    assert a.s1.p50 == pytest.approx(b.s1.p50, rel=0.01)
    assert a.s3.p90 == pytest.approx(b.s3.p90, rel=0.02)


def test_more_certificates_never_lower_s3_and_never_lift_it_above_the_cap() -> None:
    before = -1.0
    for mwh in (0, 50, 200, 1000):
        claims = Claims(certificates={date(2026, 1, 1): 1000.0 * mwh})
        found = made(so_far(claims=claims))
        assert found.s3.p50 >= before
        assert found.s3.p90 <= 1 + 1e-9
        before = found.s3.p50
    assert before == pytest.approx(1.0)
    assert found.certificates_room_mwh == 0
    assert found.certificates_p10_mwh == 0
    assert found.probability_s3 == 1.0


def test_open_months_of_trades() -> None:
    # six months settled with 6,000 kWh: the others take the same on average
    settled = made(so_far(claims=trades(6_000, 6)), climatology=STEADY)
    assert settled.s3.p50 == pytest.approx(0.2 + 72 / 365, rel=0.03)
    assert any("mean of the settled" in n for n in settled.notes)
    contracted = replace(
        so_far(claims=trades(6_000, 6)),
        contracted_kwh={date(2026, m, 1): 1_000.0 for m in range(7, 13)},
    )
    found = made(contracted, climatology=STEADY)
    assert found.s3.p50 == pytest.approx(0.2 + 42 / 365, rel=0.03)
    assert any("contracted" in n for n in found.notes)


def test_missing_days_are_not_zero() -> None:
    whole = so_far()
    kept = np.arange(len(whole.days)) % 3 != 0
    gaps = replace(
        whole,
        days=whole.days[kept],
        consumption_kwh=whole.consumption_kwh[kept],
        physical_kwh=whole.physical_kwh[kept],
        generation_kwh={t: g[kept] for t, g in whole.generation_kwh.items()},
    )
    found = made(gaps, climatology=STEADY)
    assert found.consumption_kwh.p50 == pytest.approx(365_000, rel=0.01)
    assert found.s1.p50 == pytest.approx(0.2, rel=0.01)
    assert found.known_ratio == pytest.approx(len(gaps.days) / 365)


def test_weekends_are_forecast_as_weekends() -> None:
    known = so_far(date(2026, 4, 1))
    used = np.array([2000.0 if k == "working" else 500.0 for k in KINDS[: len(known.days)]])
    found = made(replace(known, consumption_kwh=used), climatology=STEADY)
    expected = sum(2000.0 if k == "working" else 500.0 for k in KINDS)
    assert found.consumption_kwh.p50 == pytest.approx(expected, rel=0.01)


def test_an_unknown_technology_is_told() -> None:
    found = made(so_far(made={"other": 200.0}))
    assert any("technology not told" in n for n in found.notes)
    assert found.s1.p50 == pytest.approx(0.2, rel=0.02)


def test_too_little_is_no_forecast() -> None:
    short = so_far(date(2026, 1, 28))
    assert forecast_year([short], baotou(), 0.5) is None
    assert forecast_year([], baotou(), 0.5) is None
    assert forecast_year([so_far(used=0.0, made={})], baotou(), 0.5) is None
    found = made(so_far(), short)
    assert any("1 enterprise(s) left out" in n for n in found.notes)


def test_the_further_the_year_the_narrower_the_range() -> None:
    widths = []
    for month in (3, 6, 9, 12):
        found = made(so_far(date(2026, month, 1)))
        widths.append(found.s1.p90 - found.s1.p10)
    assert widths == sorted(widths, reverse=True)


def test_the_climatology_is_what_the_simulator_makes() -> None:
    known = baotou()
    assert known.years == 40
    examples = Path(__file__).parents[3] / "examples" / "donghe"
    park = load_park(examples / "park.yaml")
    scenario = load_scenario(examples / "simulation.yaml")
    simulated = monthly_kwh(park, scenario, 7)
    for technology in TECHNOLOGIES:
        ratio = simulated[technology] / known.hours[technology][6]
        assert ratio == pytest.approx(ratio.mean(), rel=1e-3), technology


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("year,month,pv\n1,1,2\n", r"column\(s\) missing: wind"),
        ("year,month,pv,wind\n1,1,2,3\n", "weather year 1: month 2 is missing"),
        ("year,month,pv,wind\n1,1,x,3\n", "not a number"),
        ("", "missing: year"),
    ],
)
def test_wrong_climatologies_are_told(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Climatology.from_csv(text, "years.csv")
