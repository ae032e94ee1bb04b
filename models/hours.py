"""Hours of the day and days of the week in which something is done, local to the park."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

_PATTERN = r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)"


def _range(text: str) -> str:
    if not re.fullmatch(_PATTERN, text) or text[:5] == text[6:]:
        msg = "expected FROM-TO, two different times of 24 hours such as 08:00-20:00 or 22:00-06:00"
        raise ValueError(msg)
    return text


HourRange = Annotated[
    str, AfterValidator(_range), Field(json_schema_extra={"pattern": f"^{_PATTERN}$"})
]
"""`08:00-20:00`, without its end; `22:00-06:00` goes on into the next day."""

Weekday = Annotated[int, Field(ge=1, le=7)]
"""1 Monday to 7 Sunday."""


def within(
    local: datetime, hours: Sequence[HourRange] | None, weekdays: Sequence[Weekday] | None
) -> bool:
    """True in one of the ranges on one of the days; None: at all hours, on all days.

    The part of a range after midnight belongs to the day on which the range began.
    """
    minute, today = 60 * local.hour + local.minute, local.isoweekday()
    yesterday = (today - 2) % 7 + 1
    for text in hours or ("00:00-24:00",):
        begin, end = (60 * int(t[:2]) + int(t[3:]) for t in text.split("-"))
        if begin < end:
            day = today if begin <= minute < end else None
        else:
            day = today if minute >= begin else yesterday if minute < end else None
        if day is not None and (weekdays is None or day in weekdays):
            return True
    return False
