"""What is said of an indicator beside its numbers: name, formula, source, threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.document import Names
from models.indicators import PeriodKind

Confidence = Literal["high", "medium", "low", "own"]
"""high: two sources or the official text; medium: one source; own: our own choice."""

NOT_SET = "not set"


@dataclass(frozen=True)
class Threshold:
    """A limit that a rule, a standard or a plan sets.

    Attributes:
        limit: in the unit of the indicator.
        sense: min: at least the limit; max: at most.
        source: who sets it, and for what.
    """

    limit: float
    sense: Literal["min", "max"]
    source: str
    confidence: Confidence = "medium"

    def is_met(self, value: float) -> bool:
        """True if the value keeps the limit."""
        return value >= self.limit if self.sense == "min" else value <= self.limit


@dataclass(frozen=True)
class Definition:
    """Everything a reader needs to know of an indicator but its values.

    Attributes:
        row: row of domain facts 8 that it answers; 0: beside the rows.
        formula: for people, in names of activity data and units.
        needs: activity data without which there is no value; uses: added where an enterprise
            has them.
        sense: which side of a threshold is good, also where no threshold is set.
        threshold: None: not set, and said so in every output.
        levels: named limits of a standard, best first, all of the same sense.
        in_park: a sum over enterprises means something.
    """

    key: str
    name: Names
    unit: str
    row: int
    formula: str
    source: str
    confidence: Confidence
    kinds: tuple[PeriodKind, ...] = ("month", "year")
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    sense: Literal["min", "max", ""] = ""
    threshold: Threshold | None = None
    levels: tuple[tuple[str, float], ...] = ()
    in_park: bool = True

    def level_of(self, value: float) -> str | None:
        """Name of the best level that the value reaches; None: no levels, or none reached."""
        for name, limit in self.levels:
            if value <= limit if self.sense == "max" else value >= limit:
                return name
        return None
