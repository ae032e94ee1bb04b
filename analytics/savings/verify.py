"""The whole: data in, a saving with its uncertainty or a refusal with its reasons out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analytics.savings import acceptance, changes
from analytics.savings.acceptance import Statistics
from analytics.savings.baseline import Baseline, choose
from analytics.savings.frame import COOLING, HEATING, ONE, Frame
from analytics.savings.project import Project
from analytics.savings.uncertainty import MONTH_DAYS, Uncertainty, uncertainty


@dataclass(frozen=True)
class SavingResult:
    """Answer to a project.

    Attributes:
        saved: expected minus measured plus adjustments [unit of the meter], for the complete
            reporting periods only; None when refused.
        estimate: the same number where baseline and meter were good enough to calculate it but
            the saving itself was refused, as it is not distinguishable from zero or negative;
            unverified, never to be reported as a saving. Equals `saved` when accepted.
        uncertainty: +- at 68 % and 90 % confidence [unit of the meter].
        fsu: uncertainty at 68 % over the saving, share.
        expected, measured: of the complete reporting periods [unit of the meter].
        formula: the baseline per day. t_values: by its columns.
        heating_degc, cooling_degc: balance points [degC].
        refusals: `code: sentence`, empty when accepted. remarks: what does not refuse.
    """

    measure: str
    saved: float | None
    estimate: float | None
    uncertainty: Uncertainty | None
    fsu: float | None
    expected: float | None
    measured: float | None
    formula: str
    t_values: dict[str, float]
    heating_degc: float | None
    cooling_degc: float | None
    statistics: Statistics | None
    refusals: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether the saving may be reported."""
        return not self.refusals


def verify(project: Project) -> SavingResult:
    """Judge data, meter, baseline, conditions and saving, in this order.

    Everything wrong with the data or the meter is said at once; a number is only calculated when
    nothing is. A saving below twice its standard error (uncertainty above 50 % at 68 %) is
    refused as not distinguishable from zero and kept as `estimate`.

    Gaps: a period without use, driver or temperature counts on neither side; nothing is scaled
    up to whole periods.

    Source: IPMVP Core Concepts 2022 options B and C; ASHRAE Guideline 14-2014, 4.3.2.1.
    """
    before, after = Frame(project, project.baseline), Frame(project, project.reporting)
    wrong = [*_data(project, before, after), *changes.unhandled(project)]
    if any(w.startswith("data.few") for w in wrong):
        return _refused(project, None, wrong, [])
    for name, frame in (("baseline", before), ("reporting", after)):
        wrong.extend(changes.faults(name, frame, project.granularity))
    if not before.use.sum() > 0:
        return _refused(project, None, [*wrong, "data.zero: the baseline uses nothing"], [])
    model = choose(before, project.granularity)
    remarks = list(_remarks(project, model))
    for name, frame in (("baseline", before), ("reporting", after)):
        refused, remarked = changes.inside(project, name, frame, _seen(frame, model))
        wrong.extend(refused)
        remarks.extend(remarked)
        wrong.extend(changes.silent(name, frame, model.predict(frame), project.granularity))
    if not any(w.startswith("meter.step") for w in wrong):
        wrong.extend(changes.across(project, before, after, model))
    wrong.extend(changes.at_commissioning(project, after, model))
    months = project.reporting.days / MONTH_DAYS
    wrong.extend(acceptance.refusals(model.statistics, project.limits, months))
    wrong.extend(_beyond(project, model, before, after))
    if wrong:
        return _refused(project, model, wrong, remarks)
    return _judged(project, model, after, remarks)


def _data(project: Project, before: Frame, after: Frame) -> Iterator[str]:
    """Too few data: share of complete periods, number, a full cycle of the year."""
    limits = project.limits
    for name, frame in (("baseline", before), ("reporting", after)):
        if frame.coverage() < limits.coverage:
            yield (
                f"data.gaps: {name} has {frame.coverage():.1%} complete periods, at least"
                f" {limits.coverage:.0%} are needed"
            )
    fewest = limits.days if project.granularity == "day" else limits.points
    if len(before.use) < max(fewest, 3 * (len(before.drivers) + 3)) or len(after.use) < 3:
        yield (
            f"data.few: {len(before.use)} complete periods in the baseline (at least {fewest}),"
            f" {len(after.use)} in the reporting period (at least 3)"
        )
    if project.temperature_degc is not None and project.baseline.days < limits.cycle_days:
        yield f"data.cycle: a baseline of {project.baseline.days} d has not seen every season"


