"""The cells of a row to native JSON: one column per channel, or one value per row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from collectors.files.mapping import Long, Named, TableMapping, Target
from collectors.files.numbers import NumberReader
from collectors.files.targets import Place, find_place, unit_scale
from collectors.files.times import TimeReader, Unreadable
from collectors.formats.base import from_us
from models.channels import ChannelRef
from models.errors import ConfigError

Content = tuple[str, str]
"""Topic and payload."""


class Layout:
    """What both layouts share: times, numbers, the JSON around the values.

    Attributes:
        tally: values and rows that gave nothing, by reason.
    """

    def __init__(
        self,
        mapping: TableMapping,
        places: dict[str, int],
        channels: Sequence[ChannelRef],
        zone: ZoneInfo,
        file_name: str,
    ) -> None:
        self._mapping, self._places = mapping, places
        self._row = json.dumps(f"{file_name}:", ensure_ascii=False)[:-1]
        self._channels = {(c.meter_key, c.key): c for c in channels}
        self.times = TimeReader(mapping.time, zone)
        self._time_at = [places[name] for name in mapping.time.column]
        self._tail = ',"correction":true' if mapping.correction else ""
        self.tally: Counter[str] = Counter()

    def contents(self, line: int, cells: Sequence[Any]) -> Iterator[Content]:
        """What a row says."""
        raise NotImplementedError

    def time(self, cells: Sequence[Any]) -> int | str:
        """Microseconds since 1970, or why the time cannot be used."""
        try:
            return self.times.read([cells[p] for p in self._time_at], self._series(cells))
        except Unreadable as exc:
            return str(exc)

    def _series(self, cells: Sequence[Any]) -> tuple[Any, ...]:
        """Rows with the same answer follow each other in time."""
        return ()

    def _numbers(self, target: Target | None = None) -> NumberReader:
        mapping, more = self._mapping, target.missing if target else ()
        return NumberReader(mapping.decimal, mapping.thousands, (*mapping.missing, *more))

    def _item(self, line: int, at: int | str, shift_us: int, values: str) -> str:
        """One item of the public contract; what cannot be a time stands there for the door."""
        if isinstance(at, int):
            ts = f'"{from_us(at + shift_us).astimezone(self.times.zone).isoformat()}"'
        else:
            ts = json.dumps(at, ensure_ascii=False)
        return f'{{"ts":{ts},"values":{{{values}}},"row":{self._row}{line}"{self._tail}}}'


class _Column(NamedTuple):
    position: int
    place: Place
    scale: Decimal | None
    numbers: NumberReader


class WideLayout(Layout):
    """One column per channel."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._columns = [self._column(n, t) for n, t in self._mapping.columns.items()]

    def _column(self, name: str, target: Target) -> _Column:
        ref = self._channels[target.meter, target.channel]
        place = find_place(ref, self._mapping.time.stamp)
        scale = unit_scale(target.unit, ref)
        return _Column(self._places[name], place, scale, self._numbers(target))

    def contents(self, line: int, cells: Sequence[Any]) -> Iterator[Content]:
        """One message per meter, and per shift of the time."""
        at = self.time(cells)
        items: dict[tuple[str, int], list[str]] = {}
        for position, place, scale, numbers in self._columns:
            cell = cells[position]
            if numbers.is_missing(cell):
                self.tally["values missing"] += 1
                continue
            value = f"{place.json_key}:{numbers.json(cell, scale)}"
            items.setdefault((place.topic, place.shift_us), []).append(value)
        for (topic, shift_us), values in items.items():
            yield topic, self._item(line, at, shift_us, ",".join(values))


class LongLayout(Layout):
    """One value per row."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._owners = {ref.meter_key: ref.enterprise_key for ref in self._channels.values()}
        self._reader = self._numbers()
        self._scales: dict[tuple[int, str], Decimal | None] = {}

    @property
    def _long(self) -> Long:
        assert self._mapping.long is not None  # noqa: S101 - the mapping has one of the layouts
        return self._mapping.long

    def contents(self, line: int, cells: Sequence[Any]) -> Iterator[Content]:
        """One message, or none for a missing value."""
        meter = self._name(self._long.meter, cells)
        channel = self._name(self._long.channel, cells)
        at = self.time(cells)
        ref = self._channels.get((meter, channel))
        if ref is None and self._long.others == "ignore":
            self.tally["rows of other meters and channels"] += 1
            return
        cell = cells[self._places[self._long.value]]
        if self._reader.is_missing(cell):
            self.tally["values missing"] += 1
        elif ref is not None:
            place = find_place(ref, self._mapping.time.stamp)
            value = f"{place.json_key}:{self._value(ref, cells, cell)}"
            yield place.topic, self._item(line, at, place.shift_us, value)
        else:  # the door says which of the two it does not know
            key, name = (json.dumps(t, ensure_ascii=False) for t in (channel, meter))
            item = self._item(line, at, 0, f"{key}:{self._reader.json(cell)}")
            topic = f"park/{self._mapping.park}/{self._owners.get(meter, 'unknown')}"
            yield topic, f'{{"m":{name},{item[1:]}'

    def _series(self, cells: Sequence[Any]) -> tuple[Any, ...]:
        named = (self._long.meter, self._long.channel)
        return tuple(cells[self._places[n.column]] for n in named if n.column)

    def _name(self, named: Named, cells: Sequence[Any]) -> str:
        if named.value is not None:
            return named.value
        cell = cells[self._places[named.column or ""]]
        if isinstance(cell, float) and cell.is_integer():  # Excel has no other numbers
            cell = int(cell)
        text = str(cell).strip()
        return named.names.get(text, text)

    def _value(self, ref: ChannelRef, cells: Sequence[Any], cell: Any) -> str:
        """The value in the unit of the channel; with a unit of another quantity it is text."""
        named = self._long.unit
        if named is None:
            return self._reader.json(cell)
        unit = self._name(named, cells)
        key = (ref.channel_id, unit)
        if key not in self._scales:
            try:
                self._scales[key] = unit_scale(unit, ref)
            except ConfigError:
                return json.dumps(f"{cell} {unit}", ensure_ascii=False)
        return self._reader.json(cell, self._scales[key])
