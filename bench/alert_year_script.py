"""A park, what happens to it in 2026, and what people have to hear of it: the script of the year.

Everything is written by hand, hour by hour on the park's wall clock; nothing here asks the program
that is measured. `bench/alert_year_world.py` turns the levels and gaps into numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from models.park import Park, parse_park

ZONE = ZoneInfo("Asia/Shanghai")
ALL = "abcdefg"
PARK = "park"
"""Subject of what is about the park as a whole."""
GOAL_START, GOAL_END = 0.30, 0.50
METERS = ("grid", "water", "pv")
CONTACTS = {
    "a": ({"name": "张伟", "email": "zhang@a.example"},
          {"name": "Ann Smith", "email": "smith@a.example", "language": "en"}),
    "b": ({"name": "李娜", "email": "li@b.example"},),
    "c": ({"name": "王芳", "email": "wang@c.example"},
          {"name": "陈静", "email": "chen@c.example", "at_once": "critical"}),
    "d": ({"name": "赵磊", "email": "zhao@d.example"},),
    "e": ({"name": "孙丽", "email": "sun@e.example"},),
    "f": ({"name": "周强", "email": "zhou@f.example"},),
    "g": (),
    PARK: ({"name": "能源办", "email": "office@park.example"},
           {"name": "主任", "email": "boss@park.example", "only_escalated": True}),
}  # fmt: skip
"""`g` has nobody: the park's office hears of it. `boss` hears of what nobody acknowledged."""


def at(month: int, day: int, hour: int = 0) -> datetime:
    """An hour of 2026 in the park."""
    return datetime(2026, month, day, hour, tzinfo=ZONE)


YEAR = (at(1, 1), datetime(2027, 1, 1, tzinfo=ZONE))


@dataclass(frozen=True)
class Level:
    """A signal of subjects in `[start, stop)`: at `low`, or between `low` and `high`.

    Attributes:
        signal: energy, water (parts of the target), complete (ratio), demand, prob, need (ratios);
            green (above the path) and power_factor: what is published within the time.
        dwell_h: up and down between the two, this long each in turn; none: anywhere between,
            another value every six hours.
        since: history is rewritten too, back to this day (a correction).
    """

    signal: str
    subjects: str | tuple[str, ...]
    start: datetime
    stop: datetime
    low: float
    high: float | None = None
    dwell_h: tuple[int, ...] = ()
    since: date | None = None


@dataclass(frozen=True)
class Gap:
    """Meters that say nothing in `[start, stop)`."""

    meters: tuple[str, ...]
    start: datetime
    stop: datetime


@dataclass(frozen=True)
class Found:
    """A finding about a channel that stands in `[start, stop)`; or `job_failed`, about a job."""

    code: str
    severity: str
    channel: str
    start: datetime
    stop: datetime


@dataclass(frozen=True)
class Quieted:
    """A person (or the plan) wants to hear nothing of it in `[start, stop)`."""

    start: datetime
    stop: datetime
    enterprise: str
    reason: str
    rule: str | None = None
    about: str | None = None


@dataclass(frozen=True)
class Expected:
    """An alert that people have to hear of, once.

    Attributes:
        start: what is wrong has lasted as long as the rule asks for: now it is to be said.
        end: it is good again; None: it lasts longer than the script.
        severity: at the beginning; a warning waits for the morning.
        alerts: as many alerts are no repetition (it takes two excursions to know that it flaps).
        hold_h: the end may be said this much later, for the calm that rule or flapping ask for.
        ack_h: acknowledged at daytime, this long after it was said; None: never.
        escalates: nobody reacts in time: the boss has to hear of it.
    """

    what: str
    rule: str
    enterprise: str
    start: datetime
    end: datetime | None
    about: str = ""
    severity: str = "warning"
    alerts: int = 1
    hold_h: int = 0
    ack_h: int | None = 2
    escalates: bool = False


@dataclass(frozen=True)
class Quiet:
    """A temptation: of this nothing may be said in `[start, stop)`; no rules: of nothing new."""

    what: str
    start: datetime
    stop: datetime
    enterprises: str = ALL
    rules: tuple[str, ...] = ()


def of(enterprises: str, *kinds: str) -> tuple[str, ...]:
    """Keys of meters."""
    return tuple(f"{e}-{kind}" for e in enterprises for kind in kinds or METERS)


