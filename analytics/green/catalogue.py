"""The indicators of green power: key, formula, periods; rows 1 to 15 of domain facts 8."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from analytics.green.shares import Amounts
from analytics.green.supply import Floats
from models.indicators import PeriodKind


@dataclass(frozen=True)
class Factors:
    """Published figures of a year that metering cannot tell; None: not set.

    Attributes:
        allocation_ratio: provincial coefficient k of S4.
        grid_cfe_ratio: carbon-free share of the grid mix.
        location_kg_per_kwh, market_kg_per_kwh: CO2 of electricity; market: of the residual mix.
        notes: what each figure rests on, by name of the figure.
    """

    allocation_ratio: float | None = None
    grid_cfe_ratio: float | None = None
    location_kg_per_kwh: float | None = None
    market_kg_per_kwh: float | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


Formula = Callable[[Amounts, Factors], tuple[Floats, Floats | None]]
_PERIODS: tuple[PeriodKind, ...] = ("month", "year", "ytd")
_SHARES: tuple[PeriodKind, ...] = (*_PERIODS, "rolling_12m")


@dataclass(frozen=True)
class GreenIndicator:
    """One indicator.

    Attributes:
        formula: numerator and denominator of every window; without a denominator the numerator
            is the value.
        needs: figure of `Factors` without which there is no value.
        uses_claims: it is final only when trades and certificates are settled.
        only_with: amount that a subject must have at all for the indicator to mean anything.
    """

    key: str
    unit: str
    formula: Formula
    kinds: tuple[PeriodKind, ...] = _PERIODS
    needs: str | None = None
    uses_claims: bool = False
    only_with: str | None = None


def _ratio(*parts: str, of: str) -> Formula:
    return lambda a, _: (np.sum([a[p] for p in parts], axis=0), a[of])


def _claimed(a: Amounts) -> Floats:
    """T + C under the cap."""
    return a["green_trade_kwh"] + a["nuclear_trade_kwh"] + a["certificate_kwh"]


def _nonfossil(a: Amounts, f: Factors) -> tuple[Floats, Floats]:
    """S4 = NF / E, NF = P + T + C + A, A = (D - T - C) k. Source: 622号 annex 3."""
    claimed = _claimed(a)
    rest = np.maximum(a["grid_draw_kwh"] - claimed, 0.0)
    allocated = rest * (f.allocation_ratio or 0.0)
    return a["physical_green_kwh"] + claimed + allocated, a["consumption_kwh"]


def _cfe(a: Amounts, f: Factors) -> tuple[Floats, Floats]:
    """24/7 CFE: matched energy, and the rest at the carbon-free share of the grid (1.4)."""
    rest = a["load_kwh"] - a["matched_kwh"]
    return a["matched_kwh"] + rest * (f.grid_cfe_ratio or 0.0), a["load_kwh"]


def _metered(a: Amounts, _: Factors) -> tuple[Floats, Floats]:
    """Generation - export, as the meters say it, without tracing the storage (11.3)."""
    return a["onsite_kwh"] + a["direct_kwh"] - a["export_kwh"], a["consumption_kwh"]


def _location(a: Amounts, f: Factors) -> tuple[Floats, None]:
    """E_e = D EF_province (domain facts 5.2)."""
    return a["grid_draw_kwh"] * (f.location_kg_per_kwh or 0.0) / 1000, None


def _market(a: Amounts, f: Factors) -> tuple[Floats, None]:
    """E_e = (D - T - C) EF_residual (domain facts 5.2)."""
    return (a["grid_draw_kwh"] - _claimed(a)) * (f.market_kg_per_kwh or 0.0) / 1000, None


_CLAIMS = ("physical_green_kwh", "green_trade_kwh", "certificate_kwh")
_E, _LOAD, _RATIO = "consumption_kwh", "load_kwh", "ratio"
_DIRECT = "direct_generated_kwh"

ALUMINIUM_SHARE = GreenIndicator(
    "aluminium_green_share", _RATIO, _ratio(*_CLAIMS, of=_E), kinds=_SHARES, uses_claims=True
)
"""Of all smelters of a park together: checked by the province (domain facts 8, row 8)."""

GREEN_INDICATORS = (
    GreenIndicator(
        "green_share_physical", _RATIO, _ratio("physical_green_kwh", of=_E), kinds=_SHARES
    ),
    GreenIndicator(
        "green_share_traded", _RATIO, _ratio(*_CLAIMS[:2], of=_E), kinds=_SHARES, uses_claims=True
    ),
    GreenIndicator(
        "green_share_claim", _RATIO, _ratio(*_CLAIMS, of=_E), kinds=_SHARES, uses_claims=True
    ),
    GreenIndicator(
        "nonfossil_share", _RATIO, _nonfossil, needs="allocation_ratio", uses_claims=True
    ),
    GreenIndicator("green_share_metered", _RATIO, _metered),
    GreenIndicator("green_share_tracked", _RATIO, _ratio("green_load_kwh", of=_LOAD)),
    GreenIndicator(
        "green_share_hourly",
        _RATIO,
        _ratio("matched_kwh", of=_LOAD),
        kinds=_SHARES,
        uses_claims=True,
    ),
    GreenIndicator("cfe_score", _RATIO, _cfe, needs="grid_cfe_ratio", uses_claims=True),
    GreenIndicator(
        "direct_selfuse_of_gen",
        _RATIO,
        _ratio("direct_selfuse_kwh", of="direct_available_kwh"),
        only_with=_DIRECT,
    ),
    GreenIndicator(
        "direct_selfuse_of_load",
        _RATIO,
        _ratio("direct_selfuse_kwh", of="direct_users_kwh"),
        only_with=_DIRECT,
    ),
    GreenIndicator(
        "direct_export_ratio",
        _RATIO,
        _ratio("direct_exported_kwh", of="direct_base_kwh"),
        only_with=_DIRECT,
    ),
    GreenIndicator(
        "curtailment_rate",
        _RATIO,
        _ratio("curtailed_kwh", of="available_kwh"),
        only_with="available_kwh",
    ),
    GreenIndicator(
        "storage_eta",
        _RATIO,
        _ratio("discharge_kwh", of="charge_kwh"),
        kinds=(*_PERIODS, "rolling_30d"),
        only_with="charge_kwh",
    ),
    GreenIndicator(
        "gec_cap",
        _RATIO,
        _ratio("claimed_kwh", of="grid_draw_kwh"),
        uses_claims=True,
        only_with="claimed_kwh",
    ),
    GreenIndicator("electricity_co2_location", "tCO2", _location, needs="location_kg_per_kwh"),
    GreenIndicator(
        "electricity_co2_market", "tCO2", _market, needs="market_kg_per_kwh", uses_claims=True
    ),
)
