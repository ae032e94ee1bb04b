"""Retrofit projects whose savings are measured and verified: park.yaml, or a CSV beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from pydantic import Field, model_validator

from models.document import Model, Names
from models.sources import Key

ChannelPath = str
"""`meter/channel` of the park; `-meter/channel` is subtracted."""


class Adjustment(Model):
    """A non-routine adjustment of the saving, recorded with its reason (IPMVP)."""

    amount: float = Field(description="added to the saving, in the unit of the boundary channels")
    reason: str = Field(min_length=3)
    by: str = Field(min_length=1)
    year: int = Field(ge=2000, le=2100)


class Retrofit(Model):
    """A measure of an enterprise and how its saving is verified (IPMVP option B or C)."""

    key: Key
    enterprise: Key
    name: Names
    medium: Literal["electricity", "water", "gas", "heat"] = "electricity"
    channels: tuple[ChannelPath, ...] = Field(
        min_length=1, description="boundary: meter/channel, summed; a leading minus subtracts"
    )
    baseline_start: date
    baseline_stop: date = Field(description="first day that is no longer baseline")
    commissioned: date = Field(description="first day after the works; reporting begins")
    reporting_stop: date | None = Field(default=None, description="default: it goes on")
    drivers: Mapping[str, tuple[ChannelPath, ...]] = Field(
        default={}, description="what explains the use, e.g. product_t: [meter/channel]"
    )
    temperature: ChannelPath | None = Field(
        default=None, description="gauge of the outdoor temperature, for degree days"
    )
    calendar: Literal["none", "days_off"] = "days_off"
    granularity: Literal["day", "month"] = "day"
    target_amount: float | None = Field(
        default=None, gt=0, description="promised saving of a year; not set: no progress is told"
    )
    target_source: str = "not set"
    adjustments: tuple[Adjustment, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Retrofit:
        if not self.baseline_start < self.baseline_stop <= self.commissioned:
            msg = (
                f"retrofit {self.key}: expected baseline_start < baseline_stop <= commissioned, "
                f"got {self.baseline_start}, {self.baseline_stop}, {self.commissioned}"
            )
            raise ValueError(msg)
        if self.reporting_stop is not None and self.reporting_stop <= self.commissioned:
            msg = f"retrofit {self.key}: reporting_stop is not after commissioned"
            raise ValueError(msg)
        return self

    @property
    def paths(self) -> tuple[ChannelPath, ...]:
        """Every channel that it names, without signs."""
        named = [*self.channels, *(p for some in self.drivers.values() for p in some)]
        named += [self.temperature] if self.temperature else []
        return tuple(path.removeprefix("-") for path in named)


def retrofit_faults(
    retrofits: Sequence[Retrofit],
    enterprises: Sequence[str],
    channels: Mapping[str, tuple[str, str]],
) -> list[str]:
    """What is wrong with the projects of a park.

    Args:
        channels: `meter/channel` -> quantity and kind.
    """
    faults = []
    keys = [r.key for r in retrofits]
    faults += [f"retrofit key {k!r} is used twice" for k in sorted(set(keys)) if keys.count(k) > 1]
    for r in retrofits:
        if r.enterprise not in enterprises:
            faults.append(f"retrofit {r.key}: {r.enterprise!r} is not an enterprise of this park")
        unknown = [p for p in r.paths if p not in channels]
        faults += [f"retrofit {r.key}: no channel {p!r}; expected meter/channel" for p in unknown]
        if unknown:
            continue
        wanted = {
            "electricity": "active_energy",
            "water": "water_volume",
            "gas": "gas_volume",
            "heat": "heat",
        }[r.medium]
        for path in r.channels:
            quantity, kind = channels[path.removeprefix("-")]
            if quantity != wanted or kind == "gauge":
                faults.append(
                    f"retrofit {r.key}: {path} measures {quantity} ({kind}), "
                    f"expected amounts of {wanted}"
                )
        if r.temperature and channels[r.temperature][0] != "temperature":
            faults.append(f"retrofit {r.key}: {r.temperature} is no temperature")
    return faults


_CSV = (
    *("key", "enterprise", "name_zh", "name_en", "medium", "channels", "baseline_start"),
    *("baseline_stop", "commissioned"),
)
_CSV_MORE = ("reporting_stop", "product_channels", "temperature", "calendar", "granularity",
             "target_amount", "target_source")  # fmt: skip


def retrofits_csv(text: str) -> list[dict[str, Any]]:
    """Projects of a CSV file as park.yaml would have them; channels are separated by spaces.

    Raises:
        ValueError: columns are missing.
    """
    reader = csv.DictReader(io.StringIO(text))
    missing = [c for c in _CSV if c not in (reader.fieldnames or [])]
    if missing:
        msg = f"column(s) missing: {', '.join(missing)}; expected: {', '.join((*_CSV, *_CSV_MORE))}"
        raise ValueError(msg)
    out = []
    for row in reader:
        cells = {k: (v or "").strip() for k, v in row.items() if k in (*_CSV, *_CSV_MORE)}
        told: dict[str, Any] = {
            k: v
            for k, v in cells.items()
            if v and k not in ("name_zh", "name_en", "channels", "product_channels")
        }
        told["name"] = {"zh": cells["name_zh"], "en": cells["name_en"]}
        told["channels"] = cells["channels"].split()
        if cells.get("product_channels"):
            told["drivers"] = {"product_t": cells["product_channels"].split()}
        out.append(told)
    return out
