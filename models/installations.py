"""Dated facts of a channel: which device was there, with which multiplier."""

from __future__ import annotations

from dataclasses import dataclass


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
