"""Device templates: which registers a Modbus meter has, and what their words mean."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from models.errors import ConfigError
from models.quantities import QUANTITIES

FOLDER = Path(__file__).parent / "devices"
MOST_REGISTERS = 120  # of 125 that a response can carry; some meters stop at 120
WordOrder = Literal["big", "little"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]

_CODES = {
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "uint64": "Q",
    "int64": "q",
    "float32": "f",
    "float64": "d",
}


class Register(BaseModel):
    """One value of a meter.

    Attributes:
        address: address in the request (counted from 0, not 30001 or 40001).
        scale: raw number times this gives the value in `unit`.
        function: Modbus function code, if another than the template's.
        absent: raw numbers that mean "no value".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: int = Field(ge=0, le=65_535)
    type: Literal["uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]
    unit: str
    quantity: str
    scale: float = Field(default=1.0, gt=0)
    function: Literal[3, 4] | None = None
    absent: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _known_unit(self) -> Register:
        quantity = QUANTITIES.get(self.quantity)
        if quantity is None or self.unit not in quantity.accepted:
            msg = f"unit {self.unit!r} does not measure {self.quantity!r}, see docs/park.md"
            raise ValueError(msg)
        return self

    @property
    def words(self) -> int:
        """Number of 16-bit registers."""
        return struct.calcsize(_CODES[self.type]) // 2

    def value(self, words: Sequence[int], order: WordOrder) -> float | None:
        """Value in `unit`; None: the meter says that it has none.

        A float32 becomes the shortest decimal that is the same float32 (230.1, not
        230.10000610351562).
        """
        ordered = words if order == "big" else list(reversed(words))
        packed = b"".join(w.to_bytes(2, "big") for w in ordered)
        (raw,) = struct.unpack(">" + _CODES[self.type], packed)
        if raw in self.absent or not math.isfinite(raw):
            return None
        if self.type == "float32":
            raw = next(
                short
                for digits in (6, 7, 8, 9)
                if struct.pack(">f", short := float(f"{raw:.{digits}g}")) == packed
            )
        if self.scale == 1:
            return raw  # type: ignore[no-any-return]
        value = float(Decimal(repr(raw)) * Decimal(repr(self.scale)))
        return value if math.isfinite(value) else None


class Block(NamedTuple):
    """Registers that one request reads."""

    function: int
    address: int
    length: int
    registers: tuple[tuple[str, Register], ...]


class Template(BaseModel):
    """A device type.

    Attributes:
        source: where the register map was published.
        word_order: "big": the first register holds the high word.
        max_gap: registers between two wanted ones that may be read along; 0 for meters that
            refuse to read holes.
        max_registers: most registers of one request.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = Field(min_length=1)
    source: str = Field(min_length=1)
    note: str = ""
    function: Literal[3, 4] = 3
    word_order: WordOrder = "big"
    max_gap: int = Field(default=16, ge=0, le=MOST_REGISTERS)
    max_registers: int = Field(default=MOST_REGISTERS, ge=4, le=MOST_REGISTERS)
    registers: dict[Name, Register] = Field(min_length=1)

    def blocks(self, names: Iterable[str]) -> list[Block]:
        """The fewest requests that read these registers: near ones together."""
        wanted = sorted(
            ((r.function or self.function, r.address, name, r) for name, r in self._named(names)),
            key=lambda w: w[:3],
        )
        blocks: list[Block] = []
        for function, address, name, register in wanted:
            end = address + register.words
            last = blocks[-1] if blocks else None
            if (
                last
                and last.function == function
                and address - (last.address + last.length) <= self.max_gap
                and end - last.address <= self.max_registers
            ):
                length = max(last.length, end - last.address)
                named = (*last.registers, (name, register))
                blocks[-1] = Block(function, last.address, length, named)
            else:
                blocks.append(Block(function, address, register.words, ((name, register),)))
        return blocks

    def _named(self, names: Iterable[str]) -> list[tuple[str, Register]]:
        return [(name, self.registers[name]) for name in names]


def decode(block: Block, words: Sequence[int], order: WordOrder) -> Mapping[str, float]:
    """Values of one response; what the meter does not have is absent, never zero."""
    values = {}
    for name, register in block.registers:
        start = register.address - block.address
        value = register.value(words[start : start + register.words], order)
        if value is not None:
            values[name] = value
    return values


@cache
def load_template(name: str, folder: Path) -> Template:
    """A shipped template by its name, or one of the user's by its path (`*.yaml`).

    Args:
        folder: relative paths start here.

    Raises:
        ConfigError: there is none of this name, or it is not a valid template.
    """
    path = folder / name if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.yaml")))
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        fault = f"{exc.strerror}; shipped are: {known}; your own is given as a path to a .yaml file"
        raise ConfigError(f"template {name}", [fault]) from exc
    except yaml.YAMLError as exc:
        raise ConfigError(f"template {name}", [f"is not valid YAML: {exc}"]) from exc
    try:
        return Template.model_validate(document)
    except ValidationError as exc:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()]
        raise ConfigError(f"template {name}", faults) from exc
