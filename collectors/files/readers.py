"""The reader of a file: what it is, how its mapping reads, how far one is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from collectors.files.mapping import Nem12Mapping, TableMapping, load_mapping
from collectors.files.nem12 import ESTIMATED, FINAL, Nem12Reader
from collectors.files.recording import TORN, Recording
from collectors.files.rows import TableReader
from collectors.files.tables import open_table
from collectors.formats.base import Incoming
from models.channels import ChannelRef
from models.errors import ConfigError


class FindPark(Protocol):
    """Channels and time zone of an applied park, by key."""

    def __call__(self, key: str) -> tuple[Sequence[ChannelRef], ZoneInfo]:
        """Raises ConfigError: no park with this key was applied."""
        ...


@dataclass(frozen=True)
class Opened:
    """A file that is ready to be read.

    Attributes:
        messages: given the time of arrival and the number of rows to pass over.
        tally: rows and values that gave no message, by reason; filled while reading.
        size, position: how much there is and how much was read, in bytes or rows.
    """

    park: str
    messages: Callable[[datetime, int], Iterator[Incoming]]
    tally: Counter[str]
    size: int
    position: Callable[[], int]
    close: Callable[[], None]


def open_readings(
    path: Path, mapping_file: Path, find_park: FindPark, *, sheet: str | None = None
) -> Opened:
    """Open a table with its mapping.

    Raises:
        ConfigError: file, mapping and park do not fit; with every fault of the step that failed.
    """
    mapping = load_mapping(mapping_file, TableMapping)
    if sheet is not None:
        mapping = mapping.model_copy(update={"sheet": sheet})
    channels, zone = find_park(mapping.park)
    table = open_table(path, mapping)
    try:
        reader = TableReader(mapping, table, channels, zone, path.name)
    except ConfigError:
        table.close()
        raise
    return Opened(
        mapping.park, reader.messages, reader.tally, table.size, table.position, table.close
    )


def open_nem12(
    path: Path, mapping_file: Path, find_park: FindPark, *, accept_estimated: bool = False
) -> Opened:
    """Open a NEM12 file with its mapping.

    Raises:
        ConfigError: as `open_readings`.
    """
    mapping = load_mapping(mapping_file, Nem12Mapping)
    channels, _ = find_park(mapping.park)
    accepted = FINAL | ESTIMATED if accept_estimated else FINAL
    reader = Nem12Reader(mapping, channels, path.name, accepted)
    file = Recording(path)

    def messages(received_at: datetime, skip: int = 0) -> Iterator[Incoming]:
        try:
            lines = (line.decode("ascii", "backslashreplace") for line in file.lines)
            yield from reader.messages(lines, received_at, skip)
        except TORN as exc:
            raise ConfigError(str(path), [f"is cut off or damaged: {exc}"]) from exc

    size = file.size or 0
    return Opened(mapping.park, messages, reader.tally, size, lambda: file.position, file.close)