SUBJECTS = (*ALL, PARK)
LEVELS = (
    # first quarter
    Level("energy", "b", at(1, 19, 10), at(1, 26, 10), 1.08),
    Level("energy", "b", at(1, 26, 10), at(2, 2, 10), 1.18),
    Level("energy", "b", at(2, 2, 10), at(2, 5, 10), 1.08),
    Level("energy", "c", at(2, 23, 10), at(3, 23, 10), 1.04, 0.99, dwell_h=(7, 12, 18, 9, 20)),
    Level("water", "d", at(3, 2, 10), at(3, 20, 10), 1.038, 1.022, dwell_h=(6,)),
    Level("water", "a", at(3, 12, 10), at(3, 26, 10), 1.09),
    Level("energy", "f", at(3, 16, 10), at(3, 24, 10), 1.10),
    Level("complete", "f", at(3, 16, 10), at(3, 24, 10), 0.60),
    Level("energy", "g", at(3, 23, 10), at(3, 26, 10), 1.25),
    Level("complete", "g", at(3, 23, 10), at(3, 26, 10), 0.75),
    Level("energy", "g", at(3, 26, 10), at(3, 27, 10), 0.96, since=date(2026, 3, 23)),
    # second quarter
    Level("energy", "f", at(4, 13, 10), at(4, 27, 10), 0.92),
    Level("prob", "a", at(4, 20), at(8, 20), 0.30),
    Level("need", "a", at(4, 20), at(8, 20), 0.70),
    Level("green", "a", at(5, 10), at(6, 10), -0.035),
    Level("green", "a", at(6, 10), at(7, 10), -0.060),
    Level("green", "a", at(7, 10), at(8, 10), -0.110),
    Level("green", "a", at(8, 10), at(9, 10), -0.050),
    Level("green", (PARK,), at(6, 10), at(8, 10), -0.025),
    Level("power_factor", "g", at(6, 5), at(7, 5), 0.87),
    Level("water", "d", at(6, 15, 10), at(7, 6, 10), 1.09),
    # third quarter
    Level("demand", "c", at(8, 12, 14), at(8, 25, 15), 0.97),
    Level("demand", "c", at(8, 25, 15), at(9, 1), 1.06),
    Level("energy", "abcdeg", at(9, 2), at(10, 1), 1.005, 1.029),
    Level("water", ALL, at(9, 2), at(10, 1), 1.010, 1.029),
    Level("complete", ALL, at(9, 2), at(10, 1), 0.905, 0.93),
    Level("power_factor", ALL, at(9, 5), at(10, 5), 0.901),
    Level("demand", ALL, at(9, 2), at(10, 1), 0.949),
    Level("prob", SUBJECTS, at(9, 2), at(10, 1), 0.51, 0.60),
    Level("green", (*"bcdefg", PARK), at(9, 10), at(10, 10), -0.019),
    # fourth quarter
    Level("energy", "d", at(10, 20, 10), at(10, 21, 15), 1.12),
    Level("energy", "d", at(10, 21, 15), at(10, 22), 0.96, since=date(2026, 10, 20)),
    Level("energy", "g", at(11, 10, 14), at(11, 17, 10), 1.07, since=date(2026, 11, 6)),
    Level("energy", "a", at(11, 16, 10), at(11, 20, 11), 1.22),
    Level("energy", "a", at(11, 20, 11), at(11, 21), 0.95, since=date(2026, 11, 16)),
    Level("energy", "a", at(12, 15, 10), at(12, 21, 10), 1.06),
    Level("water", "a", at(12, 15, 10), at(12, 21, 10), 1.06),
    Level("energy", "b", at(12, 24, 10), YEAR[1], 1.05),
)


def _nights(meter: str, first: datetime, last: datetime) -> tuple[Gap, ...]:
    """Two readings of every night are missing: short of the limit of two hours."""
    nights = (last - first).days
    starts = (first + timedelta(days=n, hours=1) for n in range(nights))
    return tuple(Gap((meter,), start, start + timedelta(hours=2)) for start in starts)


