"""SenML packs in JSON (RFC 8428), with the secondary units of RFC 8798."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from collectors.formats.base import Decoded, Incoming, Options, RawValue, epoch_ms_us
from collectors.formats.loose import (
    MAX_ITEMS,
    arrival_us,
    check_values,
    epoch_s_us,
    number,
    parse,
)
from models.errors import PayloadError

VERSION = 10
RELATIVE_S = 1 << 28  # smaller times are relative to now. Source: RFC 8428, 4.5.3
_WHOLE_DEVICE = "value"
_MAX_NAME = 1_000  # characters; a long base name would be repeated in every record
_BASE_UNIT = "bu"  # codespell:ignore
# RFC 9039: type and identifier are the device, what follows is a part of it
_DEV_URN = re.compile(r"(urn:dev:[^:/_]+:[^:/_]+)(?:[:/_](.*))?", re.DOTALL)
_REGULAR = frozenset({"n", "u", "v", "s", "t", "ut"})
_OTHER_KINDS = ("vs", "vb", "vd")

# SenML -> (the catalogue's spelling, factor). `%` is the ratio and no percentage, `/100` is one.
# Source: RFC 8428, 12.1; RFC 8798; IANA registry SenML Units.
_UNITS: dict[str, tuple[str | None, float]] = {
    "Cel": ("degC", 1.0),
    "l": ("L", 1.0),
    "l/s": ("L/s", 1.0),
    "/": ("ratio", 1.0),
    "%": ("ratio", 1.0),
    "/100": ("percent", 1.0),
    "%RH": ("percent", 1.0),
    "%EL": ("percent", 1.0),
    "hPa": ("kPa", 0.1),
    "g": ("kg", 1e-3),
}
# Sums are integrals over seconds, in the unit times s. Source: RFC 8428, 4.1 (Value Sum)
_SUMS: dict[str, tuple[str | None, float]] = {
    "W": ("Wh", 1 / 3600),
    "kW": ("kWh", 1 / 3600),
    "var": ("varh", 1 / 3600),
    "kvar": ("kvarh", 1 / 3600),
    "m3/s": ("m3", 1.0),
    "l/s": ("L", 1.0),
    "m3/h": ("m3", 1 / 3600),
}


@dataclass(slots=True)
class _Base:
    """Base fields in effect; each holds until a later record changes it."""

    name: str = ""
    time_s: float = 0.0
    unit: str | None = None
    value: float | None = None
    total: float | None = None


class _Measured(NamedTuple):
    value: float
    unit: str | None


def decode(message: Incoming, options: Options) -> Decoded:
    """Decode a SenML pack; texts, booleans and data are no readings.

    Units that the catalogue does not know are handed on as they are: they are refused where the
    meter has the channel.

    Raises:
        PayloadError: no pack, a newer version, or a field that must be understood and is not.
    """
    pack = parse(message.payload, options.encoding)
    if not isinstance(pack, list) or not all(isinstance(record, dict) for record in pack):
        raise PayloadError("schema", "payload", pack, "a SenML pack: a list of records")
    if not 1 <= len(pack) <= MAX_ITEMS:
        raise PayloadError("items", "payload", f"{len(pack)} records", f"1 to {MAX_ITEMS} records")
    for record in pack:
        _check(record)
    out, base = Decoded(), _Base()
    for record in pack:
        _rebase(record, base)
        try:
            measured = _measured(record, base)
            if measured is not None:
                name = base.name + (_text(record, "n") or "")
                device, channel = split_name(name, message.topic)
                at_us = _time_us(base.time_s + (_float(record, "t") or 0.0), name, message)
                out.values.append(
                    RawValue(device, channel, at_us, measured.value, unit=measured.unit)
                )
        except PayloadError as exc:
            out.problems.append(exc)
    check_values(len(out.values) + len(out.problems))
    return out


def split_name(name: str, topic: str) -> tuple[str, str]:
    """Device and channel of a resolved name.

    A device URN is the device, the rest its channel. Any other name is cut at the last `/` or
    `:`. Without either, the last level of the topic is the device. A device without a rest
    measures `value`.

    Raises:
        PayloadError: no name at all.
    """
    urn = _DEV_URN.fullmatch(name)
    if urn:
        return urn[1], urn[2] or _WHOLE_DEVICE
    stem = name.rstrip("/:")
    if not stem:
        raise PayloadError("schema", "n", name, "a name, by bn or n")
    if stem != name:
        return stem, _WHOLE_DEVICE
    cut = max(name.rfind("/"), name.rfind(":"))
    return (name[:cut], name[cut + 1 :]) if cut > 0 else (topic.rsplit("/", 1)[-1], name)


def _check(record: dict[str, Any]) -> None:
    for label, value in record.items():
        if label.endswith("_"):
            raise PayloadError("schema", label, value, "no field that has to be understood")
    version = _float(record, "bver") or VERSION
    if version > VERSION:
        raise PayloadError("schema", "bver", version, f"at most {VERSION}")


def _rebase(record: dict[str, Any], base: _Base) -> None:
    if "bn" in record:
        base.name = _text(record, "bn") or ""
        if len(base.name) > _MAX_NAME:
            raise PayloadError("schema", "bn", base.name, f"at most {_MAX_NAME} characters")
    if "bt" in record:
        base.time_s = _float(record, "bt") or 0.0
    if _BASE_UNIT in record:
        base.unit = _text(record, _BASE_UNIT)
    if "bv" in record:
        base.value = _float(record, "bv")
    if "bs" in record:
        base.total = _float(record, "bs")


def _text(record: dict[str, Any], label: str) -> str | None:
    if label not in record:
        return None
    value = record[label]
    if not isinstance(value, str):
        raise PayloadError("schema", label, value, "text")
    return value


def _float(record: dict[str, Any], label: str) -> float | None:
    return number(record[label], label) if label in record else None


def _measured(record: dict[str, Any], base: _Base) -> _Measured | None:
    """Value of a record; its sum if it has no value; None for base fields alone and other kinds.

    A missing value or sum is zero where its base is given. Source: RFC 8428, 4.1
    """
    if not _REGULAR & record.keys() or any(kind in record for kind in _OTHER_KINDS):
        return None
    unit = _text(record, "u") or base.unit
    value, total = _float(record, "v"), _float(record, "s")
    if value is not None or (base.value is not None and total is None):
        measured = (value or 0.0) + (base.value or 0.0)
        spelled, factor = _UNITS.get(unit or "", (unit, 1.0))
    elif total is not None or base.total is not None:
        measured = (total or 0.0) + (base.total or 0.0)
        spelled, factor = _SUMS.get(unit or "", (f"{unit}.s" if unit else None, 1.0))
    else:
        return None
    return _Measured(number(measured * factor, "v"), spelled)


def _time_us(time_s: float, name: str, message: Incoming) -> int:
    if time_s >= RELATIVE_S:
        return epoch_s_us(time_s, name)
    if time_s <= -1e12:
        raise PayloadError("time_range", name, f"{time_s:.6g} s", "a time from 2000 on")
    at_us = arrival_us(message) + round(time_s * 1_000_000)
    epoch_ms_us(at_us // 1000, name)  # the same bounds
    return at_us
