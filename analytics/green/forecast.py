"""Is the year on track: S1 and S3 at year end with an honest range.

1. The size of a source is not known, its metered energy is: had the weather so far been that of
   year y, the rest of that year would give metered x yield(y, rest) / yield(y, same days). Every
   weather year is a scenario, the same for sun and wind; a windy year goes on as one.
2. The part of the generation that was used so far is used in the rest.
3. Consumption goes on as on the days of its kind so far (working day, weekend, holiday), with an
   error from how much its months varied, and a floor for what they could not show.
4. Trades of months that are not settled: what is contracted, else the mean of the settled months,
   with an error that goes along with the wind. Certificates to come are not assumed.
5. The cap T + C <= D holds for each enterprise and scenario; a set of enterprises is their sum.

House method; the share needed for the rest is domain facts 1.3, certificates 11.8.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from analytics.green.climatology import TECHNOLOGIES, Climatology
from analytics.green.shares import Claims, Ints
from analytics.green.supply import Floats
from models.ledger import SERIAL_WH

LEAST_DAYS = 28
_DRAWS = 50  # of consumption and trades for each weather year
_UNSEEN_RATIO = 0.01  # consumption of the rest: what no month so far can show (orders, outages)
# What months usually vary by, worth three months of one's own: few months tell little of it.
_USUAL_USE_RATIO, _USUAL_TRADE_RATIO, _USUAL_MONTHS = 0.02, 0.10, 3
_TRADE_WEATHER = 0.6  # correlation of trades to come with wind: they are wind power mostly
_SERIAL_KWH = SERIAL_WH / 1000


@dataclass(frozen=True)
class YearSoFar:
    """One enterprise. Arrays have a value for each known day; other days are forecast.

    Attributes:
        days: ordinals of `date`, ascending, all of one year; completely metered (or scaled to
            it). A missing day is not here.
        kinds: kind of every day of the year (working, weekend, holiday), 365 or 366.
        generation_kwh: on-site and direct supply by technology: pv, wind or other.
        contracted_kwh: of months that are not settled.
    """

    year: int
    days: Ints
    kinds: Sequence[str]
    consumption_kwh: Floats
    physical_kwh: Floats
    generation_kwh: Mapping[str, Floats]
    claims: Claims = field(default_factory=Claims)
    contracted_kwh: Mapping[date, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Range:
    """P10, P50 and P90 of a quantity."""

    p10: float
    p50: float
    p90: float

    @classmethod
    def of(cls, values: Floats) -> Range:
        """Of equally likely scenarios."""
        return cls(*(float(q) for q in np.quantile(values, (0.1, 0.5, 0.9))))


@dataclass(frozen=True)
class Forecast:
    """Year end, seen from the days that are known.

    Attributes:
        probability_s1, probability_s3: that the share reaches the target.
        required_ratio: S3 needed over the rest of the year; above 1 it takes certificates.
        certificates_p50_mwh: certificates that close the gap in half of the scenarios;
            certificates_p10_mwh: in nine of ten; 0 when nothing is missing.
        certificates_room_mwh: most that the cap T + C <= D leaves room for (median).
        known_ratio: known days / days of the year, mean of the enterprises.
        notes: codes of what was assumed.
    """

    s1: Range
    s3: Range
    consumption_kwh: Range
    probability_s1: float
    probability_s3: float
    target_ratio: float
    required_ratio: float | None
    certificates_p50_mwh: int
    certificates_p10_mwh: int
    certificates_room_mwh: int
    known_ratio: float
    notes: tuple[str, ...]


def forecast_year(
    members: Sequence[YearSoFar], climatology: Climatology, target_ratio: float
) -> Forecast | None:
    """Year-end shares of a set of enterprises.

    One with fewer than 28 known days is left out, and that is noted. None: nobody has more, or
    nothing was consumed. Equal inputs give equal outputs; a finished year is its own outcome.
    """
    told = [m for m in members if len(m.days) >= LEAST_DAYS and m.consumption_kwh.sum() > 0]
    if not told:
        return None
    notes: dict[str, None] = {f"climatology: {climatology.source}": None}
    if len(told) < len(members):
        notes[f"{len(members) - len(told)} enterprise(s) left out: too few known days"] = None
    members = told
    scenarios = [_scenarios(m, n, climatology, notes) for n, m in enumerate(members)]
    used, physical, traded, certified, room = (
        np.sum([s[name] for s in scenarios], axis=0)
        for name in ("used", "physical", "traded", "certified", "room")
    )
    s1, s3 = physical / used, (physical + traded + certified) / used
    missing = np.maximum(target_ratio - s3, 0.0) * used
    return Forecast(
        Range.of(s1),
        Range.of(s3),
        Range.of(used),
        float(np.mean(s1 >= target_ratio)),
        float(np.mean(s3 >= target_ratio)),
        target_ratio,
        _required(members, float(np.median(used)), target_ratio),
        _mwh(float(np.quantile(missing, 0.5))),
        _mwh(float(np.quantile(missing, 0.9))),
        int(np.median(room) // _SERIAL_KWH),
        float(np.mean([len(m.days) / len(m.kinds) for m in members])),
        tuple(notes),
    )


def required_ratio(
    target_ratio: float, used_year: float, used_kwh: float, green_kwh: float
) -> float | None:
    """Share needed for the rest of the year; None when nothing is left of it.

    (target E_year - G) / (E_year - E). Source: domain facts 1.3.
    """
    rest = used_year - used_kwh
    return (target_ratio * used_year - green_kwh) / rest if rest > 1e-9 * used_year else None


def _required(members: Sequence[YearSoFar], used_year: float, target_ratio: float) -> float | None:
    used = sum(float(m.consumption_kwh.sum()) for m in members)
    green = sum(
        float(m.physical_kwh.sum())
        + sum(_of_year(m.claims.green, m.year).values())
        + sum(_of_year(m.claims.certificates, m.year).values())
        for m in members
    )
    return required_ratio(target_ratio, used_year, used, green)


def _mwh(energy_kwh: float) -> int:
    """Whole certificates, rounded up."""
    return int(-(-energy_kwh // _SERIAL_KWH))


def _scenarios(
    member: YearSoFar, number: int, climatology: Climatology, notes: dict[str, None]
) -> dict[str, Floats]:
    """Amounts of the whole year in every scenario [kWh]."""
    weather = np.repeat(np.arange(climatology.years), _DRAWS)
    rng = np.random.default_rng([7, number])  # each enterprise has errors of its own
    common = np.random.default_rng(5).standard_normal((2, len(weather)))  # and shares some
    known, rest = _month_days(member)
    used = member.consumption_kwh.sum() + _rest_of_consumption(
        member, rng.standard_normal(len(weather)), common[0]
    )
    made_so_far = sum(float(g.sum()) for g in member.generation_kwh.values())
    made_rest = np.zeros(len(weather))
    for technology, generation in member.generation_kwh.items():
        made = float(generation.sum())
        if technology in TECHNOLOGIES:
            hours = climatology.hours[technology]
            made_rest += made * ((hours @ rest) / np.maximum(hours @ known, 1e-9))[weather]
        elif made:
            notes["technology not told: a source goes on as it was"] = None
            daily = made / len(member.days)
            spread = _spread(_monthly(member, generation), _USUAL_TRADE_RATIO)
            error = 1 + spread * rng.standard_normal(len(weather))
            made_rest += daily * (len(member.kinds) - len(member.days)) * np.maximum(error, 0.0)
    physical = float(member.physical_kwh.sum())
    absorbed = min(max(physical / made_so_far, 0.0), 1.0) if made_so_far > 0 else 0.0
    physical_year = np.minimum(physical + absorbed * made_rest, used)
    draw = used - physical_year
    trades = _trades(member, _weather_error(climatology, known, rest, weather, common[1]), notes)
    traded = np.minimum(trades, draw)
    nuclear = np.minimum(sum(_of_year(member.claims.nuclear, member.year).values()), draw - traded)
    left = draw - traded - nuclear
    certified = np.minimum(sum(_of_year(member.claims.certificates, member.year).values()), left)
    return {
        "used": used,
        "physical": physical_year,
        "traded": traded,
        "certified": certified,
        "room": left - certified,
    }


def _month_days(member: YearSoFar) -> tuple[Floats, Floats]:
    """Part of each month that is known, and the part that is not."""
    known = np.zeros(12)
    for ordinal in member.days.tolist():
        known[date.fromordinal(ordinal).month - 1] += 1
    lengths = np.array([calendar.monthrange(member.year, m)[1] for m in range(1, 13)])
    return known / lengths, 1 - known / lengths


def _monthly(member: YearSoFar, values: Floats) -> Floats:
    """Daily means of the months that are known for at least ten days."""
    month = np.array([date.fromordinal(o).month for o in member.days.tolist()])
    means = [values[month == m].mean() for m in range(1, 13) if (month == m).sum() >= 10]
    return np.array(means)


def _spread(means: Floats, usual_ratio: float) -> float:
    """Relative error of the mean of the months to come, from those that are known."""
    count, left = len(means), max(12 - len(means), 1)
    own = float(means.var(ddof=1) / means.mean() ** 2) if count > 1 and means.mean() > 0 else 0.0
    weight = max(count - 1, 0)
    variance = (weight * own + _USUAL_MONTHS * usual_ratio**2) / (weight + _USUAL_MONTHS)
    return float(np.sqrt(variance * (1 / max(count, 1) + 1 / left)))


def _rest_of_consumption(member: YearSoFar, own: Floats, common: Floats) -> Floats:
    """Consumption of the days that are not known, by kind of day."""
    begin = date(member.year, 1, 1).toordinal()
    kinds = np.array(member.kinds)
    known = np.zeros(len(kinds), dtype=np.bool_)
    known[member.days - begin] = True
    overall = float(member.consumption_kwh.mean())
    mean_of = {
        kind: float(member.consumption_kwh[kinds[known] == kind].mean())
        for kind in np.unique(kinds[known]).tolist()
    }
    rest = sum(mean_of.get(kind, overall) for kind in kinds[~known].tolist())
    monthly = _monthly(member, _like_working_days(member, kinds[known], mean_of))
    spread = _spread(monthly, _USUAL_USE_RATIO)
    error = 1 + spread * own + _UNSEEN_RATIO * common
    return rest * np.maximum(error, 0.0)


def _like_working_days(
    member: YearSoFar, kinds: np.ndarray[Any, Any], mean_of: Mapping[str, float]
) -> Floats:
    """Consumption relative to the mean of its kind of day: holidays are no variation."""
    usual = np.array([mean_of[kind] for kind in kinds.tolist()])
    out: Floats = np.ones(len(usual))
    np.divide(member.consumption_kwh, usual, out=out, where=usual > 0)
    return out


def _weather_error(
    climatology: Climatology, known: Floats, rest: Floats, weather: Ints, own: Floats
) -> Floats:
    """Standard error of trades: partly the wind of the weather year, partly their own."""
    ratio = (climatology.hours["wind"] @ rest) / np.maximum(climatology.hours["wind"] @ known, 1e-9)
    spread = float(ratio.std())
    wind = (ratio - ratio.mean()) / spread if spread > 0 else np.zeros(len(ratio))
    mixed: Floats = _TRADE_WEATHER * wind[weather] + np.sqrt(1 - _TRADE_WEATHER**2) * own
    return mixed


def _trades(member: YearSoFar, error: Floats, notes: dict[str, None]) -> Floats:
    """Green trades of the whole year, settled and expected [kWh]."""
    settled = _of_year(member.claims.green, member.year)
    open_months = [month for m in range(1, 13) if (month := date(member.year, m, 1)) not in settled]
    contracted = {m: member.contracted_kwh[m] for m in open_months if m in member.contracted_kwh}
    so_far = np.array(list(settled.values()))
    expected = sum(contracted.values())
    if contracted:
        notes["trades: contracted months count in full"] = None
    elif len(so_far) and open_months:
        notes["trades: open months take the mean of the settled ones"] = None
        expected = float(so_far.mean()) * len(open_months)
    spread = _spread(so_far, _USUAL_TRADE_RATIO)
    return float(so_far.sum()) + expected * np.maximum(1 + spread * error, 0.0)


def _of_year(monthly: Mapping[date, float], year: int) -> dict[date, float]:
    return {month: kwh for month, kwh in monthly.items() if month.year == year}
