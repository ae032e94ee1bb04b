"""Direct green-power connections and curtailment, by local day.

Source: 发改能源〔2025〕650号 (domain facts 1.2, rows 9-12) and convention 11.9: self-use =
generation - export, so that line loss counts as self-use; total use = E of the connected users;
what a user exports again is export.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from models.meters import Role

PLANT_ROLES = (
    Role.DIRECT_GENERATION,
    Role.DIRECT_EXPORT,
    Role.DIRECT_AVAILABLE,
    Role.ONSITE_AVAILABLE,
)


def direct_days(
    users: Sequence[pd.DataFrame],
    plant: pd.DataFrame,
    export_of: Literal["available", "delivered"],
) -> pd.DataFrame:
    """Amounts of a direct connection on each day that is told by all its meters.

    Args:
        users: daily balances of the connected users (one for a plant with a single user).
        plant: index local day, a column for each of `PLANT_ROLES` that is metered; without
            `direct_generation` the generation is what arrives at the users.
        export_of: what the export is divided by.

    Returns:
        Index day; `direct_generated_kwh`, `direct_exported_kwh`, `direct_selfuse_kwh`,
        `direct_available_kwh` (= generated where available power is not metered),
        `direct_users_kwh`, `direct_base_kwh`.
    """
    columns = ["direct_kwh", "direct_export_kwh", "consumption_kwh"]
    together = pd.concat([u[columns] for u in users], axis=1, join="inner")
    sums = {name: together[[name]].sum(axis=1) for name in columns}
    metered = [r for r in PLANT_ROLES[:3] if r in plant.columns]
    days = together.index.intersection(plant[metered].dropna().index) if metered else together.index
    arrived, again = sums["direct_kwh"].loc[days], sums["direct_export_kwh"].loc[days]

    def of_plant(role: Role, otherwise: pd.Series[float]) -> pd.Series[float]:
        return plant.loc[days, role] if role in plant.columns else otherwise

    generated = of_plant(Role.DIRECT_GENERATION, arrived)
    exported = of_plant(Role.DIRECT_EXPORT, 0.0 * arrived) + again
    available = of_plant(Role.DIRECT_AVAILABLE, generated).clip(lower=generated)
    return pd.DataFrame(
        {
            "direct_generated_kwh": generated,
            "direct_exported_kwh": exported,
            "direct_selfuse_kwh": generated - exported,
            "direct_available_kwh": available,
            "direct_users_kwh": sums["consumption_kwh"].loc[days],
            "direct_base_kwh": available if export_of == "available" else generated,
        }
    )


def curtailment_days(balance: pd.DataFrame, plant: pd.DataFrame) -> pd.DataFrame:
    """What plants could have made and did not, where available power is metered.

    Args:
        balance: daily balances of the enterprise; plant: as for `direct_days`.

    Returns:
        Index day; `available_kwh`, `curtailed_kwh` = available - generated, never below zero.
    """
    made = {
        Role.DIRECT_AVAILABLE: plant.get(Role.DIRECT_GENERATION, balance.get("direct_kwh")),
        Role.ONSITE_AVAILABLE: balance.get("onsite_kwh"),
    }
    parts = [
        pd.DataFrame({"available_kwh": plant[role], "made_kwh": generation}).dropna()
        for role, generation in made.items()
        if role in plant.columns and generation is not None
    ]
    for part in parts:
        part["curtailed_kwh"] = (part["available_kwh"] - part["made_kwh"]).clip(lower=0.0)
    if not parts:
        return pd.DataFrame(columns=["available_kwh", "curtailed_kwh"], dtype=float)
    return pd.concat(parts).groupby(level=0).sum()[["available_kwh", "curtailed_kwh"]]
