"""Data quality and operation: who is silent, what does not fit, what does not run."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta

from models.findings import Severity
from models.verdicts import Outcome, Verdict
from rules.judge import Rule, against_limits, findings, gone, graded, verdict
from rules.snapshot import Heard, Restated, Snapshot, Subject, worst

_PERIODS = 4
_FEWEST_S = 3600.0
_FORGOTTEN_H = 24 * 30.0  # silent for longer: nobody waits for it as part of the park


def _silent_h(snapshot: Snapshot, heard: Heard) -> float | None:
    """Hours since a meter was last heard if that is too long, 0 if not; None: never heard."""
    if heard.last_at is None:
        return None
    silent_s = (snapshot.now - heard.last_at).total_seconds()
    return silent_s / 3600 if silent_s > max(_PERIODS * heard.period_s, _FEWEST_S) else 0.0


def meter_silent(snapshot: Snapshot) -> Iterator[Verdict]:
    """A meter that was heard before says nothing for four of its periods and `warn` hours."""
    standing: set[tuple[Subject, str]] = set()
    for heard in snapshot.heard:
        silent_h = _silent_h(snapshot, heard)
        if silent_h is None or heard.last_at is None:
            continue
        rule = snapshot.rule("meter_silent", heard.enterprise_id)
        severity = worst(silent_h, rule) if silent_h else None
        standing.add((heard.enterprise_id, heard.meter))
        evidence = _silence(silent_h, rule.warn) | {
            "last_at": heard.last_at.isoformat(),
            "meter": heard.meter,
        }
        yield verdict(
            snapshot,
            rule,
            heard.enterprise_id,
            Outcome.BREACH if severity else Outcome.CLEAR,
            evidence,
            severity or Severity.WARNING,
            heard.meter,
        )
    yield from gone(snapshot, "meter_silent", standing)


def enterprise_silent(snapshot: Snapshot) -> Iterator[Verdict]:
    """Every meter of an enterprise (of two or more) is silent."""
    meters = defaultdict(list)
    for heard in snapshot.heard:
        if (silent_h := _silent_h(snapshot, heard)) is not None:
            meters[heard.enterprise_id].append((silent_h, heard.last_at))
    for subject, silences in meters.items():
        if len(silences) < 2:
            continue
        rule = snapshot.rule("enterprise_silent", subject)
        shortest, last_at = min(silences, key=lambda s: s[0])
        severity = worst(shortest, rule) if shortest else None
        evidence = _silence(shortest, rule.warn) | {"meters": len(silences)}
        if last_at is not None:
            evidence["last_at"] = last_at.isoformat()
        outcome = Outcome.BREACH if severity else Outcome.CLEAR
        yield verdict(snapshot, rule, subject, outcome, evidence, severity or Severity.WARNING)


def park_silent(snapshot: Snapshot) -> Iterator[Verdict]:
    """Most meters of two or more enterprises are silent: broker or network, not the meters.

    `warn` is the silent part of the meters that were heard within 30 days.
    """
    rule = snapshot.rule("park_silent", None)
    known = [
        (silent_h, heard)
        for heard in snapshot.heard
        if (silent_h := _silent_h(snapshot, heard)) is not None and silent_h <= _FORGOTTEN_H
    ]
    enterprises = {heard.enterprise_id for _, heard in known}
    if len(enterprises) < 2 or len(known) < 3:
        return
    silent = [(silent_h, heard) for silent_h, heard in known if silent_h]
    ratio = len(silent) / len(known)
    spread = {heard.enterprise_id for _, heard in silent}
    hit = rule.warn is not None and ratio >= rule.warn and len(spread) >= 2
    evidence = {
        "value": ratio,
        "target": rule.warn,
        "unit": "ratio",
        "meters": len(silent),
        "of_meters": len(known),
    }
    if silent:
        newest = max(heard.last_at for _, heard in silent if heard.last_at is not None)
        evidence |= {"last_at": newest.isoformat(), "silent_h": min(h for h, _ in silent)}
    outcome = Outcome.BREACH if hit else Outcome.CLEAR
    yield verdict(snapshot, rule, None, outcome, evidence, Severity.CRITICAL)


def collector_silent(snapshot: Snapshot) -> Iterator[Verdict]:
    """A collector left no sign of life for `warn` minutes; not asked where clocks are simulated.

    One alert for all of them: their names are secret, whoever knows one can take its session.
    """
    if snapshot.collectors is None:
        return
    if not snapshot.collectors:  # retired: nobody is expected to report
        yield from gone(snapshot, "collector_silent", set())
        return
    rule = snapshot.rule("collector_silent", None)
    most = max(snapshot.collectors, key=lambda c: c.silent_s)
    limit_s = 60 * (rule.warn if rule.warn is not None else math.inf)
    evidence = {
        "value": round(most.silent_s / 60, 1),
        "target": rule.warn,
        "unit": rule.unit,
        "last_at": most.last_at.isoformat(),
        "found": {
            "silent": sum(c.silent_s > limit_s for c in snapshot.collectors),
            "collectors": len(snapshot.collectors),
        },
    }
    yield graded(snapshot, rule, None, most.silent_s / 60, evidence)


def restatement_large(snapshot: Snapshot) -> Iterator[Verdict]:
    """Energy of past days that changed within seven days by more than `warn` and `at_least` kWh.

    The change is a part of the larger of both amounts. One alert per meter, about the channel that
    changed most. Edits and late corrections count, first values of empty quarter-hours do not.
    """
    standing: dict[tuple[Subject, str], tuple[float, Restated]] = {}
    for seen in snapshot.restated:
        rule = snapshot.rule("restatement_large", seen.enterprise_id)
        change_kwh = abs(seen.new_kwh - seen.old_kwh)
        part = change_kwh / max(abs(seen.old_kwh), abs(seen.new_kwh), 1e-9)
        key = (seen.enterprise_id, seen.meter)
        worse = key not in standing or part > standing[key][0]
        if change_kwh >= rule.at_least and worst(part, rule) and worse:
            standing[key] = (part, seen)
    for (subject, meter), (part, seen) in standing.items():
        rule = snapshot.rule("restatement_large", subject)
        evidence = {
            "value": part,
            "target": rule.warn if rule.warn is not None else rule.critical,
            "unit": rule.unit,
            "period_start": seen.first_day.isoformat(),
            "period_stop": (seen.last_day + timedelta(days=1)).isoformat(),
            "limit_source": rule.source,
            "found": {
                "channel": seen.channel,
                "old_kwh": round(seen.old_kwh, 1),
                "new_kwh": round(seen.new_kwh, 1),
                "quarter_hours": seen.quarters,
                "reasons": seen.reasons,
            },
        }
        yield graded(snapshot, rule, subject, part, evidence, meter)
    yield from gone(snapshot, "restatement_large", set(standing))


def _silence(silent_h: float, limit_h: float | None) -> dict[str, object]:
    return {"value": round(silent_h, 2), "target": limit_h, "unit": "h", "silent_h": silent_h}


def mail_undeliverable(snapshot: Snapshot) -> Iterator[Verdict]:
    """Messages to a recipient were refused for good within the last seven days."""
    standing: set[tuple[Subject, str]] = set()
    for lost in snapshot.undelivered:
        standing.add((None, lost.recipient))
        rule = snapshot.rule("mail_undeliverable", None)
        evidence = {
            "value": float(lost.failed),
            "target": rule.warn,
            "unit": "",
            "recipient": lost.recipient,
            "found": {"error": lost.error},
        }
        yield verdict(
            snapshot, rule, None, Outcome.BREACH, evidence, Severity.WARNING, lost.recipient
        )
    yield from gone(snapshot, "mail_undeliverable", standing)


def job_failed(snapshot: Snapshot) -> Iterator[Verdict]:
    """The last run of a job ended with an error."""
    standing: set[tuple[Subject, str]] = set()
    for job in snapshot.jobs:
        if job.error:
            standing.add((None, job.name))
            rule = snapshot.rule("job_failed", None)
            evidence = {
                "value": None,
                "target": None,
                "unit": "",
                "last_at": job.seen_at.isoformat(),
                "found": {"job": job.name, "error": job.error[:500]},
            }
            yield verdict(
                snapshot, rule, None, Outcome.BREACH, evidence, Severity.CRITICAL, job.name
            )
    yield from gone(snapshot, "job_failed", standing)


RULES: Mapping[str, Rule] = {
    "collector_silent": collector_silent,
    "park_silent": park_silent,
    "enterprise_silent": enterprise_silent,
    "meter_silent": meter_silent,
    "data_finding": findings(
        "data_finding", "register.", "validation.", "channel.", only_critical=True
    ),
    "restatement_large": restatement_large,
    "mail_undeliverable": mail_undeliverable,
    "job_failed": job_failed,
    **against_limits("completeness", "daily_monthly_gap"),
}
