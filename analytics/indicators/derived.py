"""Items that are made of others, month by month, because their formula is no sum over months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analytics.indicators.base import Factors, Floats
from analytics.indicators.evaluate import MONTHS, Series
from models.energy import EnergySettings, carriers

_SOLD = "heat_sold_gj"


def with_derived(items: Mapping[str, Series], factors: Factors) -> dict[str, Series]:
    """The items and what follows from them; only what the enterprise has data for."""
    settings = factors.settings
    out = dict(items)
    fuels = [c.item for c in carriers() if c.item in items]
    fuels += [c.item for c in settings.carriers if c.item in items and c.item not in fuels]
    if fuels:
        out["fuel_tce"] = _fuel(items, fuels, settings, "kgce")
        out["fuel_co2_t"] = _fuel(items, fuels, settings, "co2_kg")
    reactive = [k for k in ("reactive_import_kvarh", "reactive_export_kvarh") if k in items]
    if "reactive_import_kvarh" in items:
        out["reactive_kvarh"] = combined([items[k] for k in reactive], [1.0] * len(reactive))
    anode = ("anode_net_t", "anode_sulphur_ratio", "anode_ash_ratio")
    if all(key in items for key in anode):
        net, sulphur, ash = (items[key] for key in anode)
        out["anode_co2_t"] = by_month([net, sulphur, ash], anode_co2_t(*_months(net, sulphur, ash)))
    effect = ("anode_effect_min", "liquid_aluminium_t")
    if all(key in items for key in effect):
        minutes, metal = (items[key] for key in effect)
        weighted = minutes.month * metal.month
        out["anode_effect_t"] = by_month([minutes, metal], weighted)
        out["pfc_co2e_t"] = by_month([minutes, metal], pfc_co2e_t(weighted, settings))
    return out


def anode_co2_t(net_t: Floats, sulphur_ratio: Floats, ash_ratio: Floats) -> Floats:
    """E = NC P (1 - S - A) 44/12 [tCO2]; NC P is the net anode consumption [t].

    Source: GB/T 32151.4 (domain facts 5.2).
    """
    return np.asarray(net_t * (1 - sulphur_ratio - ash_ratio) * 44 / 12, dtype=np.float64)


def pfc_co2e_t(effect_t: Floats, settings: EnergySettings) -> Floats:
    """CF4 = S AEM P, C2F6 = F CF4, weighted by their GWP [tCO2e].

    Args:
        effect_t: anode-effect minutes per cell-day times tonnes of liquid aluminium.

    Source: IPCC 2006 tier 2 (domain facts 5.2).
    """
    cf4_t = settings.cf4_slope_kg * effect_t / 1000
    return cf4_t * (settings.gwp_cf4 + settings.c2f6_ratio * settings.gwp_c2f6)


def combined(series: Sequence[Series], weights: Sequence[float]) -> Series:
    """Weighted sum; by day where all of them are."""
    days = [s.day for s in series]
    known = [d for d in days if d is not None]
    day = None
    if len(known) == len(series):
        day = np.sum([d * w for d, w in zip(known, weights, strict=True)], axis=0)
    month = np.sum([s.month * w for s, w in zip(series, weights, strict=True)], axis=0)
    return Series(
        month,
        np.min([s.complete for s in series], axis=0),
        np.max([s.estimated for s in series], axis=0),
        day,
        note="; ".join(dict.fromkeys(s.note for s in series if s.note)),
    )


def by_month(series: Sequence[Series], month: Floats) -> Series:
    """What is made of the months of others."""
    return Series(
        month,
        np.min([s.complete for s in series], axis=0),
        np.max([s.estimated for s in series], axis=0),
    )


def _months(*series: Series) -> list[Floats]:
    return [s.month for s in series]


def _fuel(
    items: Mapping[str, Series], fuels: Sequence[str], settings: EnergySettings, of: str
) -> Series:
    """Standard coal [tce] or CO2 [t] of the carriers; without a factor it cannot be told."""
    known = {key: getattr(settings.carrier(key), of) for key in fuels}
    unset = [key for key, value in known.items() if value is None]
    if unset:
        nothing = np.full(MONTHS, np.nan)
        note = f"{of} of {', '.join(unset)} is not set: energy.carriers of park.yaml"
        return Series(nothing, np.zeros(MONTHS), np.zeros(MONTHS), note=note)
    weights = [(-1.0 if key == _SOLD else 1.0) * float(known[key] or 0) / 1000 for key in fuels]
    made = combined([items[key] for key in fuels], weights)
    note = f"fuels and heat: {', '.join(fuels)}"
    return Series(made.month, made.complete, made.estimated, made.day, note=note)
