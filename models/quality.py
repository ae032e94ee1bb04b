"""How sure a 15-minute value is, and how an estimate was made."""

from __future__ import annotations

METHODS = ("", "linear", "like_days", "flat", "even", "source")
"""How a value was made: measured; straight line; shape of like days; shape unknown, spread evenly
over the pause; spread evenly over a long period; estimated by the source itself."""

MEASURED, LINEAR, LIKE_DAYS, FLAT, EVEN, SOURCE = range(len(METHODS))
