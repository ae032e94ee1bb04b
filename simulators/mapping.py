"""How the columns of a measured data set become registers of meters: the replay mapping file."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.errors import ConfigError


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Model):
    """A column and what one of its values means.

    Attributes:
        header: name of the column in the file.
        value: `mean_kw`: a mean power, the energy is value x step; `amount`: the amount of the
            step itself.
        scale: factor to the unit of the register, e.g. 1000 for MWh -> kWh.
    """

    header: str
    value: Literal["mean_kw", "amount"] = "amount"
    scale: Decimal = Decimal(1)


class SourceFile(_Model):
    """One CSV file of the data set.

    Attributes:
        columns: name used in the mapping -> column of the file.
    """

    name: str
    time_column: str
    time_format: str = Field(description="strptime format, e.g. %Y-%m-%d %H:%M:%S")
    columns: dict[str, Column] = Field(min_length=1)


class ReplayChannel(_Model):
    """A cumulative register that is made from columns.

    Attributes:
        plus, minus: columns whose amounts are added and subtracted in every step.
    """

    enterprise: str
    meter: str
    channel: str
    plus: tuple[str, ...] = Field(min_length=1)
    minus: tuple[str, ...] = ()
    start: Decimal = Field(default=Decimal(0), ge=0, description="register value at the start")


class ReplayTrade(_Model):
    """Monthly sums of a column, written as settled trades."""

    enterprise: str
    contract: str
    kind: Literal["green", "nuclear"] = "green"
    column: str


class ReplayMapping(_Model):
    """A whole mapping file.

    Attributes:
        timezone: zone of the time stamps; a data set without summer time needs a fixed zone.
        stamp: whether a stamp marks the start or the end of its step.
        midnight: with `stamp: end`, whether the last step of a day is stamped 00:00 of the next
            date (usual) or of its own date (`own_date`: the file order tells).
        first_of_duplicates: keep the first row of a repeated time stamp instead of refusing it.
    """

    park: str
    source: str = Field(min_length=1, description="where the data is from, and its licence")
    files: tuple[SourceFile, ...] = Field(min_length=1)
    timezone: str
    step_s: int = Field(gt=0, le=86_400)
    stamp: Literal["start", "end"]
    midnight: Literal["next_date", "own_date"] = "next_date"
    first_of_duplicates: bool = False
    from_day: date | None = None
    stop_day: date | None = None
    channels: tuple[ReplayChannel, ...] = Field(min_length=1)
    trades: tuple[ReplayTrade, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError) as exc:
            msg = f"unknown time zone {name!r}"
            raise ValueError(msg) from exc
        return name

    @property
    def zone(self) -> ZoneInfo:
        """Zone of the time stamps."""
        return ZoneInfo(self.timezone)


def load_mapping(path: Path) -> ReplayMapping:
    """Read a mapping file.

    Raises:
        ConfigError: with every fault.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        mapping = ReplayMapping.model_validate(document)
    except OSError as exc:
        raise ConfigError(str(path), [f"cannot be read: {exc.strerror}"]) from exc
    except yaml.YAMLError as exc:
        raise ConfigError(str(path), [f"is not valid YAML: {exc}"]) from exc
    except ValidationError as exc:
        raise ConfigError(
            str(path), [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()]
        ) from exc
    known = {c for f in mapping.files for c in f.columns}
    used = {c for ch in mapping.channels for c in (*ch.plus, *ch.minus)}
    used |= {t.column for t in mapping.trades}
    if unknown := sorted(used - known):
        raise ConfigError(
            str(path),
            [f"column {c!r} is in no file; known: {', '.join(sorted(known))}" for c in unknown],
        )
    return mapping
