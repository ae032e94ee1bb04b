"""Equipment and grid: load of the substations, efficiency of storages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median

from models.findings import Severity
from models.verdicts import Outcome, Verdict
from rules.judge import Rule, against_limits, doubt_of, evidence_of, verdict
from rules.snapshot import Snapshot

_FEWEST = 20


def storage_eta(snapshot: Snapshot) -> Iterator[Verdict]:
    """Efficiency of the last 30 days below the median of the values before by more than a limit.

    The limits are ratios of efficiency (0.05: five points). Source: house rule (domain 8, row 15).
    """
    about = snapshot.rule("storage_eta", None)
    for subject, values in snapshot.subjects(about.indicator, about.kind):
        rule = snapshot.rule("storage_eta", subject)
        seen, before = values[-1], [v.value for v in values[:-1] if v.value is not None]
        usual = median(before) if len(before) >= _FEWEST else None
        evidence = evidence_of(rule, seen) | {"target": usual, "limit_source": rule.source}
        doubt = doubt_of(snapshot, rule, seen) or ("" if usual else "too_little_before")
        if doubt or usual is None or seen.value is None:
            evidence["reason"] = doubt
            yield verdict(snapshot, rule, subject, Outcome.CANNOT_TELL, evidence)
            continue
        drop = usual - seen.value
        if rule.critical is not None and drop > rule.critical:
            yield verdict(snapshot, rule, subject, Outcome.BREACH, evidence, Severity.CRITICAL)
        elif rule.warn is not None and drop > rule.warn:
            yield verdict(snapshot, rule, subject, Outcome.BREACH, evidence)
        else:
            yield verdict(snapshot, rule, subject, Outcome.CLEAR, evidence)


RULES: Mapping[str, Rule] = {"storage_eta": storage_eta, **against_limits("transformer_load")}
