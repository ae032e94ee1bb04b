"""What a gateway can read: Modbus meters, CSV files, DL/T 645 files, as gateway.yaml names them."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from gateway.dlt645 import NAMES
from gateway.registers import Template, WordOrder, load_template
from models.errors import ConfigError
from models.sources import Key, Zone

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,47}$")]


def _folder(info: ValidationInfo) -> Path:
    """Relative paths start at the folder of gateway.yaml, not where the program was started."""
    return Path((info.context or {}).get("folder", "."))


def _encoding(name: str) -> str:
    try:
        if "\n0,".encode(codecs.lookup(name).name) == b"\n0,":
            return name
    except LookupError:
        pass
    msg = f"{name!r} is not an encoding that keeps ASCII, such as utf-8 or gbk"
    raise ValueError(msg)


FilePath = Annotated[Path, AfterValidator(lambda path, info: _folder(info) / path)]


class Part(BaseModel):
    """A part of gateway.yaml: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class _Device(Part):
    name: Name
    channels: dict[str, Key] = Field(min_length=1, description="name at the device -> channel")


class ModbusDevice(_Device):
    """A meter that is asked over Modbus TCP."""

    kind: Literal["modbus"]
    host: str = Field(min_length=1)
    port: int = Field(default=502, ge=1, le=65_535)
    unit_id: int = Field(default=1, ge=0, le=255)
    template: str = Field(description="name of a shipped device type, or path of your own")
    meter: Key
    period_s: int = Field(default=60, ge=1, le=86_400)
    timeout_s: float = Field(default=3, gt=0, le=60)
    word_order: WordOrder | None = Field(default=None, description="default: the template's")
    _device_type: Template = PrivateAttr()

    @model_validator(mode="after")
    def _known_registers(self, info: ValidationInfo) -> ModbusDevice:
        try:
            self._device_type = load_template(self.template, _folder(info))
        except ConfigError as exc:
            raise ValueError(str(exc)) from exc
        known = self._device_type.registers
        unknown = [c for c in self.channels if c not in known]
        if unknown:
            msg = f"{self.template} has no {', '.join(unknown)}; it has: {', '.join(known)}"
            raise ValueError(msg)
        return self

    @property
    def device_type(self) -> Template:
        """The template."""
        return self._device_type


class _FileSource(_Device):
    path: FilePath = Field(description="file, or pattern such as logs/*.csv")
    period_s: int = Field(default=10, ge=1, le=86_400, description="how often to look [s]")
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    timezone: Zone | None = Field(
        default=None, description="zone of times that name none; without it they are refused"
    )
    unlisted: Literal["reject", "skip"] = Field(
        default="reject", description="what becomes of lines of meters that are not in meters"
    )

    @property
    def zone(self) -> ZoneInfo | None:
        """Zone of local times."""
        return ZoneInfo(self.timezone) if self.timezone else None


class CsvSource(_FileSource):
    """Rows that some program appends to a file."""

    kind: Literal["csv"]
    meter: Key | None = None
    meter_column: str | None = None
    meters: dict[str, Key] = Field(default={}, description="text in meter_column -> meter")
    time_column: str
    time_format: str = Field(default="iso", description="iso, epoch_s, epoch_ms or strptime's")
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    header: bool = Field(default=True, description="false: columns are numbers from 1")
    absent: tuple[str, ...] = ("", "-", "--", "NA", "N/A", "null")

    @model_validator(mode="after")
    def _one_way_to_the_meter(self) -> CsvSource:
        if (self.meter is None) == (self.meter_column is None):
            msg = "give either meter, or meter_column with meters"
            raise ValueError(msg)
        if self.meter_column and not self.meters:
            msg = "meter_column needs meters: {text in the column: meter key}"
            raise ValueError(msg)
        columns = [self.time_column, *self.channels, *filter(None, [self.meter_column])]
        if not self.header and not all(c.isdecimal() and int(c) > 0 for c in columns):
            msg = "without header columns are numbers from 1, written as text"
            raise ValueError(msg)
        return self


class DltSource(_FileSource):
    """Lines `<time> <hex frame>` of DL/T 645-2007 meters."""

    kind: Literal["dlt645"]
    meters: dict[Annotated[str, StringConstraints(pattern=r"^\d{12}$")], Key] = Field(
        min_length=1, description="12-digit meter address -> meter"
    )

    @model_validator(mode="after")
    def _known_items(self) -> DltSource:
        unknown = [c for c in self.channels if c not in NAMES]
        if unknown:
            msg = f"no such value: {', '.join(unknown)}; known are: {', '.join(NAMES)}"
            raise ValueError(msg)
        return self


Device = Annotated[ModbusDevice | CsvSource | DltSource, Field(discriminator="kind")]