def _remarks(project: Project, model: Baseline) -> Iterator[str]:
    found, limits = model.statistics, project.limits
    if found.r2 is None:
        yield "baseline.flat: no driver explains the use; R2 says nothing, CV(RMSE) judges"
    elif found.r2 <= limits.r2_guide:
        yield f"baseline.r2: R2 {found.r2:.2f}, IPMVP's guide value is above {limits.r2_guide}"
    for name, t in zip(model.terms.columns, model.t_values, strict=True):
        if name != ONE and abs(t) < limits.t_guide:
            yield f"baseline.t: |t| of {name} is {abs(t):.1f}, IPMVP's guide value is 2"


def _seen(frame: Frame, model: Baseline) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Columns of the model that vary in this frame, so that it can be fitted anew."""
    design = frame.design(model.terms)
    varies = np.ptp(design, axis=0) > 0
    varies[model.terms.columns.index(ONE)] = True
    return np.asarray(design[:, varies], dtype=float)


def _beyond(project: Project, model: Baseline, before: Frame, after: Frame) -> Iterator[str]:
    """Reporting conditions more than 10 % beyond the baseline's range, in over 5 % of periods.

    Source: IPMVP Core Concepts 2022 (range of validity); share of periods: ours.
    """
    limits = project.limits
    known, asked = before.design(model.terms), after.design(model.terms)
    for k, name in enumerate(model.terms.columns):
        low, high = known[:, k].min(), known[:, k].max()
        margin = limits.beyond_range * (high - low)
        outside = (asked[:, k] < low - margin) | (asked[:, k] > high + margin)
        if outside.mean() > limits.beyond_share:
            yield (
                f"conditions.beyond: {name} of {outside.mean():.0%} of the reporting periods is"
                f" beyond the baseline's {low:.4g} to {high:.4g}"
            )
    for name in set(before.drivers) - set(model.terms.columns):
        if np.ptp(before.table[name][before.known]) == 0:
            level = before.table[name][before.known].iloc[0]
            if (after.table[name][after.known] != level).mean() > limits.beyond_share:
                yield f"conditions.beyond: {name} was {level:.4g} in all of the baseline"


def _judged(project: Project, model: Baseline, after: Frame, remarks: list[str]) -> SavingResult:
    expected = float((model.predict(after) * after.known_days).sum())
    measured = float((after.use * after.known_days).sum())
    estimate = expected - measured + sum(a.amount for a in project.adjustments)
    months = project.reporting.days / MONTH_DAYS
    spread = uncertainty(model, after, project.granularity, months)
    fsu = spread.at_68 / abs(estimate) if estimate else float("inf")
    refusals = []
    if fsu >= project.limits.fsu:
        refusals.append(
            f"saving.indistinct: {estimate:.6g} is not distinguishable from zero, uncertainty"
            f" {spread.at_68:.4g} at 68 %"
        )
    elif estimate < 0:
        refusals.append(f"saving.negative: use has risen by {-estimate:.6g}")
    base = _refused(project, model, refusals, remarks)
    return SavingResult(
        **base.__dict__
        | {
            "saved": None if refusals else estimate,
            "estimate": estimate,
            "uncertainty": spread,
            "fsu": fsu,
            "expected": expected,
            "measured": measured,
        }
    )


def _refused(
    project: Project, model: Baseline | None, refusals: list[str], remarks: list[str]
) -> SavingResult:
    names = model.terms.columns if model else ()
    return SavingResult(
        measure=project.measure,
        saved=None,
        estimate=None,
        uncertainty=None,
        fsu=None,
        expected=None,
        measured=None,
        formula=model.formula() if model else "",
        t_values=dict(zip(names, map(float, model.t_values), strict=True)) if model else {},
        heating_degc=model.terms.heating_degc if model and HEATING in names else None,
        cooling_degc=model.terms.cooling_degc if model and COOLING in names else None,
        statistics=model.statistics if model else None,
        refusals=tuple(refusals),
        remarks=tuple(remarks),
    )
