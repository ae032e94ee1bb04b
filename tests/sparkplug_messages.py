"""Messages of a made-up edge node, for the tests of the Sparkplug host application."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.formats.base import Decoded, Incoming, Options
from collectors.formats.sparkplug_host import SparkplugHost
from models.sparkplug import DataType, Payload

GROUP, EDGE, DEVICE = "g", "gw", "em1"
SENT_MS = 1_772_324_100_000  # 2026-03-01T00:15:00Z
ARRIVED = datetime(2026, 3, 1, 0, 15, 1, tzinfo=UTC)

BITS = {1: 8, 2: 16, 3: 32, 4: 64, 5: 8, 6: 16, 7: 32, 8: 64}


def metric(name: str | None = None, value: Any = None, datatype: int = 10, **more: Any) -> Any:
    """A metric with its value in the field of its data type; `more` are fields as they are."""
    made = Payload().metrics.add(**more)
    if name is not None:
        made.name, made.datatype = name, datatype
    if value is None:
        return made
    if datatype in BITS:
        raw = value % (1 << BITS[datatype])  # two's complement in the bits of the type
        setattr(made, "long_value" if BITS[datatype] == 64 else "int_value", raw)
    elif datatype in (DataType.FLOAT, DataType.DOUBLE):
        setattr(made, "float_value" if datatype == DataType.FLOAT else "double_value", value)
    elif datatype == DataType.BOOLEAN:
        made.boolean_value = value
    else:
        made.string_value = value
    return made


def payload(seq: int | None, *metrics: Any, timestamp: int | None = SENT_MS) -> bytes:
    """A payload; every message of a test has its own sequence number, so its own time too."""
    made = Payload(metrics=metrics)
    if seq is not None:
        made.seq = seq
    if timestamp is not None:
        made.timestamp = timestamp + (seq or 0)
    return bytes(made.SerializeToString())


def bd_seq(value: int) -> Any:
    return metric("bdSeq", value, DataType.INT64)


def as_float32(value: float) -> float:
    """The double that a 32 bit float is read as."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


class Talk:
    """A host application and one edge node that talks to it; counts time in seconds."""

    def __init__(self, host: SparkplugHost | None = None) -> None:
        self.host = host or SparkplugHost()
        self.at = ARRIVED

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def say(self, kind: str, raw: bytes, device: str = "", edge: str = EDGE) -> Decoded:
        topic = "/".join(["spBv1.0", GROUP, kind, edge, *([device] if device else [])])
        return self.host.decode(Incoming(topic, raw, self.at), Options())

    def node_birth(self, seq: int = 0, bd: int = 7, *more: Any) -> Decoded:
        return self.say("NBIRTH", payload(seq, bd_seq(bd), *more))

    def device_birth(self, seq: int, *metrics: Any, device: str = DEVICE) -> Decoded:
        metrics = metrics or (metric("energy", 100.0, alias=1), metric("power", 5.0, alias=2))
        return self.say("DBIRTH", payload(seq, *metrics), device)

    def born(self) -> None:
        """Birth of the node (0) and of its device (1): 2 comes next."""
        assert self.node_birth().problems == []
        assert self.device_birth(1).problems == []

    def energy(self, seq: int, value: float = 101.0, device: str = DEVICE) -> Decoded:
        """A value by alias only."""
        return self.say("DDATA", payload(seq, metric(value=value, alias=1)), device)


def codes(decoded: Decoded) -> list[str]:
    return [p.code for p in decoded.problems]


def read(decoded: Decoded) -> list[tuple[str, str, float]]:
    return [(v.device, v.channel, v.value) for v in decoded.values]
