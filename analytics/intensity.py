"""Specific consumption: energy or water per tonne of product."""

from __future__ import annotations

import numpy as np
import pandas as pd


def specific_consumption(
    amount: pd.Series[float], product_t: pd.Series[float], window_days: int
) -> pd.DataFrame:
    """Amount per tonne over a sliding window of whole local days.

    Args:
        amount: per local day, e.g. kWh or m3; index `date`.
        product_t: tonnes of the same days.
        window_days: length of the window; the result of day d covers `(d - window_days, d]`.

    Returns:
        Index: days from the first full window on, every calendar day. Columns `amount`,
        `product_t`, `value` (NaN without product or with a missing day) and `days` (days of the
        window for which both inputs exist). Missing days are never zero: such a window has no
        value.

    Source: unit product consumption e = E / P, GB/T 2589-2020 (energy); V / P in the sense of
        GB/T 18916 (water).
    """
    both = pd.DataFrame({"amount": amount, "product_t": product_t}).dropna()
    if both.empty:
        return pd.DataFrame(columns=["amount", "product_t", "value", "days"])
    calendar = pd.date_range(min(both.index), max(both.index), freq="D")
    both.index = pd.DatetimeIndex(both.index)
    full = both.reindex(calendar)
    window = full.rolling(window_days, min_periods=1)
    out = window.sum()
    out["days"] = window["amount"].count()
    complete = (out["days"] == window_days) & (out["product_t"] > 0)
    out["value"] = np.where(complete, out["amount"] / out["product_t"].where(complete), np.nan)
    out = out.iloc[window_days - 1 :]
    out.index = pd.Index([t.date() for t in calendar[window_days - 1 :]], name="day")
    return out
