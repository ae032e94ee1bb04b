"""What a storage holds and where it came from: charged energy keeps its origin until discharge.

Source: EnergyTag granular certificates, storage records (domain facts 1.4): the method is fixed
once chosen; losses are total in minus total out of a stated period, here one efficiency, taken at
charging (11.2). A discharge beyond what was traced is not green.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics.green.supply import Floats

Method = Literal["weighted_average", "fifo"]
Layer = tuple[float, float, float]
"""Energy that can still be discharged, and its on-site and direct-line parts [kWh]."""


@dataclass(frozen=True)
class Stock:
    """Layers of stored energy, oldest first; the weighted average keeps a single one."""

    layers: tuple[Layer, ...] = ()

    @property
    def energy_kwh(self) -> float:
        """All that is traced [kWh]."""
        return sum(layer[0] for layer in self.layers)

    @property
    def green_kwh(self) -> float:
        """The green part [kWh]."""
        return sum(layer[1] + layer[2] for layer in self.layers)


@dataclass(frozen=True)
class Discharged:
    """Origin of the discharge of each step [kWh]; what is neither is not green.

    Attributes:
        spilled_green: green energy that was dropped because the storage cannot hold so much.
    """

    onsite: Floats
    direct: Floats
    untraced: Floats
    spilled_green: Floats


def run_storage(
    stock: Stock,
    discharge: Floats,
    charge: Floats,
    charge_onsite: Floats,
    charge_direct: Floats,
    recharged: Floats,
    *,
    method: Method,
    efficiency_ratio: float,
    capacity_kwh: float | None = None,
) -> tuple[Discharged, Stock]:
    """Pass a stock through consecutive steps; within a step discharge comes before charge.

    Args:
        discharge, charge: of each step [kWh].
        charge_onsite, charge_direct: parts of `charge` that come straight from these sources.
        recharged: part of `discharge` that goes into `charge` of the same step; it keeps its mix.
        efficiency_ratio: energy out / energy in over a long period.
        capacity_kwh: what the storage can give at most; traced energy beyond it was lost before
            and is dropped, oldest first. None: not known.

    Returns:
        Origin of the discharge, and the stock after the last step.

    Source: domain facts 1.4 (pool, FIFO) and 11.2.
    """
    onsite, direct, untraced, spilled = (np.zeros(len(discharge)) for _ in range(4))
    layers, held = list(stock.layers), stock.energy_kwh
    steps = np.flatnonzero((discharge > 0) | (charge > 0)).tolist()
    outs, ins = discharge.tolist(), charge.tolist()
    from_onsite, from_direct, again = (
        a.tolist() for a in (charge_onsite, charge_direct, recharged)
    )
    for n in steps:
        out, into = outs[n], ins[n]
        green = (0.0, 0.0)
        if out > 0:
            taken, *green_parts = _take(layers, out)
            green = (green_parts[0], green_parts[1])
            onsite[n], direct[n] = green
            untraced[n] = out - taken
            held -= taken
        if into > 0:
            mix = again[n] / out if out > 0 else 0.0
            layer = (
                efficiency_ratio * into,
                efficiency_ratio * (from_onsite[n] + mix * green[0]),
                efficiency_ratio * (from_direct[n] + mix * green[1]),
            )
            _put(layers, layer, method)
            held += layer[0]
            if capacity_kwh is not None and held > capacity_kwh:
                dropped, *green_parts = _take(layers, held - capacity_kwh)
                spilled[n] = sum(green_parts)
                held -= dropped
    return Discharged(onsite, direct, untraced, spilled), Stock(tuple(layers))


def _take(layers: list[Layer], wanted: float) -> Layer:
    """Take energy out of the oldest layers; less than wanted if there is no more."""
    got = onsite = direct = 0.0
    while layers:
        energy, of_onsite, of_direct = layers[0]
        missing = wanted - got
        if energy > missing:
            part = missing / energy
            layers[0] = (energy - missing, of_onsite * (1 - part), of_direct * (1 - part))
            return wanted, onsite + part * of_onsite, direct + part * of_direct
        layers.pop(0)
        got, onsite, direct = got + energy, onsite + of_onsite, direct + of_direct
    return min(got, wanted), onsite, direct


def _put(layers: list[Layer], layer: Layer, method: Method) -> None:
    """Add a layer; layers of the same mix are one, so that a night of charging is one layer."""
    if layers and (method == "weighted_average" or _same_mix(layers[-1], layer)):
        old = layers.pop()
        layer = (old[0] + layer[0], old[1] + layer[1], old[2] + layer[2])
    layers.append(layer)


def _same_mix(one: Layer, other: Layer) -> bool:
    return one[1] * other[0] == other[1] * one[0] and one[2] * other[0] == other[2] * one[0]


def flat(stock: Stock) -> list[float]:
    """The layers in a row, for storing."""
    return [value for layer in stock.layers for value in layer]


def of_flat(values: Sequence[float]) -> Stock:
    """The stock of `flat`."""
    rows = np.asarray(values, dtype=np.float64).reshape(-1, 3).tolist()
    return Stock(tuple((e, o, d) for e, o, d in rows))
