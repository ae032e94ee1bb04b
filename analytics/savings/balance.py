"""Search for the balance points of heating and cooling."""

from __future__ import annotations

import numpy as np
from statsmodels.stats.diagnostic import het_breuschpagan  # type: ignore[import-untyped]

from analytics.savings.drivers import Array
from analytics.savings.frame import COOLING, HEATING, Frame

COARSE_DEGC = np.arange(-1.0, 33.0, 1.0)  # 30 to 90 F: CalTRACK 2.0, 3.2.1
FINE_DEGC = np.arange(-1.0, 1.01, 0.25)
FEWEST_DAYS = 10  # with degree days, and 20 F of them: CalTRACK 2.0, 3.2.2.2
FEWEST_KELVIN_DAYS = 20 / 1.8
FLOOR = 0.1  # of the mean use: a weight must not grow without bound
SURE = 0.01

Pair = tuple[float | None, float | None]


def balance_points(frame: Frame, others: Array, kinds: tuple[str, ...]) -> Pair | None:
    """Heating and cooling balance points [degC] of the least squared error, None if none is fit.

    Where the scatter grows with the use (Breusch-Pagan, p < 0.01) the search is repeated with
    weights 1/fitted^2: a few large winter days would otherwise place a point by their scatter.

    Args:
        frame: the baseline.
        others: remaining columns of the model, (periods, columns).
        kinds: of `hdd`, `cdd` or both.

    Source: grid and fewest degree days of CalTRACK 2.0, 3.2; weights: ours (feasible
        generalised least squares, Greene, Econometric Analysis, 9.6).
    """
    flat = frame.known_days.copy()
    found, fitted = _search(frame, others, kinds, flat)
    if found is None or fitted is None:
        return None
    residuals = frame.use - fitted
    grown = np.column_stack([np.ones(len(fitted)), fitted])
    if np.ptp(fitted) > 0 and het_breuschpagan(residuals, grown)[1] < SURE:
        scale = np.maximum(fitted, FLOOR * frame.use.mean())
        again, _ = _search(frame, others, kinds, flat / scale**2)
        found = again or found
    return found


def _search(
    frame: Frame, others: Array, kinds: tuple[str, ...], weights: Array
) -> tuple[Pair | None, Array | None]:
    coarse = dict.fromkeys(kinds, COARSE_DEGC)
    pair, _ = _best(frame, others, coarse, weights)
    if pair is None:
        return None, None
    centre = dict(zip((HEATING, COOLING), pair, strict=True))
    fine = {k: FINE_DEGC + (centre[k] or 0.0) for k in kinds}
    return _best(frame, others, fine, weights)


def _best(
    frame: Frame, others: Array, grids: dict[str, Array], weights: Array
) -> tuple[Pair | None, Array | None]:
    columns = {k: _columns(frame, k, grid) for k, grid in grids.items()}
    root = np.sqrt(weights)
    basis, _ = np.linalg.qr(others * root[:, None])
    target = frame.use * root
    rest = target - basis @ (basis.T @ target)
    free = {
        k: {b: _part(v * root, basis) for b, v in found.items()} for k, found in columns.items()
    }
    heating: list[float | None] = list(free.get(HEATING, {None: None}))
    cooling: list[float | None] = list(free.get(COOLING, {None: None}))
    best: tuple[float, Pair, Array] | None = None
    for h in heating:
        for c in cooling:
            if h is not None and c is not None and c < h:
                continue
            parts = [free[k][b] for k, b in ((HEATING, h), (COOLING, c)) if b is not None]
            x = np.column_stack(parts)
            slopes, *_ = np.linalg.lstsq(x, rest, rcond=None)
            left = rest - x @ slopes
            error = float(left @ left)
            if (best is None or error < best[0]) and (slopes > 0).all():
                best = (error, (h, c), left)
    if best is None:
        return None, None
    return best[1], (target - best[2]) / root


def _part(column: Array, basis: Array) -> Array:
    """What the other columns do not explain."""
    part: Array = column - basis @ (basis.T @ column)
    return part


def _columns(frame: Frame, kind: str, grid: Array) -> dict[float, Array]:
    """Degree days of the balance points that have enough of them."""
    found = {}
    days = frame.known_days
    for base in grid:
        column = frame.degree_days(kind, float(base))
        if days[column > 0].sum() >= FEWEST_DAYS and column @ days >= FEWEST_KELVIN_DAYS:
            found[float(base)] = column
    return found
