"""A channel as the calculations see it: numbers, factors, the balance role, its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """One applied channel.

    Attributes:
        factor: raw reading to canonical unit (multiplier x unit factor).
        modulus: register value at which the display wraps, raw units, or None.
        period_s: nominal sampling period [s].
        rated_per_h: highest possible amount per hour, canonical unit, or None.
        resolution: step of the last digit of a register, raw units, or None if not known.
        highest_modulus: the largest modulus of all its dated records, raw units, or None.
        in_service_from: first local day of service, or None for always.
    """

    channel_id: int
    key: str
    meter_key: str
    enterprise_id: int
    enterprise_key: str
    park_id: int
    park_key: str
    quantity: str
    unit: str
    kind: str
    role: str
    factor: float
    modulus: float | None
    period_s: int
    rated_per_h: float | None
    in_service_from: date | None
    resolution: float | None = None
    highest_modulus: float | None = None

    @property
    def path(self) -> str:
        """Name for people: enterprise/meter/channel."""
        return f"{self.enterprise_key}/{self.meter_key}/{self.key}"