GAPS = (
    Gap(("b-water",), at(1, 12, 9), at(1, 13, 15)),
    *_nights("d-pv", at(1, 20), at(2, 20)),
    Gap(of("abcdfg"), at(3, 10, 2), at(3, 10, 10)),
    Gap(of("e", "grid", "water"), at(3, 10, 2), at(3, 10, 11)),
    Gap(of("e", "pv"), at(3, 10, 2), at(3, 11, 16)),
    Gap(of("f", "water", "pv"), at(3, 16, 9), at(3, 18, 14)),
    Gap(of("f", "grid"), at(3, 16, 9), at(3, 19, 9)),
    Gap(of("a", "pv"), at(3, 17, 9), at(3, 17, 15)),
    Gap(of("d"), at(7, 20, 22), at(7, 21, 10)),
    Gap(of("d"), at(7, 28, 22), at(7, 29, 3)),
    *_nights("b-grid", at(9, 2), at(10, 1)),
    Gap(of("b", "pv"), at(10, 2, 15), at(10, 4, 6)),
    Gap(of("acdefg"), at(10, 2, 21), at(10, 4, 6)),
    Gap(of("b", "grid", "water"), at(10, 2, 21), at(10, 4, 6)),
)
FOUND = (
    Found("water.leak", "warning", "e-water/m3", at(3, 5, 6), at(3, 9, 12)),
    Found("job_failed", "critical", "green_forecast", at(12, 3, 10), at(12, 3, 14)),
    Found("job_failed", "critical", "month_items", at(12, 5, 10), at(12, 5, 11)),
    Found("validation.sum", "critical", "g-grid/kwh", at(12, 8, 8), at(12, 10, 16)),
    Found("water.leak", "warning", "a-water/m3", at(12, 15, 10), at(12, 21, 10)),
)
MAINTENANCE = (Quieted(at(3, 16, 8), at(3, 18, 18), "f", "overhaul"),)
SILENCES = (
    Quieted(at(3, 13, 9), at(3, 24, 9), "a", "pump is ordered", rule="water_saving"),
    Quieted(at(3, 17, 8), at(3, 17, 20), "a", "inverter", rule="meter_silent", about="a-pv"),
)

EXPECTED = (
    Expected("single meter silent for 30 h", "meter_silent", "b", at(1, 12, 11), at(1, 13, 15),
             "b-water"),
    Expected("energy use rises, twice, and recovers", "energy_saving", "b", at(1, 19, 10),
             at(2, 5, 10)),
    Expected("energy use up and down across both limits, four weeks", "energy_saving", "c",
             at(2, 23, 10), at(3, 23, 10), alerts=2, hold_h=48, ack_h=None, escalates=True),
    Expected("water use around the limit, three weeks", "water_saving", "d", at(3, 2, 10),
             at(3, 20, 10)),
    Expected("leak", "water_leak", "e", at(3, 5, 6), at(3, 9, 12), "water.leak:e-water/m3"),
    Expected("broker outage of 8 h", "park_silent", PARK, at(3, 10, 3), at(3, 10, 10),
             severity="critical", hold_h=1, escalates=True),
    Expected("one meter stays dead after the outage", "meter_silent", "e", at(3, 10, 11),
             at(3, 11, 16), "e-pv", escalates=True),
    Expected("water use rises; a person silences it", "water_saving", "a", at(3, 12, 10),
             at(3, 26, 10), ack_h=280),
    Expected("one meter stays dead after the maintenance", "meter_silent", "f", at(3, 18, 18),
             at(3, 19, 9), "f-grid", severity="critical", escalates=True),
    Expected("energy use drifts below its target", "energy_drift", "f", at(4, 15, 10),
             at(4, 27, 10), hold_h=24),
    Expected("goal gets improbable, nobody acknowledges", "green_forecast", "a", at(4, 23),
             at(8, 20), ack_h=None, escalates=True),
    Expected("green share below the path, four months", "green_share_ytd", "a", at(5, 10, 9),
             at(9, 10, 9), ack_h=3),
    Expected("power factor of May, nobody acknowledges", "power_factor", "g", at(6, 5, 10),
             at(7, 5, 10), ack_h=None, escalates=True),
    Expected("green share of the park below the path", "green_share_ytd", PARK, at(6, 10, 9),
             at(8, 10, 9), ack_h=3),
    Expected("water use rises, acknowledged quickly", "water_saving", "d", at(6, 15, 10),
             at(7, 6, 10), ack_h=1),
    Expected("an enterprise loses its network for a night", "enterprise_silent", "d",
             at(7, 20, 23), at(7, 21, 10), hold_h=1),
    Expected("demand above 95 %, later above 105 %", "demand_ratio", "c", at(8, 12, 14),
             at(9, 1), ack_h=1),
    Expected("meter silent before the second outage", "meter_silent", "b", at(10, 2, 17),
             at(10, 4, 6), "b-pv", ack_h=None),
    Expected("broker outage of 33 h over the holiday", "park_silent", PARK, at(10, 2, 22),
             at(10, 4, 6), severity="critical", hold_h=1, escalates=True),
    Expected("wrong data, corrected after a day", "energy_saving", "d", at(10, 20, 10),
             at(10, 21, 15)),
    Expected("late data show what was hidden", "energy_saving", "g", at(11, 10, 14),
             at(11, 17, 10)),
    Expected("wrong data for four days, corrected at once", "energy_saving", "a", at(11, 16, 10),
             at(11, 20, 11), severity="critical"),
    Expected("a job fails", "job_failed", PARK, at(12, 3, 11), at(12, 3, 14), "green_forecast",
             severity="critical", ack_h=1),
    Expected("critical data problem", "data_finding", "g", at(12, 8, 8), at(12, 10, 16),
             "validation.sum:g-grid/kwh", severity="critical", ack_h=1),
    Expected("three things at once: energy", "energy_saving", "a", at(12, 15, 10),
             at(12, 21, 10)),
    Expected("three things at once: water", "water_saving", "a", at(12, 15, 10), at(12, 21, 10)),
    Expected("three things at once: leak", "water_leak", "a", at(12, 15, 10), at(12, 21, 10),
             "water.leak:a-water/m3"),
    Expected("energy use rises, open at the end of the year", "energy_saving", "b",
             at(12, 24, 10), None),
)  # fmt: skip

