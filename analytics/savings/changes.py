"""Faults of a meter that look like a saving: units, ratios, phases, stuck and wild values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.savings.baseline import Baseline
from analytics.savings.drivers import Array
from analytics.savings.frame import Frame
from analytics.savings.project import Granularity, Limits, MeterRecord, Project
from analytics.savings.steps import Step, beats_break, find_step

# Name of a fault and its factor; each is tried upside down too.
KNOWN = {
    "kWh and Wh, MWh, or m3 and L": 1000.0,
    "kWh and MJ": 3.6,
    "therm and kWh": 29.3071,
    "m3 and ft3": 35.3147,
    "gal and L": 3.78541,
    "m3 and gal": 264.172,
    "transformer ratio 10": 10.0,
    "transformer ratio 5": 5.0,
    "transformer ratio 4": 4.0,
    "transformer ratio 2": 2.0,
    "transformer ratio 1.5, or two phases of three": 1.5,
    "one phase of three": 3.0,
}
NEAR = 0.15  # a saving of some percent may stand on top
APART = 1.15  # ours: parts that share a ratio; wider where scatter alone sets them apart
STUCK = {"day": 7, "month": 3}
WILD = 10.0
BESIDE = pd.Timedelta(days=7)
FOREIGN = 4.0  # log likelihood over a break at commissioning; ours


@dataclass(frozen=True)
class Jump:
    """Reporting over expected use, in all and in parts: thirds of rising expectation, days off.

    A constant ratio over base load and extremes is what a wrong factor makes.
    """

    ratio: float
    parts: tuple[float, ...]
    apart: float = APART

    @property
    def constant(self) -> bool:
        """Whether the parts share the ratio; a flat load cannot show otherwise."""
        return max(self.parts) <= self.apart * min(self.parts)

    def beyond(self, limits: Limits) -> bool:
        """Whether it is too large to be taken for a change of use without a record."""
        return not 1 / limits.commissioning_ratio <= self.ratio <= limits.commissioning_ratio


def nearest_fault(ratio: float) -> str:
    """Known factor near a ratio, for the sentence of a refusal; empty if none is."""
    if ratio <= 0:
        return ""
    distance = {
        f"{name} (x {factor**sign:.4g})": abs(np.log(ratio) - sign * np.log(factor))
        for name, factor in KNOWN.items()
        for sign in (1, -1)
    }
    name, least = min(distance.items(), key=lambda item: item[1])
    return f", near {name}" if least < np.log1p(NEAR) else ""


def jump(use: Array, expected: Array, off: Array, scatter: float = 0.0) -> Jump:
    """The ratio of a reporting period to its expectation.

    Args:
        use, expected: of the periods, (periods,) each.
        off: 1 on days off, (periods,).
        scatter: standard error of a third's ratio, share; three of the difference are allowed.
    """
    order = np.argsort(expected, kind="stable")
    ratios = []
    for part in (*np.array_split(order, 3), np.flatnonzero(off > 0), np.flatnonzero(off == 0)):
        total = float(expected[part].sum())
        if len(part) >= len(use) / 5:
            ratios.append(max(float(use[part].sum()) / total, 1e-9) if total > 0 else np.inf)
    apart = max(APART, float(np.exp(3 * np.sqrt(2) * scatter)))
    return Jump(float(use.sum() / expected.sum()), tuple(ratios), apart)


def at_commissioning(project: Project, reporting: Frame, baseline: Baseline) -> Iterator[str]:
    """Refuse a jump that no measure explains, unless a handled record covers it.

    A factor between 1/1.4 and 1.4 at commissioning cannot be told from a saving by the numbers
    alone (a true saving of 10 % is a constant ratio of 0.9); there the record is all there is.
    Up to a factor of 4, a ratio that differs between base load and extremes is believed.
    """
    expected = baseline.predict(reporting) * reporting.known_days
    if expected.sum() <= 0:
        yield "baseline.negative: the baseline expects no use under the reporting conditions"
        return
    found = jump(
        reporting.use * reporting.known_days,
        expected,
        reporting.off[reporting.known] * reporting.calendar,
        _third_scatter(baseline, len(expected)),
    )
    span = (project.baseline.stop, project.reporting.start)
    if any(r.handled and span[0] <= r.on <= span[1] for r in project.meter_changes):
        return
    if found.beyond(project.limits) and (found.constant or not 0.25 <= found.ratio <= 4):
        yield (
            f"meter.scale: reporting is {found.ratio:.4g} times the expected use, in base load"
            f" and extremes alike{nearest_fault(found.ratio)}; a record of the meter is needed"
        )


def _third_scatter(baseline: Baseline, periods: int) -> float:
    """Standard error of the mean of a third of so many periods, share."""
    found = baseline.statistics
    independent = periods / 3 * found.effective_points / found.points
    return found.cv_rmse / float(np.sqrt(max(independent, 1.0)))


def inside(project: Project, name: str, frame: Frame, design: Array) -> tuple[list[str], list[str]]:
    """Refusals and remarks about a step inside a period.

    Small steps, and those below 1.4 that go back by themselves, are remarked only.
    """
    step = find_step(frame.use, design, frame.known_index)
    if step is None or not step.certain or _declared(step, project.meter_changes):
        return [], []
    said = (
        f"meter.step: {name} is {step.ratio:.4g} times its former level from {step.on.date()} on"
        f"{nearest_fault(step.ratio)} (sup-F {step.statistic:.0f})"
    )
    if not step.lasting:
        said += ", for a time"
    limits = project.limits
    limit = limits.step_ratio if step.lasting else limits.commissioning_ratio
    if abs(np.log(step.ratio)) < np.log(limit):
        return [], [said]
    return [f"{said}; a meter record or an adjustment is needed"], []


def across(project: Project, before: Frame, after: Frame, model: Baseline) -> Iterator[str]:
    """A step away from commissioning that explains both periods better than any measure.

    Within one year a step in spring looks much like a season; the other year tells them apart.
    """
    use = np.concatenate([before.use, after.use])
    design = np.vstack([before.design(model.terms), after.design(model.terms)])
    index = pd.DatetimeIndex([*before.known_index, *after.known_index])
    step = find_step(use, design, index)
    if step is None or not step.certain or _declared(step, project.meter_changes):
        return
    gap = (project.commissioned.start, project.reporting.start)
    near = pd.Timestamp(gap[0]) - BESIDE <= step.on <= pd.Timestamp(gap[1]) + BESIDE
    if near or abs(np.log(step.ratio)) < np.log(project.limits.step_ratio):
        return
    if beats_break(use, design, index, step, len(before.use)) > FOREIGN:
        yield (
            f"meter.step: a step to {step.ratio:.4g} on {step.on.date()} explains both periods"
            f" better than a measure at commissioning{nearest_fault(step.ratio)}; a meter record or"
            " an adjustment is needed"
        )


def unhandled(project: Project) -> Iterator[str]:
    """Declared changes within the periods whose factor is not handled."""
    for record in project.meter_changes:
        if not record.handled and project.baseline.start <= record.on < project.reporting.stop:
            yield f"meter.declared: change of {record.on} is not handled in the values"


def faults(name: str, frame: Frame, granularity: Granularity) -> Iterator[str]:
    """Negative, wild and stuck values of a period."""
    use = frame.use
    if (use < 0).any():
        yield f"meter.negative: {name} has {int((use < 0).sum())} negative values"
    high = WILD * float(np.quantile(use, 0.95))
    if high > 0 and (use > high).any():
        first = frame.known_index[int(np.argmax(use > high))].date()
        yield f"meter.wild: {name} has values above {WILD:g} times its usual peak, first {first}"
    length, start = longest_run(use)
    same = float((np.diff(use) == 0).mean()) if len(use) > 1 else 0.0
    # What a coarse register repeats by chance: n * share^(length - 1) stays below 1e-3.
    others = (same * len(use) - length) / max(len(use) - length, 1)
    by_chance = len(use) * max(others, 1e-3) ** (length - 1)
    if length >= STUCK[granularity] and (by_chance < 1e-3 or length > len(use) / 2):
        day = frame.known_index[start].date()
        yield f"meter.stuck: {name} shows {use[start]:.6g} {length} times in a row from {day} on"


def longest_run(use: Array) -> tuple[int, int]:
    """Length and start of the longest run of one value other than zero."""
    best, start = (0, 0), 0
    for k in range(1, len(use) + 1):
        if k == len(use) or use[k] != use[start]:
            if use[start] != 0:
                best = max(best, (k - start, start), key=lambda run: run[0])
            start = k
    return best


def silent(name: str, frame: Frame, expected: Array, granularity: Granularity) -> Iterator[str]:
    """Zeros in a row where the model expects at least half of the mean use."""
    zero = frame.use == 0
    run = 0
    for k, is_zero in enumerate(zero):
        run = run + 1 if is_zero and expected[k] > 0.5 * expected.mean() else 0
        if run == STUCK[granularity]:
            start = frame.known_index[k - run + 1].date()
            yield f"meter.zero: {name} shows nothing from {start} on where use is expected"


def _declared(step: Step, records: tuple[MeterRecord, ...]) -> bool:
    return any(r.handled and abs(step.on - pd.Timestamp(r.on)) <= BESIDE for r in records)
