"""What is noticed on the way from a register to amounts, as findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analytics.metering.buckets import Bools, Floats, Starts, noticed
from analytics.metering.departures import Decided
from analytics.metering.devices import Facts
from models.findings import Finding, Severity
from models.periods import from_s

if TYPE_CHECKING:
    from analytics.metering.registers import RegisterSpec

Span = tuple[float, float]


def replacements(spec: RegisterSpec, span: Span) -> list[Finding]:
    """Declared replacements that begin in the span."""
    meaning = (
        "declared replacement of the meter: the old register ends, the new one begins; without "
        "its final and start reading the time between the readings around it stays missing"
    )
    return [
        noticed(
            "register.replacement",
            Severity.INFO,
            r.at_s,
            r.at_s,
            {
                "final_reading": r.final_reading,
                "start_reading": r.start_reading,
                "unit": spec.unit,
                "meaning": meaning,
            },
        )
        for r in spec.installations
        if r.replaced and span[0] <= r.at_s < span[1]
    ]


def departures(
    t: Floats, x: Floats, decided: Decided, spec: RegisterSpec, span: Span
) -> list[Finding]:
    """Departures that came back, and the fall that cannot be told yet."""
    found = []
    for first, last in decided.glitches:
        if span[0] <= t[first] < span[1]:
            gone = x[first : last + 1]
            evidence = {
                "readings": last + 1 - first,
                "value": float(gone[0]),
                "lowest": float(gone.min()),
                "highest": float(gone.max()),
                "before": float(x[first - 1]),
                "after": float(x[last + 1]),
                "unit": spec.unit,
                "meaning": "the register left its course and came back: these readings are passed "
                "over, the total is kept",
            }
            found.append(noticed("register.glitch", Severity.WARNING, t[first], t[last], evidence))
    if decided.held is not None and span[0] <= t[decided.held] < span[1]:
        i = decided.held
        before = int(np.flatnonzero(decided.kept)[-1])
        evidence = {
            "before": float(x[before]),
            "value": float(x[i]),
            "readings": len(x) - i,
            "unit": spec.unit,
            "meaning": "the register fell and it cannot be told yet whether it returns or counts "
            "on: nothing after the fall is used until more readings decide",
        }
        found.append(noticed("register.held", Severity.WARNING, t[i], t[-1], evidence))
    return found


def falls(
    t: Floats,
    x: Floats,
    flags: tuple[Bools, Bools],
    amount: Floats,
    spec: RegisterSpec,
    span: Span,
) -> list[Finding]:
    """Roll-overs and undeclared resets (the two flags) among the readings that count."""
    found = []
    wraps, breaks = flags
    for i in np.flatnonzero(wraps | breaks):
        if not span[0] <= t[i] < span[1]:
            continue
        evidence = {
            "old": float(x[i - 1]),
            "new": float(x[i]),
            "unit": spec.unit,
            "since": from_s(t[i - 1]).isoformat(),
        }
        if wraps[i]:
            evidence |= {
                "amount": float(amount[i - 1]),
                "meaning": "the register passed the end of its display and began anew: the amount "
                "across it is measured",
            }
            found.append(noticed("register.rollover", Severity.INFO, t[i], t[i], evidence))
        else:
            evidence["meaning"] = (
                "the register fell, is no roll-over, and counts on from there: undeclared reset or "
                "replacement; the time of the fall stays missing"
            )
            found.append(noticed("register.reset", Severity.WARNING, t[i], t[i], evidence))
    return found


def impossible(
    t: Floats, x: Floats, steps: Starts, spec: RegisterSpec, span: Span
) -> list[Finding]:
    """Rises that rated power forbids."""
    meaning = (
        "the register rose by more than rated power allows since it last changed: not measured, "
        "the quarter-hours of the step stay missing; is the multiplier or the rated power wrong?"
    )
    return [
        noticed(
            "register.impossible_rise",
            Severity.CRITICAL,
            t[i + 1],
            t[i + 1],
            {
                "old": float(x[i]),
                "new": float(x[i + 1]),
                "unit": spec.unit,
                "since": from_s(t[i]).isoformat(),
                "meaning": meaning,
            },
        )
        for i in steps
        if span[0] <= t[i + 1] < span[1]
    ]


def catch_ups(
    t: Floats,
    x: Floats,
    step: Floats,
    late: Sequence[tuple[int, int]],
    spec: RegisterSpec,
    facts: Facts,
    span: Span,
) -> list[Finding]:
    """Standstills whose energy came in one step."""
    found = []
    for first, after in late:
        if t[after] > span[0] and t[first] < span[1]:
            factor = facts.factor[facts.before(t[after : after + 1])[0]]
            evidence = {
                "old": float(x[first]),
                "new": float(x[after]),
                "unit": spec.unit,
                "amount": float(step[after - 1] * factor),
                "frozen_s": float(t[after - 1] - t[first]),
                "meaning": "the register stood still and then jumped: the total is measured, its "
                "distribution over the standstill is estimated",
            }
            found.append(
                noticed("register.catch_up", Severity.WARNING, t[first], t[after], evidence)
            )
    return found


def overlapping(t: Floats, steps: Starts, span: Span) -> list[Span]:
    """(start, stop) of the steps that overlap the span."""
    near = steps[(t[steps + 1] > span[0]) & (t[steps] < span[1])]
    return [(float(t[i]), float(t[i + 1])) for i in near]


def gaps(pauses: Sequence[Span], spec: RegisterSpec) -> list[Finding]:
    """Pauses whose total is measured and whose shape is estimated."""
    meaning = "no reading in between: the total is measured, its shape is estimated"
    return [
        noticed(
            "interval.gap",
            Severity.INFO,
            start,
            stop,
            {"gap_s": stop - start, "nominal_period_s": spec.period_s, "meaning": meaning},
        )
        for start, stop in pauses
    ]
