"""What may happen to a meter: one model per kind; it changes what a display or clock shows."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field, model_validator

from simulators.event_base import BaseEvent


class _MeterFault(BaseEvent):
    """A fault of a device; without `channel` all of its channels have it."""

    enterprise: None = None
    meter: str
    channel: str | None = None


class _MeterSpan(_MeterFault):
    start: AwareDatetime = Field(alias="from")
    stop: AwareDatetime = Field(alias="to")


class GlitchZero(_MeterSpan):
    """Single readings are zero, `per_day` times a day on average; the next is right again."""

    kind: Literal["glitch_zero"]
    per_day: float = Field(gt=0)

    expected_codes: ClassVar[tuple[str, ...]] = ("register.glitch",)


class Spike(_MeterSpan):
    """Single readings are `factor` times too high, or too high by `add` [raw unit]."""

    kind: Literal["spike"]
    per_day: float = Field(gt=0)
    factor: float | None = Field(default=None, gt=0)
    add: float | None = None

    @model_validator(mode="after")
    def _one_size(self) -> Spike:
        if (self.factor is None) == (self.add is None):
            raise ValueError("a spike has either factor or add: give one of them")
        return self

    expected_codes: ClassVar[tuple[str, ...]] = ("register.glitch", "validation.spike")


class Stuck(_MeterSpan):
    """The display stands still; then it shows the true count at once."""

    kind: Literal["stuck"]

    expected_codes: ClassVar[tuple[str, ...]] = ("validation.stuck", "register.catch_up")


class Reset(_MeterFault):
    """A register falls to `to_value` [raw unit] and counts on from there."""

    kind: Literal["reset"]
    at: AwareDatetime
    to_value: float = Field(default=0, ge=0)

    @property
    def start(self) -> datetime:
        """When it happens."""
        return self.at

    @property
    def stop(self) -> None:
        """It happens in an instant."""
        return

    expected_codes: ClassVar[tuple[str, ...]] = ("register.reset", "register.held")


class WrongUnit(_MeterSpan):
    """All values are sent in another unit than agreed: `factor` 1000 is Wh instead of kWh."""

    kind: Literal["wrong_unit"]
    channel: str
    factor: float = Field(gt=0)

    expected_codes: ClassVar[tuple[str, ...]] = (
        "register.impossible_rise",
        "register.reset",
        "register.held",
        "register.glitch",
        "validation.ratio_jump",
        "quarantine.out_of_range",
    )


class ClockJump(_MeterSpan):
    """The device's clock is wrong by `offset_s`; it reads in time but writes a wrong time."""

    kind: Literal["clock_jump"]
    channel: None = None
    offset_s: float

    expected_codes: ClassVar[tuple[str, ...]] = (
        "clock.skew",
        "reading.conflict",
        "quarantine.future",
    )
