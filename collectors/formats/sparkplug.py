"""Payloads of Sparkplug B: bytes to metrics, metrics to numbers, and the one command we send.

No state here: who was born and which sequence number comes next is `sparkplug_host`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from collectors.formats.base import epoch_ms_us
from models.errors import PayloadError
from models.quantities import QUANTITIES
from models.sparkplug import DataType, Payload

MAX_METRICS = 10_000
_MAX_NAME = 1_000
_COMPRESSED = "SPBV1.0_COMPRESSED"
_GOOD_QUALITY = 192  # Source: Sparkplug 3.0.0, 6.4.7.1; 0 is bad, 500 stale
_CONTROL = ("Node Control/", "Device Control/")
_UNITS = frozenset(unit for quantity in QUANTITIES.values() for unit in quantity.accepted)
_UNIT_KEYS = frozenset({"engunit", "engineeringunit", "engineeringunits"})

# Data type -> bits. Source: Sparkplug 3.0.0, 6.4.16 (negative numbers in two's complement).
_SIGNED: dict[int, int] = {
    DataType.INT8: 8,
    DataType.INT16: 16,
    DataType.INT32: 32,
    DataType.INT64: 64,
}
_INTEGERS = _SIGNED | {
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
}
_NUMERIC = frozenset(_INTEGERS) | {DataType.FLOAT, DataType.DOUBLE}


class Definition(NamedTuple):
    """What a birth certificate says of one metric; the unit only if the catalogue knows it."""

    name: str
    datatype: int
    alias: int | None = None
    unit: str | None = None


@dataclass(slots=True)
class Table:
    """The metrics of one birth certificate, by name and by alias."""

    names: dict[str, Definition] = field(default_factory=dict)
    aliases: dict[int, Definition] = field(default_factory=dict)

    @classmethod
    def of(cls, definitions: Iterable[Definition]) -> Table:
        """Table of definitions whose names and aliases are unique."""
        made = cls()
        for definition in definitions:
            made.names[definition.name] = definition
            if definition.alias is not None:
                made.aliases[definition.alias] = definition
        return made

    def find(self, metric: Any) -> Definition | None:
        """Definition of a metric that comes by name or by alias only."""
        if metric.name:
            return self.names.get(metric.name)
        return self.aliases.get(metric.alias) if metric.HasField("alias") else None


def parse(payload: bytes) -> Any:
    """The protobuf message of a payload.

    Raises:
        PayloadError: no Sparkplug B payload, a compressed one, or one with too many metrics.
    """
    expected = "a Sparkplug B payload (protobuf), not compressed"
    try:
        parsed = Payload.FromString(payload)
        compressed = parsed.uuid == _COMPRESSED
    except (DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise PayloadError("protobuf", "payload", payload[:80], expected) from exc
    if compressed:
        raise PayloadError("protobuf", "payload", _COMPRESSED, expected)
    if len(parsed.metrics) > MAX_METRICS:
        got = f"{len(parsed.metrics)} metrics"
        raise PayloadError("items", "metrics", got, f"at most {MAX_METRICS} metrics")
    return parsed


def define(payload: Any, problems: list[PayloadError]) -> Iterator[tuple[Any, Definition]]:
    """Every usable metric of a birth certificate with its definition; the others are problems.

    An alias that stands for two metrics is none: neither can be told from the other later.
    """
    seen: set[str] = set()
    counts: dict[int, int] = {}
    for metric in payload.metrics:
        if metric.HasField("alias"):
            counts[metric.alias] = counts.get(metric.alias, 0) + 1
    for metric in payload.metrics:
        name = metric.name  # bytes where it is not UTF-8
        usable = isinstance(name, str) and 0 < len(name) <= _MAX_NAME and "\0" not in name
        if not usable or name in seen:
            problems.append(PayloadError("metric", "name", name, "a name used once, in UTF-8"))
            continue
        seen.add(name)
        datatype = metric.datatype
        if not 0 < datatype <= DataType.LAST:
            problems.append(PayloadError("datatype", name, datatype, "a data type of Sparkplug B"))
            continue
        alias = metric.alias if metric.HasField("alias") else None
        if alias is not None and counts[alias] > 1:
            problems.append(PayloadError("metric", name, f"alias {alias}", "an alias used once"))
            alias = None
        yield metric, Definition(name, datatype, alias, _unit(metric))


def is_reading(metric: Any, definition: Definition) -> bool:
    """False for what is no number to keep: controls, text, states, null, transient values."""
    return (
        definition.datatype in _NUMERIC
        and not metric.is_null
        and not metric.is_transient
        and definition.name != "bdSeq"
        and not definition.name.startswith(_CONTROL)
    )


def time_us(metric: Any, payload: Any, name: str) -> int:
    """Time of measurement: the metric's own, else that of the message.

    Raises:
        PayloadError: neither has one, or it is before 2000 or beyond the calendar.
    """
    for holder in (metric, payload):
        if holder.HasField("timestamp"):
            return epoch_ms_us(holder.timestamp, name)
    raise PayloadError("no_time", name, None, "a timestamp of the metric or of the payload")


def number(metric: Any, definition: Definition) -> float:
    """The value of a numeric metric; integers beyond 2^53 are rounded to a double.

    Raises:
        PayloadError: no value, NaN, infinite, beyond its data type, or of bad quality.
    """
    name, datatype = definition.name, definition.datatype
    if metric.HasField("datatype") and metric.datatype != datatype:
        raise PayloadError("datatype", name, metric.datatype, f"{datatype} as in the birth")
    if metric.HasField("properties"):
        _check_quality(metric, name)
    kind = metric.WhichOneof("value")
    if kind is None:
        raise PayloadError("not_a_number", name, None, "a value, or is_null")
    if datatype in _INTEGERS:
        return float(integer(metric, kind, definition))
    if kind not in ("float_value", "double_value"):
        raise PayloadError("datatype", name, kind, "float_value or double_value")
    value = float(getattr(metric, kind))
    if not math.isfinite(value):
        raise PayloadError("not_finite", name, value, "a finite number")
    return value


def integer(metric: Any, kind: str, definition: Definition) -> int:
    """Whole number of a metric; a negative one as its own bits or as all bits of the field.

    Raises:
        PayloadError: no integer field, or more than the data type can hold.
    """
    widths = {"int_value": 32, "long_value": 64}
    if kind not in widths:
        raise PayloadError("datatype", definition.name, kind, "int_value or long_value")
    raw: int = getattr(metric, kind)
    bits = _INTEGERS[definition.datatype]
    signed, span = definition.datatype in _SIGNED, 1 << bits
    if raw < span:
        return raw - span if signed and raw >= span // 2 else raw
    extended = raw - (1 << widths[kind])
    if signed and extended >= -span // 2:
        return extended
    kinds = f"{'' if signed else 'unsigned '}{bits} bit integer"
    raise PayloadError("datatype", definition.name, raw, f"what a {kinds} can hold")


def death_number(payload: Any) -> int | None:
    """The bdSeq of a birth or death certificate: which will belongs to which birth."""
    for metric in payload.metrics:
        if metric.name == "bdSeq" and metric.WhichOneof("value") in ("int_value", "long_value"):
            return int(metric.int_value or metric.long_value)
    return None


def rebirth_command(at_ms: int) -> bytes:
    """Payload that asks a node for its birth certificates; by name, without a sequence number.

    Source: Sparkplug 3.0.0, 6.4.21 and 5.13.
    """
    command = Payload(timestamp=at_ms)
    command.metrics.add(
        name="Node Control/Rebirth",
        timestamp=at_ms,
        datatype=DataType.BOOLEAN,
        boolean_value=True,
    )
    return bytes(command.SerializeToString())


def _properties(metric: Any) -> Iterator[tuple[str, Any]]:
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if isinstance(key, str):
            yield key, value


def _check_quality(metric: Any, name: str) -> None:
    for key, value in _properties(metric):
        said = key == "Quality" and value.WhichOneof("value") == "int_value"
        if said and value.int_value != _GOOD_QUALITY:
            raise PayloadError("quality", name, value.int_value, f"{_GOOD_QUALITY} (good)")


def _unit(metric: Any) -> str | None:
    if not metric.HasField("properties"):
        return None
    for key, value in _properties(metric):
        if key.replace(" ", "").lower() in _UNIT_KEYS and value.string_value in _UNITS:
            return str(value.string_value)
    return None
