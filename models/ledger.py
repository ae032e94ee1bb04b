"""The ledger of certificates and trades: what may happen to a serial, and what a file line says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pydantic import Field

from models.document import Model
from models.errors import ConfigError

SERIAL_WH = 1_000_000
"""One certificate is one MWh."""

Basis = Literal["standalone", "trade", "self_use"]
State = Literal["held", "reserved", "cancelled", "expired", "withdrawn"]
SerialEventName = Literal[
    "issued",
    "received",
    "transferred",
    "reserved",
    "released",
    "cancelled",
    "expired",
    "withdrawn",
]


class LedgerSettings(Model):
    """What the rules leave open about certificates."""

    strict_same_year: bool = Field(
        default=False,
        description="a certificate has to be cancelled in the year of generation (证电同年核销); "
        "otherwise one of December may be cancelled in January for the old year (11.7)",
    )


@dataclass(frozen=True)
class SerialEvent:
    """Something that happened to a range of serials; 1 serial = 1 MWh of one month of generation.

    Attributes:
        line: in the file it came from.
        to_enterprise: of a transfer, the new holder.
        claim_year: year it is claimed for, if the file says so.
    """

    line: int
    event: SerialEventName
    enterprise: str
    series: str
    first: int
    last: int
    month: date
    on: date
    basis: Basis | None = None
    contract: str | None = None
    to_enterprise: str | None = None
    claim_year: int | None = None

    @property
    def serials(self) -> str:
        """The range for people."""
        return f"{self.series} {self.first}-{self.last}"


@dataclass(frozen=True)
class CurveRow:
    """One hour of a trade; energy is an integer number of Wh."""

    line: int
    enterprise: str
    contract: str
    hour_start: datetime
    energy_wh: int


@dataclass(frozen=True)
class Violation:
    """A line of a ledger file that breaks a rule of certificates.

    Attributes:
        code: `ledger.double_count`, `ledger.year`, `ledger.not_tradable` or `ledger.state`.
    """

    code: str
    event: SerialEvent
    first: int
    last: int
    reason: str

    def __str__(self) -> str:
        serials = f"{self.event.series} {self.first}-{self.last}"
        return f"line {self.event.line}: serials {serials} of {self.event.enterprise} {self.reason}"


class LedgerRefusal(ConfigError):
    """A ledger file breaks a rule: nothing of it is stored, the violations become findings."""

    def __init__(self, source: str, violations: list[Violation]) -> None:
        self.violations = violations
        super().__init__(source, [str(v) for v in violations])
