"""The mapping file: what the columns of a table mean. Every fault is told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from models.errors import ConfigError
from models.sources import Zone

MISSING = ("", "-", "--", "---", "null", "none", "nan", "n/a", "na", "#n/a", "nil", "无", "空")


def _known_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError as exc:
        msg = f"unknown encoding {name!r}; expected e.g. utf-8, gb18030, cp1252"
        raise ValueError(msg) from exc
    return "utf-8-sig" if name.lower().replace("_", "-") in ("utf-8", "utf8") else name


def _short_target(value: Any) -> Any:
    """`meter/channel` for the usual case."""
    if isinstance(value, str):
        meter, slash, channel = value.partition("/")
        return {"meter": meter, "channel": channel} if slash else {"meter": value}
    return value


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


M = TypeVar("M", bound=BaseModel)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(_Model):
    """Whose value a column holds; also written as `meter/channel`.

    Attributes:
        enterprise: checked, if given: keys of meters are unique in a park.
        unit: unit of the column, if it is not that of the channel.
        missing: further markers that mean "no value" in this column.
    """

    meter: str = Field(min_length=1)
    channel: str = Field(min_length=1)
    enterprise: str | None = None
    unit: str | None = None
    missing: tuple[str | float, ...] = ()


class Named(_Model):
    """A name that a column holds or that is the same in every row.

    Attributes:
        names: text in the file -> name in the park; empty: the file has the park's names.
    """

    column: str | None = None
    value: str | None = None
    names: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one(self) -> Named:
        if (self.column is None) == (self.value is None):
            msg = "needs either column or value"
            raise ValueError(msg)
        return self


class Long(_Model):
    """One value per row: columns tell the meter, the channel and the unit.

    Attributes:
        value: column with the value.
        others: what happens to rows of meters and channels that the park does not know.
    """

    meter: Named
    channel: Named
    value: str
    unit: Named | None = None
    others: Literal["refuse", "ignore"] = "refuse"


class Time(_Model):
    """Where the time is and what it means.

    Attributes:
        column: one column, or several that are joined with a blank (date, time).
        format: `iso`, `epoch_s`, `epoch_ms`, or a strptime format.
        timezone: of local times; default: the park's. Times with an offset do not need it.
        stamp: what a time marks of the period of a value.
        midnight: with `stamp: end`, whether the last period of a day is stamped 00:00 of the next
            date (usual) or of its own date.
        fold: which one a local time is that the zone has twice, when summer time ends.
        shift_s: added to every time [s]: 3600 for a logger that keeps the register of the end of an
            hour under the start of the hour.
    """

    column: Annotated[tuple[str, ...], BeforeValidator(_one_or_more), Field(min_length=1)]
    format: str = "iso"
    timezone: Zone | None = None
    stamp: Literal["instant", "start", "end"] = "instant"
    midnight: Literal["next_date", "own_date"] = "next_date"
    fold: Literal["refuse", "order", "first", "second"] = "refuse"
    shift_s: int = Field(default=0, ge=-86_400, le=86_400)

    @model_validator(mode="after")
    def _consistent(self) -> Time:
        if self.format not in ("iso", "epoch_s", "epoch_ms") and "%" not in self.format:
            msg = f"format {self.format!r}: expected iso, epoch_s, epoch_ms or e.g. %Y-%m-%d %H:%M"
            raise ValueError(msg)
        if self.midnight == "own_date" and self.stamp != "end":
            msg = "midnight: own_date is about stamps that mark the end; set stamp: end"
            raise ValueError(msg)
        return self


class Where(_Model):
    """Rows that count: the text of the column is one of these, or none of those."""

    column: str
    one_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one(self) -> Where:
        if bool(self.one_of) == bool(self.none_of):
            msg = "needs either one_of or none_of"
            raise ValueError(msg)
        return self


class TableMapping(_Model):
    """A whole mapping file for CSV, Excel and Parquet.

    Attributes:
        delimiter: of CSV; default: what the header line has most of, of comma, semicolon, tab, |.
        skip_rows: lines before the header.
        header: names of the columns of a file that has no header line.
        missing: further markers that mean "no value"; numbers are compared as numbers.
        correction: the file replaces what was stored before for the same channel and time.
        columns: wide layout, column -> whose value it holds.
        long: long layout.
    """

    park: str
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8-sig"
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    sheet: str | int | None = None
    skip_rows: int = Field(default=0, ge=0)
    header: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    missing: tuple[str | float, ...] = ()
    correction: bool = False
    time: Time
    columns: dict[str, Annotated[Target, BeforeValidator(_short_target)]] = Field(
        default_factory=dict
    )
    long: Long | None = None
    where: tuple[Where, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> TableMapping:
        if bool(self.columns) == (self.long is not None):
            msg = "needs either columns (one value per column) or long (one value per row)"
            raise ValueError(msg)
        if self.decimal == self.thousands:
            msg = f"decimal and thousands are both {self.decimal!r}"
            raise ValueError(msg)
        return self

    def used_columns(self) -> list[str]:
        """Every column that is named, once each."""
        named = [*self.time.column, *self.columns, *(w.column for w in self.where)]
        if self.long is not None:
            long = self.long
            named += [c.column for c in (long.meter, long.channel, long.unit) if c and c.column]
            named.append(long.value)
        return list(dict.fromkeys(named))


class Nem12Mapping(_Model):
    """A mapping file for NEM12.

    Attributes:
        streams: `NMI/suffix` -> `meter/channel`.
        others: what happens to data of streams that are not named.
    """

    park: str
    streams: dict[str, Annotated[Target, BeforeValidator(_short_target)]] = Field(min_length=1)
    others: Literal["refuse", "ignore"] = "refuse"
    correction: bool = False


def load_mapping(path: Path, model: type[M]) -> M:
    """Read a mapping file.

    Raises:
        ConfigError: with every fault and its place.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return model.model_validate(document)
    except OSError as exc:
        raise ConfigError(str(path), [f"cannot be read: {exc.strerror}"]) from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigError(str(path), [f"is not valid YAML: {exc}"]) from exc
    except ValidationError as exc:
        raise ConfigError(
            str(path),
            [
                f"{'.'.join(map(str, e['loc'])) or 'mapping'}: {e['msg']} (got {e['input']!r:.80})"
                for e in exc.errors()
            ],
        ) from exc
