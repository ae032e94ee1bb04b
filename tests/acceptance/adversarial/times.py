"""Times of the case files: local, short, on the day of the case unless they name another."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

_TIME = re.compile(
    r"(?:(?:(\d{4})-)?(\d\d)-(\d\d) )?(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?([+-]\d\d:\d\d)?"
)
_PAUSE = re.compile(r"([+-])(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str, day: date, zone: ZoneInfo) -> datetime:
    """`[[YYYY-]MM-DD ]HH:MM[:SS[.ffffff]][+hh:mm]`, in the zone of the park without an offset."""
    found = _TIME.fullmatch(text)
    assert found, f"{text!r} is no time"
    year, month, number, hour, minute, second, part, offset = found.groups()
    when = date(int(year or day.year), int(month), int(number)) if month else day
    clock = f"{when}T{hour}:{minute}:{second or '00'}.{(part or '').ljust(6, '0')}"
    if offset:
        return datetime.fromisoformat(clock + offset)
    return datetime.fromisoformat(clock).replace(tzinfo=zone)


def pause(text: str) -> timedelta | None:
    """`+20m`, `-5s`, `+3d`; None: it is something else."""
    found = _PAUSE.fullmatch(text)
    if not found:
        return None
    sign, number, unit = found.groups()
    return timedelta(**{_UNITS[unit]: int(sign + number)})