_METERS = ("meter_silent", "enterprise_silent")
QUIET = (
    Quiet("drift while the target is missed anyway", at(1, 19), at(2, 20), "b", ("energy_drift",)),
    Quiet("two readings missing every night", at(1, 20), at(2, 20), "d", _METERS),
    Quiet("meters during the first outage", at(3, 10), at(3, 10, 14), ALL, _METERS),
    Quiet("overhaul: meters and use per tonne", at(3, 16), at(3, 18, 18), "f"),
    Quiet("incomplete weeks look bad", at(3, 16), at(4, 10), "fg", ("energy_saving",)),
    Quiet("silenced inverter", at(3, 17), at(3, 18), "a", _METERS),
    Quiet("needed share while the forecast says so", at(4, 1), at(10, 1), "a",
          ("green_required_rate",)),
    Quiet("an outage that is over before morning", at(7, 28), at(7, 30), "d", _METERS),
    Quiet("September: a month just under every limit", at(9, 2), at(10, 1)),
    Quiet("meters during the second outage", at(10, 2, 20), at(10, 5), "acdefg", _METERS),
    Quiet("drift of what was corrected", at(10, 20), at(12, 1), "adg", ("energy_drift",)),
    Quiet("a job fails once", at(12, 5), at(12, 6), PARK),
)  # fmt: skip


def script_park() -> Park:
    """The park of the script; limits are the program's own, what it has none for is set here."""
    return parse_park(
        {
            "key": "year",
            "name": {"zh": "剧本园区", "en": "Script park"},
            "simulated": True,
            "goal": {"year": 2026, "start_ratio": GOAL_START, "year_end_ratio": GOAL_END},
            "contacts": CONTACTS[PARK],
            "rules": {"tune": {"power_factor": {"warn": 0.90}}},
            "maintenance": [
                {
                    "start": window.start,
                    "stop": window.stop,
                    "enterprise": window.enterprise,
                    "reason": window.reason,
                }
                for window in MAINTENANCE
            ],
            "enterprises": [_enterprise(key) for key in ALL],
        },
        "bench",
    )


def _enterprise(key: str) -> dict[str, Any]:
    energy = {"quantity": "active_energy", "unit": "kWh", "kind": "register"}
    water = {"quantity": "water_volume", "unit": "m3", "kind": "register", "role": "water_intake"}
    channels = {
        "grid": {"kwh": energy | {"role": "grid_import"}},
        "water": {"m3": water | {"period_s": 900}},
        "pv": {"kwh": energy | {"role": "onsite_pv"}},
    }
    return {
        "key": key,
        "name": {"zh": f"企业{key.upper()}", "en": f"Enterprise {key.upper()}"},
        "contacts": CONTACTS[key],
        "targets": {"energy_intensity_kwh_per_t": 100, "water_intensity_m3_per_t": 100},
        "meters": [
            {"key": f"{key}-{kind}", "name": {"zh": kind, "en": kind}, "channels": channels[kind]}
            for kind in METERS
        ],
    }
