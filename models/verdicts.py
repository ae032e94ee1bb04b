"""What a rule answers for one subject at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from models.findings import Severity

AlertKey = tuple[str, int | None, str]
"""Rule, enterprise (None: the park), object."""


class Outcome(StrEnum):
    """Answer of a rule.

    breach: open or keep an alert. clear: resolve it. hold: between the two limits, leave the
    alert as it is (hysteresis). cannot_tell: too little data, leave the alert as it is.
    """

    BREACH = "breach"
    CLEAR = "clear"
    HOLD = "hold"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class Verdict:
    """Answer of one rule about one enterprise, or about the park when `enterprise_id` is None.

    Attributes:
        rule: stable code of the rule, e.g. `green_share_ytd`.
        evidence: JSON-able facts that a reader needs: `value`, `target`, `unit`, `period_start`,
            `period_stop` (ISO days, half-open), `completeness_ratio`, `estimated_ratio`,
            `status`; for cannot_tell a `reason`; see `docs/rules.md`.
        about: key of the meter, project... that it is about; empty: the subject as a whole.
    """

    rule: str
    park_id: int
    enterprise_id: int | None
    outcome: Outcome
    severity: Severity
    evidence: Mapping[str, Any]
    about: str = ""

    @property
    def key(self) -> AlertKey:
        """What there is at most one open alert of."""
        return self.rule, self.enterprise_id, self.about

    def beside(self, **facts: Any) -> Verdict:
        """The same with more evidence."""
        return replace(self, evidence={**self.evidence, **facts})
