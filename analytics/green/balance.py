"""Quarter-hourly energy balances of one enterprise: what was used, where it came from, how green.

Conventions: domain facts 11.1 to 11.3. Generation is counted at its meter, never again at
discharge; storage losses are part of consumption.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.green.stock import Discharged, Method, Stock, run_storage
from analytics.green.supply import FLOWS, Floats, Metered, UseOrder, attribute
from models.roles import Role

METERED_COLUMNS = (
    "import_kwh",
    "export_kwh",
    "direct_kwh",
    "onsite_kwh",
    "charge_kwh",
    "discharge_kwh",
)
TRACED_COLUMNS = (
    *("load_kwh", "unbalanced_kwh", *FLOWS),
    *("green_load_kwh", "green_charge_kwh", "green_export_kwh", "direct_export_kwh"),
    *("green_lost_kwh", "untraced_kwh"),
    *("physical_green_kwh", "grid_draw_kwh", "consumption_kwh"),
)
BALANCE_COLUMNS = (*METERED_COLUMNS, *TRACED_COLUMNS, "estimated_kwh", "buckets")
"""Columns of a balance: sums of closed quarter-hours [kWh], and how many there are."""

_ROLE_COLUMN = {
    Role.GRID_IMPORT: "import_kwh",
    Role.GRID_EXPORT: "export_kwh",
    Role.DIRECT_SUPPLY: "direct_kwh",
    Role.ONSITE_PV: "onsite_kwh",
    Role.ONSITE_WIND: "onsite_kwh",
    Role.STORAGE_CHARGE: "charge_kwh",
    Role.STORAGE_DISCHARGE: "discharge_kwh",
}
_STORAGE = ("charge_kwh", "discharge_kwh")
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Accounting:
    """Choices of an enterprise; for the storage see `run_storage`."""

    order: UseOrder = "load_charge_export"
    method: Method = "weighted_average"
    efficiency_ratio: float = 0.9
    capacity_kwh: float | None = None


@dataclass(frozen=True)
class Series:
    """One balance channel over the quarter-hours: NaN where it has no value [kWh].

    Attributes:
        estimated: what of it is not measured.
        in_service: False where it is not yet there; then it is not missing.
    """

    role: str
    value: Floats
    estimated: Bools
    in_service: Bools


@dataclass(frozen=True)
class Traced:
    """Balances of consecutive quarter-hours.

    Attributes:
        closed: False where a channel in service has no value: such a balance is left out, never
            filled.
        columns: `BALANCE_COLUMNS`, zero where not closed. But `green_lost_kwh` also holds green
            energy that left the storage while the balance could not be closed.
        stocks: what the storage holds at each of the cuts.
    """

    closed: Bools
    columns: dict[str, Floats]
    stocks: tuple[Stock, ...]


def trace(
    channels: Sequence[Series], cuts: Sequence[int], stock: Stock, accounting: Accounting
) -> Traced:
    """Close and trace the balance of every quarter-hour.

    Args:
        channels: of equal length, at least one; of `BALANCE_ROLES`.
        cuts: positions after which the stock is noted, ascending; the last is the length.
        stock: what the storage held before.

    Source: P, D, E of 发改能源〔2026〕622号 annex 3 (domain facts 1.1) with conventions 11.1-11.3.
    """
    length = len(channels[0].value)
    closed, storage_known = _known(channels, range(length))
    amounts = {name: np.zeros(length) for name in METERED_COLUMNS}
    estimated = np.zeros(length)
    for channel in channels:
        known = np.where(channel.in_service, np.nan_to_num(channel.value), 0.0)
        amounts[_ROLE_COLUMN[Role(channel.role)]] += known
        estimated += np.where(channel.estimated, known, 0.0)
    kept = {name: np.where(closed, amount, 0.0) for name, amount in amounts.items()}
    flows = attribute(
        Metered(
            kept["onsite_kwh"],
            kept["direct_kwh"],
            kept["discharge_kwh"],
            kept["import_kwh"],
            kept["charge_kwh"],
            kept["export_kwh"],
        ),
        accounting.order,
    )
    origin, stocks = _storage(
        {n: np.where(storage_known, amounts[n], 0.0) for n in _STORAGE},
        flows,
        cuts,
        stock,
        accounting,
    )
    columns = kept | flows | _green(kept, flows, origin, closed, accounting)
    columns |= {"estimated_kwh": np.where(closed, estimated, 0.0), "buckets": closed * 1.0}
    return Traced(closed, columns, stocks)


def _known(channels: Sequence[Series], steps: range) -> tuple[Bools, Bools]:
    """Where every channel in service has a value; where those of the storage have."""
    every, storage = (np.ones(len(steps), dtype=np.bool_) for _ in range(2))
    any_in_service = np.zeros(len(steps), dtype=np.bool_)
    for channel in channels:
        fine = ~np.isnan(channel.value) | ~channel.in_service
        every &= fine
        any_in_service |= ~np.isnan(channel.value) & channel.in_service
        if _ROLE_COLUMN[Role(channel.role)] in _STORAGE:
            storage &= fine
    return every & any_in_service, storage


def _storage(
    amounts: Mapping[str, Floats],
    flows: Mapping[str, Floats],
    cuts: Sequence[int],
    stock: Stock,
    accounting: Accounting,
) -> tuple[Discharged, tuple[Stock, ...]]:
    """Charging of an interval without a closed balance has no known origin: it is not green."""
    parts, stocks, first = [], [], 0
    series = (
        amounts["discharge_kwh"],
        amounts["charge_kwh"],
        flows["onsite_to_charge_kwh"],
        flows["direct_to_charge_kwh"],
        flows["storage_to_charge_kwh"],
    )
    for cut in cuts:
        part, stock = run_storage(
            stock,
            *(s[first:cut] for s in series),
            method=accounting.method,
            efficiency_ratio=accounting.efficiency_ratio,
            capacity_kwh=accounting.capacity_kwh,
        )
        parts.append(part)
        stocks.append(stock)
        first = cut
    return (
        Discharged(
            np.concatenate([p.onsite for p in parts]),
            np.concatenate([p.direct for p in parts]),
            np.concatenate([p.untraced for p in parts]),
            np.concatenate([p.spilled_green for p in parts]),
        ),
        tuple(stocks),
    )


def _green(
    kept: Mapping[str, Floats],
    flows: Mapping[str, Floats],
    origin: Discharged,
    closed: Bools,
    accounting: Accounting,
) -> dict[str, Floats]:
    """Green parts; a discharge is split over its uses in its average mix (11.2)."""
    out = kept["discharge_kwh"]
    green_out = origin.onsite + origin.direct
    green_mix, direct_mix = (
        np.divide(part, out, out=np.zeros_like(out), where=out > 0)
        for part in (green_out, origin.direct)
    )
    green = {
        use: flows[f"onsite_to_{use}_kwh"]
        + flows[f"direct_to_{use}_kwh"]
        + flows[f"storage_to_{use}_kwh"] * green_mix
        for use in ("load", "charge", "export")
    }
    physical = kept["onsite_kwh"] + kept["direct_kwh"] - green["export"]
    draw = kept["import_kwh"] - (kept["export_kwh"] - green["export"])
    return {
        "green_load_kwh": green["load"],
        "green_charge_kwh": green["charge"],
        "green_export_kwh": green["export"],
        "direct_export_kwh": flows["direct_to_export_kwh"]
        + flows["storage_to_export_kwh"] * direct_mix,
        "green_lost_kwh": (1 - accounting.efficiency_ratio) * green["charge"]
        + np.where(closed, 0.0, green_out)
        + origin.spilled_green,
        "untraced_kwh": np.where(closed, origin.untraced, 0.0),
        "physical_green_kwh": physical,
        "grid_draw_kwh": draw,
        "consumption_kwh": draw + physical,
    }


def summed(
    traced: Traced, keys: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], dict[str, Floats]]:
    """Sums over runs of equal keys that hold a closed balance.

    Args:
        keys: of every quarter-hour, ascending: its hour or its day.

    Returns:
        the keys, and `BALANCE_COLUMNS` for each.
    """
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    sums = {name: np.add.reduceat(traced.columns[name], first) for name in BALANCE_COLUMNS}
    has = sums["buckets"] > 0
    return keys[first][has], {name: column[has] for name, column in sums.items()}
