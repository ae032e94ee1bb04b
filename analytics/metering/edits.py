"""Totals that somebody knows, spread over the quarter-hours of their range."""

from __future__ import annotations

from collections.abc import Sequence


def spread_total(total: float, present: Sequence[float]) -> list[float]:
    """A total in proportion to the present values, 0 for a missing one.

    Evenly where none says anything: all are zero or missing, or their signs differ, so that a
    small sum would make huge parts.
    """
    whole = sum(present)
    if whole == 0 or (min(present) < 0 < max(present)):
        return [total / len(present)] * len(present)
    return [total * (value / whole) for value in present]
