"""Year-end forecasts of the park and of every enterprise with a balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np

from analytics.green.climatology import baotou
from analytics.green.forecast import Forecast, YearSoFar, forecast_year
from analytics.metering.likedays import day_kinds
from app.jobs.green_members import GreenMember
from models.park import Park
from models.periods import buckets_in_day, days, local_day
from storage.claims import contracted_months
from storage.db import Conn
from storage.forecasts import generation_days, save_forecast
from storage.parks import AppliedPark

_COMPLETE_RATIO = 0.9  # a day is known from here on, and scaled to a whole one
Generation = Mapping[str, Mapping[date, float]]


def year_so_far(
    park: Park,
    member: GreenMember,
    generation: Generation,
    contracted: Mapping[date, float],
    today: date,
) -> YearSoFar:
    """The days of this year before today that are metered for nine tenths at least."""
    begin, zone = date(today.year, 1, 1), park.zone
    table = member.days
    expected = np.array(
        [buckets_in_day(date.fromordinal(o), zone) for o in table.days.tolist()], dtype=np.float64
    )
    part = table.columns["buckets"] / np.maximum(expected, 1.0)
    inside = (table.days >= begin.toordinal()) & (table.days < today.toordinal())
    known = inside & (part >= _COMPLETE_RATIO)
    ordinals, scale = table.days[known], 1 / part[known]
    every = list(days(begin, date(today.year + 1, 1, 1)))
    return YearSoFar(
        today.year,
        ordinals,
        day_kinds(every, park.metering.calendar),
        table.columns["consumption_kwh"][known] * scale,
        table.columns["physical_green_kwh"][known] * scale,
        {
            technology: scale
            * np.array([by_day.get(date.fromordinal(o), 0.0) for o in ordinals.tolist()])
            for technology, by_day in generation.items()
        },
        member.claims,
        contracted,
    )


def years_so_far(
    conn: Conn, applied: AppliedPark, members: Mapping[int, GreenMember], today: date
) -> dict[int, YearSoFar]:
    """The year so far of every member."""
    begin = date(today.year, 1, 1)
    generation = generation_days(conn, applied.park_id, begin, today)
    contracted = contracted_months(conn, applied.park_id)
    return {
        number: year_so_far(
            applied.park, member, generation.get(number, {}), contracted.get(number, {}), today
        )
        for number, member in members.items()
    }


def make_forecasts(
    conn: Conn,
    applied: AppliedPark,
    members: Mapping[int, GreenMember],
    inside: set[int],
    now: datetime,
) -> int:
    """Forecast the end of this year for the park and its enterprises; how many could be made."""
    park, today = applied.park, local_day(now, applied.park.zone)
    known = years_so_far(conn, applied, members, today)
    subjects: list[tuple[int | None, Sequence[YearSoFar], float]] = [
        (None, [y for n, y in known.items() if n in inside], park.goal.year_end_ratio)
    ]
    for number, year in known.items():
        own = park.enterprise(members[number].key).targets.green_share_ratio
        subjects.append((number, [year], park.goal.year_end_ratio if own is None else own))
    done = 0
    for subject, years, target in subjects:
        made = forecast_year(years, baotou(), target)
        if made is not None:
            save_forecast(conn, applied.park_id, subject, today, columns(made), now)
            done += 1
    return done


def columns(made: Forecast) -> dict[str, Any]:
    """A forecast as a flat row."""
    ranges = {"s1": made.s1, "s3": made.s3}
    row: dict[str, Any] = {
        f"{name}_{q}_ratio": getattr(r, q) for name, r in ranges.items() for q in _QUANTILES
    }
    row |= {f"consumption_{q}_kwh": getattr(made.consumption_kwh, q) for q in _QUANTILES}
    return row | {
        "target_ratio": made.target_ratio,
        "s1_probability_ratio": made.probability_s1,
        "s3_probability_ratio": made.probability_s3,
        "required_ratio": made.required_ratio,
        "certificates_p50_mwh": made.certificates_p50_mwh,
        "certificates_p10_mwh": made.certificates_p10_mwh,
        "certificates_room_mwh": made.certificates_room_mwh,
        "known_ratio": made.known_ratio,
        "notes": "; ".join(made.notes),
    }


_QUANTILES = ("p10", "p50", "p90")
