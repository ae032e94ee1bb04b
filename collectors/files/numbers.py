"""Numbers as files write them: decimal comma, thousands, markers for "no value"."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from collectors.files.mapping import MISSING

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


class NumberReader:
    """Cells to JSON: a number, text that the door will refuse, or nothing."""

    def __init__(self, decimal: str, thousands: str, missing: Iterable[str | float]) -> None:
        self._comma = decimal == ","
        blank = "[ \u00a0\u202f]" if thousands == " " else re.escape(thousands)
        point = re.escape(decimal)
        self._grouped = (
            re.compile(rf"[+-]?\d{{1,3}}({blank}\d{{3}})+({point}\d*)?") if thousands else None
        )
        self._separator = re.compile(blank)
        self._words = {*MISSING, *(str(m).strip().lower() for m in missing)}
        self._numbers = {Decimal(str(m)) for m in missing if _is_number(m)}

    def is_missing(self, cell: Any) -> bool:
        """True for an empty cell and for the markers, as text and as numbers."""
        if cell is None:
            return True
        if isinstance(cell, str) and cell.strip().lower() in self._words:
            return True
        if isinstance(cell, float) and math.isnan(cell):
            return True
        return bool(self._numbers) and self._decimal(cell) in self._numbers

    def json(self, cell: Any, scale: Decimal | None = None) -> str:
        """The cell as JSON: what is no number comes out as text, for the door to refuse.

        Args:
            scale: factor to the unit of the channel; calculated in decimals, so that 0.1 MWh are
                100 kWh.
        """
        if isinstance(cell, str) and scale is None and not self._comma:
            text = cell.strip()
            if _JSON_NUMBER.fullmatch(text):
                return text
        number = self._decimal(cell)
        if number is None:
            return json.dumps(cell if isinstance(cell, str | bool) else str(cell))
        try:
            return str(number if scale is None else number * scale)
        except ArithmeticError:  # beyond what a decimal holds
            return json.dumps(str(cell))

    def _decimal(self, cell: Any) -> Decimal | None:
        if isinstance(cell, bool):
            return None
        if isinstance(cell, int | float | Decimal):
            return Decimal(str(cell)) if math.isfinite(cell) else None
        if not isinstance(cell, str):
            return None
        text = cell.strip()
        if self._grouped is not None and self._grouped.fullmatch(text):
            text = self._separator.sub("", text)
        if self._comma:
            if "." in text:
                return None
            text = text.replace(",", ".")
        try:
            number = Decimal(text) if "_" not in text else None
        except InvalidOperation:
            return None
        return number if number is not None and number.is_finite() else None


def _is_number(marker: str | float) -> bool:
    try:
        return math.isfinite(float(marker))
    except ValueError:
        return False
