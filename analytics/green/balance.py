"""15-minute energy balance of one enterprise and its daily sums.

Conventions (domain facts 11): green supply serves the enterprise first; grid import never feeds
export in the same interval; storage losses are part of consumption, generation is counted at the
generation meter and never again at discharge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pandas as pd

from models.meters import Role

BALANCE_ROLES = (
    Role.GRID_IMPORT,
    Role.GRID_EXPORT,
    Role.DIRECT_SUPPLY,
    Role.ONSITE_PV,
    Role.ONSITE_WIND,
    Role.STORAGE_CHARGE,
    Role.STORAGE_DISCHARGE,
)

METERED_COLUMNS = (
    "import_kwh",
    "export_kwh",
    "direct_kwh",
    "onsite_kwh",
    "charge_kwh",
    "discharge_kwh",
)

DAY_COLUMNS = (
    *METERED_COLUMNS,
    "physical_green_kwh",
    "grid_draw_kwh",
    "consumption_kwh",
    "estimated_kwh",
    "buckets",
)


def close_balances(
    energy_kwh: pd.DataFrame,
    roles: Mapping[int, str],
    in_service_from: Mapping[int, datetime] | None = None,
) -> pd.DataFrame:
    """Balance of every bucket in which each balance channel in service has a value.

    Args:
        energy_kwh: index bucket start, one column per channel id; NaN where there is no interval.
        roles: role of each channel; channels without a balance role are ignored.
        in_service_from: a channel that did not exist yet is not missing; without an entry a
            channel has always been in service.

    Returns:
        Index as given without incomplete buckets; columns `import_kwh` ... `consumption_kwh`
        of `DAY_COLUMNS`. A bucket with a missing channel is left out, never filled.

    Source: P, D, E of 发改能源〔2026〕622号 annex 3 (domain facts 1.1) with convention 11.3.
    """
    used = _balance_channels(energy_kwh, roles)
    metered = energy_kwh[used].copy()
    for channel, since in (in_service_from or {}).items():
        if channel in used:
            metered.loc[metered.index < since, channel] = 0.0
    closed = metered.dropna()

    def total(*wanted: Role) -> pd.Series[float]:
        return closed[[c for c in used if roles[c] in wanted]].sum(axis=1)

    out = pd.DataFrame(
        {
            "import_kwh": total(Role.GRID_IMPORT),
            "export_kwh": total(Role.GRID_EXPORT),
            "direct_kwh": total(Role.DIRECT_SUPPLY),
            "onsite_kwh": total(Role.ONSITE_PV, Role.ONSITE_WIND),
            "charge_kwh": total(Role.STORAGE_CHARGE),
            "discharge_kwh": total(Role.STORAGE_DISCHARGE),
        },
        index=closed.index,
    )
    green = out["direct_kwh"] + out["onsite_kwh"]
    green_export = np.minimum(out["export_kwh"], green)
    out["physical_green_kwh"] = green - green_export
    out["grid_draw_kwh"] = out["import_kwh"] - (out["export_kwh"] - green_export)
    out["consumption_kwh"] = out["grid_draw_kwh"] + out["physical_green_kwh"]
    return out


def balance_days(
    energy_kwh: pd.DataFrame,
    estimated: pd.DataFrame,
    roles: Mapping[int, str],
    timezone: str,
    in_service_from: Mapping[int, datetime] | None = None,
) -> pd.DataFrame:
    """Daily sums of the closed balances, days cut in the park's zone.

    Args:
        energy_kwh: see `close_balances`; the index is aware UTC.
        estimated: same shape, True where the value is an estimate.

    Returns:
        Index local day (date), columns `DAY_COLUMNS`. `estimated_kwh` is the metered energy of
        the closed buckets that was estimated; `buckets` counts the closed buckets.
    """
    closed = close_balances(energy_kwh, roles, in_service_from)
    used = _balance_channels(energy_kwh, roles)
    marked = energy_kwh.loc[closed.index, used].where(estimated.loc[closed.index, used], 0.0)
    closed["estimated_kwh"] = marked.sum(axis=1)
    closed["buckets"] = 1
    index = pd.DatetimeIndex(closed.index)
    days = pd.Index(index.tz_convert(timezone).date, name="day")
    return closed.groupby(days).sum()[list(DAY_COLUMNS)]


def _balance_channels(energy_kwh: pd.DataFrame, roles: Mapping[int, str]) -> list[int]:
    return [c for c in roles if roles[c] in BALANCE_ROLES and c in energy_kwh.columns]
