"""DL/T 645-2007: from a response frame of a Chinese electricity meter to values.

Source: DL/T 645-2007, 5.2 (frame), 6.1 (33H offset, low byte first), annex A.1 and A.2 (data
identifiers, BCD formats); the amendment of 2013 for the sign in the highest bit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from models.errors import PayloadError

_NORMAL, _NORMAL_MORE = 0x91, 0xB1
_ERROR = 0xD1
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}\s*)+")


class Item(NamedTuple):
    """A data item: width in bytes, decimal places, unit, highest bit is a sign."""

    name: str
    width: int
    decimals: int
    unit: str
    signed: bool = False


def _items() -> dict[int, Item]:
    energies = (
        (0x00, "combined_active_energy", "kWh", True),
        (0x01, "forward_active_energy", "kWh", False),
        (0x02, "reverse_active_energy", "kWh", False),
        (0x03, "combined_reactive_energy_1", "kvarh", True),
        (0x04, "combined_reactive_energy_2", "kvarh", True),
    )
    items = {
        kind << 16 | tariff << 8: Item(name + (f"_t{tariff}" if tariff else ""), 4, 2, unit, sign)
        for kind, name, unit, sign in energies
        for tariff in range(5)  # total; t1 sharp 尖, t2 peak 峰, t3 flat 平, t4 valley 谷
    }
    instant = (
        (0x01, "voltage", 2, 1, "V", False),
        (0x02, "current", 3, 3, "A", True),
        (0x03, "active_power", 3, 4, "kW", True),
        (0x04, "reactive_power", 3, 4, "kvar", True),
        (0x05, "apparent_power", 3, 4, "kVA", False),
        (0x06, "power_factor", 2, 3, "ratio", True),
    )
    for kind, name, width, decimals, unit, sign in instant:
        for phase, suffix in enumerate(("", "_a", "_b", "_c")):
            if phase or kind > 0x02:  # there is no total voltage or current
                place = 0x02 << 24 | kind << 16 | phase << 8
                items[place] = Item(name + suffix, width, decimals, unit, sign)
    items[0x02800002] = Item("frequency", 2, 2, "Hz")
    return items


ITEMS: Mapping[int, Item] = MappingProxyType(_items())
NAMES: Mapping[str, Item] = MappingProxyType({i.name: i for i in ITEMS.values()})


@dataclass(frozen=True)
class Response:
    """What one frame says; a value that the meter fills with FF is absent."""

    address: str
    values: Mapping[str, float]


def decode_frame(text: str) -> Response | None:
    """Decode a frame in hexadecimal, with or without blanks and leading FE.

    Returns:
        None for a frame of the asking side, which carries no value.

    Raises:
        PayloadError: `frame`, `checksum`, `meter_error`, `data_id` or `bcd`.
    """
    if not _HEX.fullmatch(text.strip()):
        raise PayloadError("frame", "frame", text, "hexadecimal bytes")
    frame = bytes.fromhex("".join(text.split())).lstrip(b"\xfe")
    if len(frame) < 12 or frame[0] != 0x68 or frame[7] != 0x68:
        raise PayloadError("frame", "frame", text, "68 <6 bytes address> 68 C L <data> CS 16")
    length = frame[9]
    if len(frame) != 12 + length or frame[-1] != 0x16:
        raise PayloadError("frame", "length", len(frame), f"{12 + length} bytes that end in 16")
    if sum(frame[:-2]) & 0xFF != frame[-2]:
        expected = f"{sum(frame[:-2]) & 0xFF:02X}"
        raise PayloadError("checksum", "CS", f"{frame[-2]:02X}", expected)
    control, data = frame[8], bytes((b - 0x33) & 0xFF for b in frame[10:-2])
    if not control & 0x80:
        return None
    address = frame[6:0:-1].hex()
    if control == _ERROR:
        raise PayloadError("meter_error", "ERR", data.hex().upper(), "a normal answer")
    if control not in (_NORMAL, _NORMAL_MORE) or length < 4:
        raise PayloadError("frame", "C", f"{control:02X}", "91 or B1, the answer to a reading")
    return Response(address, _values(int.from_bytes(data[:4], "little"), data[4:]))


def _values(data_id: int, data: bytes) -> dict[str, float]:
    if data_id >> 8 & 0xFF == 0xFF:  # a block: total and tariffs, or the phases
        kind = data_id >> 16
        first = 1 if kind in (0x0201, 0x0202) else 0
        ids = [kind << 16 | place << 8 for place in range(first, 256)]
        one = False
    else:
        ids, one = [data_id], True
    if ids[0] not in ITEMS:
        raise PayloadError(
            "data_id", "DI", f"{data_id:08X}", "a data identifier of docs/gateway.md"
        )
    values = {}
    for place in ids:
        item = ITEMS.get(place)
        if item is None or len(data) < item.width:
            break
        raw, data = data[: item.width], data[item.width :]
        value = _bcd(raw, item, strict=one)
        if value is not None:
            values[item.name] = value
    if one and data:
        raise PayloadError("frame", "data", data.hex(), f"{ITEMS[data_id].width} bytes of data")
    return values


def _bcd(raw: bytes, item: Item, *, strict: bool) -> float | None:
    digits = bytearray(reversed(raw))
    if set(raw) == {0xFF}:
        return None
    negative = item.signed and bool(digits[0] & 0x80)
    if negative:
        digits[0] &= 0x7F
    text = digits.hex()
    if not text.isdecimal():
        if strict:
            raise PayloadError("bcd", item.name, text.upper(), "decimal digits")
        return None
    value: float = int(text) / 10**item.decimals
    return -value if negative else value
