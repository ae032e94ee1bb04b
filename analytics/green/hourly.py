"""Green energy that served the load of its own hour."""

from __future__ import annotations

import numpy as np

from analytics.green.shares import DayTable, Ints
from analytics.green.supply import Floats


def matched_days(
    day: Ints, load_kwh: Floats, green_load_kwh: Floats, traded_kwh: Floats
) -> DayTable:
    """Matched energy of each local day: sum over hours of min(green, load).

    Args:
        day: ordinal of the local day of each hour, ascending.
        load_kwh, green_load_kwh: end use of each hour, and what of it own supply served.
        traded_kwh: green trades of the hour by their curve; a trade without a curve matches none.

    Returns:
        column `matched_kwh`.

    Source: hourly share, domain facts 1.4; what takes part, convention 11.6.
    """
    matched = np.minimum(green_load_kwh + traded_kwh, load_kwh)
    days, first = np.unique(day, return_index=True)
    return DayTable(days, {"matched_kwh": np.add.reduceat(matched, first)})
