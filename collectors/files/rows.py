"""Rows of a table to messages of the live path, each with the place it is from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from collectors.files.items import Content, Layout, LongLayout, WideLayout
from collectors.files.mapping import TableMapping
from collectors.files.tables import Table
from collectors.files.targets import table_faults
from collectors.formats.base import Incoming
from models.channels import ChannelRef
from models.errors import ConfigError


class TableReader:
    """Makes messages of rows; the packet id of a message counts the rows done when it is stored.

    Raises:
        ConfigError: the mapping does not fit the park or the table; names every fault.
    """

    def __init__(
        self,
        mapping: TableMapping,
        table: Table,
        channels: Sequence[ChannelRef],
        zone: ZoneInfo,
        file_name: str,
    ) -> None:
        if faults := table_faults(mapping, channels):
            raise ConfigError(f"mapping of {file_name}", faults)
        at = table.places(mapping.used_columns(), file_name)
        kind = WideLayout if mapping.long is None else LongLayout
        self._layout: Layout = kind(mapping, at, channels, zone, file_name)
        self._table, self._file = table, file_name
        self._unknown = f"park/{mapping.park}/unknown"
        self._width = max(at.values()) + 1
        self._where = [
            (at[w.column], frozenset(w.one_of), frozenset(w.none_of)) for w in mapping.where
        ]
        self.tally = self._layout.tally

    def messages(self, received_at: datetime, skip: int = 0) -> Iterator[Incoming]:
        """The messages of all rows but the first `skip`."""
        for number, (line, cells) in enumerate(self._table.rows, 1):
            if number <= skip:
                if self._layout.times.in_order and len(cells) >= self._width:
                    self._layout.time(cells)  # what is stored already still tells the order
                continue
            self.tally["rows"] += 1
            yield from numbered(self._contents(line, cells), number, received_at)

    def _contents(self, line: int, cells: Sequence[Any]) -> Iterable[Content]:
        if not any(c is not None and c != "" for c in cells):
            self.tally["rows empty"] += 1
        elif len(cells) < self._width or any(cells[len(self._table.header) :]):
            return [self._odd(line, cells)]
        elif not self._counts(cells):
            self.tally["rows left out by where"] += 1
        else:
            return self._layout.contents(line, cells)
        return ()

    def _counts(self, cells: Sequence[Any]) -> bool:
        for position, one_of, none_of in self._where:
            text = str(cells[position]).strip()
            if (one_of and text not in one_of) or text in none_of:
                return False
        return True

    def _odd(self, line: int, cells: Sequence[Any]) -> Content:
        """A row with too few or too many cells, for the door to refuse."""
        content = {
            "row": f"{self._file}:{line}",
            "cells": [str(c) for c in cells],
            "expected": f"{len(self._table.header)} cells",
        }
        return self._unknown, json.dumps(content, ensure_ascii=False)


def numbered(contents: Iterable[Content], number: int, received_at: datetime) -> Iterator[Incoming]:
    """Messages of one row; only the last one says that the row is done."""
    made = list(contents)
    for left, (topic, payload) in zip(range(len(made) - 1, -1, -1), made, strict=True):
        yield Incoming(topic, payload.encode(), received_at, mid=number - bool(left))
