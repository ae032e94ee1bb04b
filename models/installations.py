"""Dated facts of a channel: which device was there, with which multiplier."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import AwareDatetime, Field

from models.document import Model
from models.sources import Key


class InstalledChannel(Model):
    """Facts of one channel from a record on; what is not set stays as it was. Raw units."""

    final_reading: float | None = Field(
        default=None, ge=0, description="register of the old device at that time"
    )
    start_reading: float | None = Field(
        default=None, ge=0, description="register of the new device at that time"
    )
    multiplier: float | None = Field(default=None, gt=0, description="CT x PT ratio (倍率)")
    modulus: float | None = Field(default=None, gt=0, description="where the display wraps")
    rated_per_h: float | None = Field(
        default=None, gt=0, description="highest possible amount per hour, canonical unit"
    )

    @property
    def has_reading(self) -> bool:
        """True if the register of the old or the new device is known."""
        return self.final_reading is not None or self.start_reading is not None

    def faults(self, kind: str) -> list[str]:
        """What does not fit to a channel of this kind."""
        found = []
        if not any(v is not None for v in self.model_dump().values()):
            found.append("nothing is said; name at least one fact or leave the channel out")
        if kind != "register" and (self.has_reading or self.modulus is not None):
            found.append(
                f"final_reading, start_reading and modulus belong to registers, got {kind}"
            )
        return found

    def display_faults(self, before: float | None, after: float | None) -> list[str]:
        """Readings that a display cannot have shown.

        Args:
            before: modulus of the old device, raw unit; None: not known.
            after: that of the new device.
        """
        shown = (
            ("final_reading", self.final_reading, before),
            ("start_reading", self.start_reading, after),
        )
        return [
            f"{name} {value:g} is not below modulus {modulus:g}"
            for name, value, modulus in shown
            if value is not None and modulus is not None and value >= modulus
        ]


class InstallationRecord(Model):
    """From `at` on another device is installed, or the same one has another multiplier."""

    at: AwareDatetime = Field(description="time of the change, with its offset from UTC")
    replaced: bool = Field(
        default=True, description="another device: its registers start anew; false: the same one"
    )
    serial: str | None = Field(default=None, description="serial number from then on")
    by: str = Field(default="park.yaml", min_length=1, description="who did it")
    reason: str = Field(min_length=3, description="why, for the audit")
    channels: dict[Key, InstalledChannel] = Field(
        default={}, description="facts by channel; a replacement concerns all registers anyway"
    )


@dataclass(frozen=True, slots=True)
class Installation:
    """What holds for a channel from `at_s` on, until the next record.

    Attributes:
        at_s: epoch seconds.
        replaced: another device, the register starts anew; False: the same device, other facts.
        final_reading: register of the device before, at `at_s`, raw unit; None: not known.
        start_reading: register of this device at `at_s`, raw unit; None: not known.
        factor: raw reading to canonical unit, multiplier included.
        modulus: value at which the display wraps, raw unit, or None.
        rated_per_h: highest possible amount per hour, canonical unit, or None.
    """

    at_s: float
    replaced: bool
    final_reading: float | None
    start_reading: float | None
    factor: float
    modulus: float | None
    rated_per_h: float | None
