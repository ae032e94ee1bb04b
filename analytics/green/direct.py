"""Direct green-power connections and curtailment, by local day.

Source: 发改能源〔2025〕650号 (domain facts 1.2, rows 9-12) and convention 11.9: self-use =
generation - export, so that line loss counts as self-use; total use = E of the connected users;
what a user exports again is export.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Literal

import numpy as np

from analytics.green.shares import DayTable
from models.roles import Role

PLANT_ROLES = (
    Role.DIRECT_GENERATION,
    Role.DIRECT_EXPORT,
    Role.DIRECT_AVAILABLE,
    Role.ONSITE_AVAILABLE,
)
ExportOf = Literal["available", "delivered"]


def direct_days(
    users: Sequence[DayTable], plant: Sequence[tuple[Role, DayTable]], export_of: ExportOf
) -> DayTable:
    """Amounts of a direct connection on each day that all its meters tell.

    Args:
        users: daily balances of the connected users (one for a plant with a single user).
        plant: roles of `PLANT_ROLES` that are metered, each with a column `value`; without
            `direct_generation` the generation is what arrives at the users.
        export_of: what the export is divided by.

    Returns:
        `direct_generated_kwh`, `direct_exported_kwh`, `direct_selfuse_kwh`,
        `direct_available_kwh` (= generated where available power is not metered),
        `direct_users_kwh`, `direct_base_kwh`.
    """
    metered = {role: table for role, table in plant if role != Role.ONSITE_AVAILABLE}
    days = reduce(np.intersect1d, [t.days for t in (*users, *metered.values())])
    arrived, again, used = (
        np.sum([user.at(days).columns[name] for user in users], axis=0)
        for name in ("direct_kwh", "direct_export_kwh", "consumption_kwh")
    )
    at = {role: table.at(days).columns["value"] for role, table in metered.items()}
    generated = at.get(Role.DIRECT_GENERATION, arrived)
    exported = at.get(Role.DIRECT_EXPORT, np.zeros(len(days))) + again
    available = np.maximum(at.get(Role.DIRECT_AVAILABLE, generated), generated)
    return DayTable(
        days,
        {
            "direct_generated_kwh": generated,
            "direct_exported_kwh": exported,
            "direct_selfuse_kwh": generated - exported,
            "direct_available_kwh": available,
            "direct_users_kwh": used,
            "direct_base_kwh": available if export_of == "available" else generated,
        },
    )


def curtailment_days(balance: DayTable, plant: Sequence[tuple[Role, DayTable]]) -> DayTable:
    """What plants could have made and did not, where available power is metered.

    Args:
        balance: daily balances of the enterprise; plant: as for `direct_days`.

    Returns:
        `available_kwh`, `curtailed_kwh` = available - generated, never below zero; only days on
        which both are known.
    """
    metered = dict(plant)
    made = {
        Role.DIRECT_AVAILABLE: metered.get(Role.DIRECT_GENERATION)
        or _column(balance, "direct_kwh"),
        Role.ONSITE_AVAILABLE: _column(balance, "onsite_kwh"),
    }
    parts = []
    for role, generation in made.items():
        if role in metered:
            days = np.intersect1d(metered[role].days, generation.days)
            could, did = (t.at(days).columns["value"] for t in (metered[role], generation))
            parts.append((days, could, np.maximum(could - did, 0.0)))
    every = reduce(np.union1d, [days for days, _, _ in parts], np.zeros(0, dtype=np.int64))
    available, curtailed = (np.zeros(len(every)) for _ in range(2))
    for days, could, lost in parts:
        position = np.searchsorted(every, days)
        available[position] += could
        curtailed[position] += lost
    return DayTable(every, {"available_kwh": available, "curtailed_kwh": curtailed})


def _column(balance: DayTable, name: str) -> DayTable:
    return DayTable(balance.days, {"value": balance.columns[name]})
