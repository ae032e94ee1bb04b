"""What explains a night of the same meter, and a constant leak leaves alone."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pandas as pd

from analytics.water.night_flow import Floats, night_mean, night_minimum


def night_companions(
    at_s: Floats,
    flow_m3_per_h: Floats,
    period_s: int,
    zone: ZoneInfo,
    nights: pd.Series[float],
) -> pd.DataFrame:
    """Flow of other hours less the minimum of the night [m3/h], by date.

    A leak raises the other hours as much as the minimum, so their difference does not know of it;
    what people use at night it does. The evening and the day before are those of the eve.

    Args:
        at_s, flow_m3_per_h, period_s, zone: as in `night_minimum`, all hours of the day.
        nights: minimum of each night [m3/h] by date.
    """

    def mean(first: int, stop: int) -> pd.Series[float]:
        return night_mean(at_s, flow_m3_per_h, period_s, zone, (first, stop))

    others = {
        "early": night_minimum(at_s, flow_m3_per_h, period_s, zone, (0, 2)),
        "night": mean(0, 5),
        "morning": mean(4, 6),
        "day_before": mean(8, 24).shift(1),
        "evening_before": mean(22, 24).shift(1),
    }
    return pd.DataFrame(others).sub(nights, axis=0)
