"""Times of device templates: how a row tells its time, and reading it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, PlainValidator, model_validator

from collectors.formats.base import Incoming, Options, local_us, rfc3339_us
from collectors.formats.loose import arrival_us, epoch_s_us, whole_ms_us
from collectors.formats.paths import Path, path
from models.errors import PayloadError
from models.sources import Zone

_DIRECTIVES = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)


def _path(text: Any) -> Path:
    if not isinstance(text, str):
        msg = f"a path is text, got {text!r}"
        raise ValueError(msg)  # noqa: TRY004 - pydantic reports ValueError with its place
    return path(text)


def date_pattern(text: str) -> re.Pattern[str]:
    """Expression for times of a format of `%Y %y %m %d %H %M %S %f`; stricter than strptime.

    Raises:
        ValueError: another directive, or one twice.
    """
    made = ""
    for fixed, directive in re.findall(r"([^%]*)(%.|$)", text):
        made += re.escape(fixed)
        letter = directive[1:]
        if letter == "f":
            made += r"(?P<f>\d{1,6})"
        elif letter in _DIRECTIVES:
            made += rf"(?P<{letter}>\d{{{_DIRECTIVES[letter]}}})"
        elif directive:
            msg = f"{directive} in {text!r}; expected only %Y %y %m %d %H %M %S %f"
            raise ValueError(msg)
    try:
        found = re.compile(made, re.ASCII)
    except re.error as exc:
        msg = f"{text!r}: {exc}"
        raise ValueError(msg) from None
    if not {"m", "d"} <= found.groupindex.keys() or not {"Y", "y"} & found.groupindex.keys():
        msg = f"{text!r} has no year, month and day"
        raise ValueError(msg)
    return found


PathField = Annotated[Path, PlainValidator(_path)]


class Time(BaseModel):
    """One way to tell the time of a row; a template lists them, the first that fits is used.

    Attributes:
        path: where the time is.
        form: `local` is a device's own time without a zone.
        format: directives of `local`.
        timezone: zone of `local`, if the device type has a fixed one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal["epoch_s", "epoch_ms", "rfc3339", "local", "arrival"]
    path: PathField | None = None
    format: str | None = None
    timezone: Zone | None = None

    @model_validator(mode="after")
    def _complete(self) -> Time:
        if (self.form == "arrival") != (self.path is None):
            msg = "every form but `arrival` has a path"
            raise ValueError(msg)
        if (self.form == "local") != (self.format is not None):
            msg = "`local`, and nothing else, has a format"
            raise ValueError(msg)
        if self.timezone is not None and self.form != "local":
            msg = "only `local` has a timezone"
            raise ValueError(msg)
        if self.format is not None:
            date_pattern(self.format)
        return self

    @cached_property
    def local(self) -> re.Pattern[str]:
        """Expression of the local format."""
        return date_pattern(self.format or "")

    @cached_property
    def zone(self) -> ZoneInfo | None:
        """Zone of the device type."""
        return ZoneInfo(self.timezone) if self.timezone else None


def time_us(times: Sequence[Time], root: Any, row: Any, message: Incoming, options: Options) -> int:
    """Time of a row: the first of `times` that is there and has the form.

    Raises:
        PayloadError: none fits, or the one that fits is no time.
    """
    present: tuple[str, Any] | None = None
    zoneless = False
    for time in times:
        if time.path is None:
            if present is None or zoneless:
                return arrival_us(message)
            continue
        found = time.path.find(root, row)
        if not found or found[0] is None:
            continue
        present = (time.path.text, found[0])
        if time.form == "local" and time.local.fullmatch(_digits(found[0])):
            zone = options.timezone or time.zone
            if zone is None:
                zoneless = True
                continue
            return local_us(_local(time, found[0]), zone, time.path.text)
        at_us = _absolute(time, found[0])
        if at_us is not None:
            return at_us
    if present is None:
        raise PayloadError("time_format", "time", None, "a time stamp in every row")
    if zoneless:
        raise PayloadError("no_zone", *present, "`timezone` of the source in park.yaml")
    raise PayloadError("time_format", *present, f"a time as {_forms(times)}")


def _digits(value: Any) -> str:
    return str(value) if type(value) in (str, int) else ""


def _local(time: Time, value: Any) -> datetime:
    found = time.local.fullmatch(_digits(value))
    parts = found.groupdict() if found else {}
    year = int(parts["Y"]) if "Y" in parts else 2000 + int(parts["y"])
    month, day, hour, minute, second = (int(parts.get(part, 0)) for part in "mdHMS")
    try:
        return datetime(  # noqa: DTZ001 - the zone is told apart
            year, month, day, hour, minute, second, int(parts.get("f", "0").ljust(6, "0"))
        )
    except ValueError as exc:
        name = time.path.text if time.path else "time"
        raise PayloadError("time_format", name, value, f"a time as {time.format}") from exc


def _absolute(time: Time, value: Any) -> int | None:
    """Time of an epoch or RFC 3339; None: the value is of another form."""
    name = time.path.text if time.path else "time"
    if time.form == "rfc3339":
        return rfc3339_us(value, name) if isinstance(value, str) else None
    if time.form == "local":
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if type(value) not in (int, float):
        return None
    return epoch_s_us(value, name) if time.form == "epoch_s" else whole_ms_us(value, name)


def _forms(times: Sequence[Time]) -> str:
    return " or ".join(dict.fromkeys(time.format or time.form for time in times))
