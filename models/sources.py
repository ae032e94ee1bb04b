"""Where an enterprise's devices publish that do not speak the native JSON, and what they mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from models.topics import overlap, valid_filter

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zone_names():
        msg = f"unknown time zone {name!r}; expected an IANA name such as Asia/Shanghai"
        raise ValueError(msg)
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


def _filter(pattern: str) -> str:
    if not valid_filter(pattern) or pattern.split("/")[0] in ("#", "+", "$share", "$SYS"):
        msg = f"{pattern!r} is not an MQTT topic filter with a fixed first level"
        raise ValueError(msg)
    return pattern


def _text_encoding(name: str | None) -> str | None:
    try:
        if name is not None:
            "0".encode(name)
    except LookupError:
        msg = f"unknown text encoding {name!r}; expected e.g. utf-8 or gbk"
        raise ValueError(msg) from None
    return name


class Device(BaseModel):
    """A device of a source: the meter it is, and its names that differ from the channel keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meter: Key
    channels: dict[str, Key] = Field(
        default={}, description="name in the message -> channel; others keep their name"
    )


class Source(BaseModel):
    """Messages of one format below one topic filter; they can only feed this enterprise."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    topic: Annotated[str, AfterValidator(_filter)] = Field(
        description="MQTT topic filter, e.g. park/mypark/acme/shelly/#"
    )
    format: str = Field(
        description="thingsboard, senml, sparkplug, or the name of a device template"
    )
    devices: dict[str, Device] = Field(
        min_length=1, description="device name in topic or message -> meter"
    )
    timezone: Zone | None = Field(
        default=None, description="zone of device clocks that send local time; default: template"
    )
    encoding: Annotated[str | None, AfterValidator(_text_encoding)] = Field(
        default=None, description="text encoding, e.g. gbk; default: template, else UTF-8"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_devices(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("devices"), dict):
            devices = {
                str(name): {"meter": device} if isinstance(device, str) else device
                for name, device in data["devices"].items()
            }
            return {**data, "devices": devices}
        return data


def source_faults(
    park: str, owned: Iterable[tuple[str, Source, Mapping[str, Collection[str]]]]
) -> Iterator[str]:
    """What is wrong with the sources of a park: meters of others, topics of others.

    Args:
        owned: enterprise key, one of its sources, its meters with their channels.
    """
    seen: list[tuple[str, str]] = []
    for enterprise, source, meters in owned:
        where = f"enterprise {enterprise}: source {source.topic}"
        for name, device in source.devices.items():
            if device.meter not in meters:
                yield f"{where}: device {name}: {device.meter!r} is not a meter of {enterprise}"
                continue
            for channel in sorted(set(device.channels.values()) - set(meters[device.meter])):
                yield f"{where}: device {name}: meter {device.meter} has no channel {channel!r}"
        own = f"park/{park}/{enterprise}/"
        if overlap(source.topic, "park/#") and not source.topic.startswith(own):
            yield f"{where}: topics below park/ belong to enterprises; start it with {own}"
        for other, topic in seen:
            if overlap(topic, source.topic) and (other != enterprise or topic == source.topic):
                yield f"{where}: overlaps with {topic} of enterprise {other}"
        seen.append((enterprise, source.topic))
