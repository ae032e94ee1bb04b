"""What the data says about itself: validation findings are values, not log lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Finding:
    """One observation about a channel or an enterprise over a period, with evidence.

    Attributes:
        code: stable dotted name, e.g. `register.reset`.
        channel_id: the channel, or None for a finding about the enterprise as a whole.
        evidence: JSON-able facts (values with units in the names).
    """

    code: str
    severity: Severity
    start: datetime
    stop: datetime
    channel_id: int | None = None
    enterprise_id: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
