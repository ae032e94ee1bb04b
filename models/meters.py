"""Meters and channels as park.yaml describes them: quantity, unit, kind, role, register."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from models.document import Model, Names
from models.installations import InstallationRecord
from models.periods import BUCKET_S
from models.quantities import QUANTITIES, read_quantity
from models.roles import ROLE_QUANTITY, Role
from models.sources import Key


class Channel(Model):
    """One measured quantity of a meter."""

    quantity: str = Field(description="key of the quantity catalogue, e.g. active_energy")
    unit: str = Field(
        description="unit in which the meter sends it, e.g. kWh; of kind rate that of the rate, "
        "e.g. kW"
    )
    kind: Literal["register", "gauge", "interval", "rate", "batch"] = Field(
        description="register: cumulative count; gauge: state at an instant; interval: amount of "
        "the period of period_s that begins at ts; rate: how fast it flows at ts, integrated; "
        "batch: amount of an event at ts"
    )
    role: Role = Field(default=Role.NONE, description="part it plays in the balance")
    multiplier: float = Field(default=1.0, gt=0, description="CT x PT ratio (倍率)")
    modulus: float | None = Field(
        default=None, gt=0, description="register value at which the display wraps to zero"
    )
    period_s: int = Field(default=900, ge=1, le=86_400, description="nominal sampling period [s]")
    rated_per_h: float | None = Field(
        default=None, gt=0, description="highest possible amount per hour, canonical unit"
    )
    resolution: float | None = Field(
        default=None, gt=0, description="step of the last digit of the register, raw unit"
    )
    technology: Literal["pv", "wind", "other"] | None = Field(
        default=None, description="what a direct line or a plant is fed by; for the forecast"
    )
    in_service_from: date | None = Field(
        default=None, description="first local day of service; before it no balance waits for it"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Channel:
        quantity = QUANTITIES.get(self.quantity)
        if quantity is None:
            known = ", ".join(QUANTITIES)
            msg = f"unknown quantity {self.quantity!r}; expected one of: {known}"
            raise ValueError(msg)
        if self.kind != "gauge" and not quantity.is_flow:
            raise ValueError(_state_fault(self.quantity, self.kind))
        if self.kind == "rate" and quantity.rate is None:
            msg = f"{self.quantity} has no rate; use kind: register, interval or batch"
            raise ValueError(msg)
        sent = read_quantity(self.quantity, self.kind)
        if self.unit not in sent.accepted:
            what = f"the rate of {self.quantity}" if self.kind == "rate" else self.quantity
            msg = (
                f"unit {self.unit!r} does not measure {what}; "
                f"expected one of: {', '.join(sent.accepted)}"
            )
            raise ValueError(msg)
        wanted = ROLE_QUANTITY.get(self.role)
        if wanted is not None and wanted != self.quantity:
            msg = f"role {self.role} needs quantity {wanted}, got {self.quantity}"
            raise ValueError(msg)
        if wanted is not None and self.kind == "gauge":
            msg = f"role {self.role} needs kind register, interval, rate or batch, got gauge"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Channel:
        if self.kind == "interval" and self.period_s % BUCKET_S and BUCKET_S % self.period_s:
            msg = (
                f"period_s {self.period_s} of an interval channel neither divides {BUCKET_S} s nor "
                f"is a multiple of it; expected e.g. 300, 900, 1800, 3600 or 86400"
            )
            raise ValueError(msg)
        for name in ("modulus", "resolution"):
            if self.kind == "register" or (self.kind, name) == ("gauge", "modulus"):
                continue  # applied parks may have the latter: it was let through for long
            if getattr(self, name) is not None:
                msg = f"{name} belongs to registers; a channel of kind {self.kind} has none"
                raise ValueError(msg)
        return self

    @property
    def factor(self) -> float:
        """Factor from a raw reading to the canonical unit: multiplier x unit factor.

        Of kind rate: to the canonical unit of the quantity per hour.
        """
        return self.multiplier * read_quantity(self.quantity, self.kind).factor(self.unit)


def _state_fault(quantity: str, kind: str) -> str:
    flows = [q.key for q in QUANTITIES.values() if q.rate == quantity and kind == "rate"]
    remedy = f"name what flows ({', '.join(flows)}) or use kind: gauge" if flows else ""
    article = "an" if kind == "interval" else "a"
    return f"{quantity} is a state and cannot be {article} {kind}; {remedy or 'use kind: gauge'}"


class Meter(Model):
    """A measuring device; `key` is its name in MQTT topics."""

    key: Key
    name: Names
    serial: str | None = None
    parent: Key | None = Field(
        default=None, description="meter of this park that measures the same flow upstream"
    )
    losses_ratio: float | None = Field(
        default=None, ge=0, lt=1, description="most that may be lost below it; default: the park's"
    )
    channels: dict[Key, Channel] = Field(min_length=1)
    installations: tuple[InstallationRecord, ...] = Field(
        default=(), description="dated records: another device, another multiplier"
    )

    @model_validator(mode="after")
    def _records_fit(self) -> Meter:
        faults = record_faults(self)
        if faults:
            raise ValueError("; ".join(faults))
        return self


def record_faults(meter: Meter) -> list[str]:
    """What is wrong with the dated records of a meter, each with its time."""
    faults = []
    instants = [r.at for r in meter.installations]
    modulus = {key: channel.modulus for key, channel in meter.channels.items()}
    for record in sorted(meter.installations, key=lambda r: r.at):
        at = record.at.isoformat()
        if instants.count(record.at) > 1:
            faults.append(f"meter {meter.key}: two records at {at}; put both into one")
        for key, facts in record.channels.items():
            channel = meter.channels.get(key)
            if channel is None:
                known = ", ".join(meter.channels)
                faults.append(f"record of {at}: no channel {key!r}; expected one of: {known}")
            else:
                before, modulus[key] = modulus[key], facts.modulus or modulus[key]
                found = facts.faults(channel.kind) + facts.display_faults(before, modulus[key])
                faults += [f"record of {at}: {key}: {f}" for f in found]
        if not record.replaced and not record.channels:
            faults.append(f"record of {at}: replaced: false, and no channel with another fact")
        if not record.replaced and any(c.has_reading for c in record.channels.values()):
            faults.append(
                f"record of {at}: final_reading and start_reading belong to replaced: true"
            )
    return sorted(set(faults))


def parent_faults(meters: Sequence[Meter]) -> list[str]:
    """Faults of the tree of meters: parents that do not exist, circles."""
    parents = {m.key: m.parent for m in meters}
    faults = [
        f"meter {m.key}: parent {m.parent!r} is not a meter of this park"
        for m in meters
        if m.parent is not None and m.parent not in parents
    ]
    for meter in meters:
        above, seen = meter.parent, {meter.key}
        while above is not None and above not in seen:
            seen.add(above)
            above = parents.get(above)
        if above == meter.key:
            faults.append(f"meter {meter.key}: its parents lead back to itself")
    return faults
