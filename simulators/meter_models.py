"""How far the meters of a scenario are from ideal: class, clock, jitter, replacements, mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from models.meters import Meter
from models.park import Park
from models.roles import Role


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Replacement(_Model):
    """Another device from `at` on, whether the park knows it or not.

    Attributes:
        start: raw reading of the new device by channel; others start at zero.
    """

    at: AwareDatetime
    start: dict[str, Annotated[float, Field(ge=0)]] = {}


class MultiplierMistake(_Model):
    """From `from` to `to` the meter counts `factor` times what flows, and nobody is told."""

    factor: float = Field(gt=0)
    start: AwareDatetime = Field(alias="from")
    stop: AwareDatetime | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _ordered(self) -> MultiplierMistake:
        if self.stop is not None and self.stop <= self.start:
            msg = f"to {self.stop.isoformat()} is not after from {self.start.isoformat()}"
            raise ValueError(msg)
        return self


class MeterModel(_Model):
    """One meter; the defaults are an exact meter with an exact clock.

    Attributes:
        accuracy_percent: limit of its class, e.g. 0.5; the error of a device is drawn once.
        resolution: step of the last digit, raw unit; None: what is usual for the quantity.
        jitter_s: it is read up to this much later than planned, each time anew.
        clock_drift_s_per_day: its clock runs ahead (below zero: falls behind) and is set right
            every `clock_set_every_days`.
    """

    accuracy_percent: float = Field(default=0, ge=0, le=10)
    resolution: float | None = Field(default=None, gt=0)
    jitter_s: float = Field(default=0, ge=0, le=3600)
    clock_drift_s_per_day: float = Field(default=0, ge=-600, le=600)
    clock_set_every_days: float = Field(default=7, gt=0, le=366)
    replaced: tuple[Replacement, ...] = ()
    multiplier_mistake: MultiplierMistake | None = None


class MeterModels(_Model):
    """Meter models of a park: of one meter, else of its first channel's role, else the default."""

    default: MeterModel = MeterModel()
    roles: dict[Role, MeterModel] = {}
    meters: dict[str, MeterModel] = {}

    def of(self, meter: Meter) -> MeterModel:
        """The model of a meter."""
        known = self.meters.get(meter.key)
        if known is None:
            roles = (c.role for c in meter.channels.values() if c.role in self.roles)
            role = next(roles, None)
            known = self.default if role is None else self.roles[role]
        return known

    def faults(self, park: Park) -> Iterator[str]:
        """Meters and channels that the park does not have."""
        meters = {m.key: m for e in park.enterprises for m in e.meters}
        for key, model in self.meters.items():
            meter = meters.get(key)
            if meter is None:
                yield f"meters.{key}: not a meter of park {park.key}"
                continue
            for at in model.replaced:
                for channel in at.start:
                    if channel not in meter.channels:
                        yield f"meters.{key}.replaced: meter {key} has no channel {channel!r}"
