"""NEM12: interval metering data of the Australian market, to messages of the live path.

Source: AEMO, Meter Data File Format Specification NEM12 & NEM13: records 100 to 900, quality
flags, times in Eastern Standard Time (UTC+10, no summer time), values in order from midnight.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from collectors.files.items import Content
from collectors.files.mapping import Nem12Mapping
from collectors.files.marks import ESTIMATED_MARK
from collectors.files.numbers import NumberReader
from collectors.files.rows import numbered
from collectors.files.targets import catalogue_unit, nem12_faults, topic_of, unit_scale
from collectors.formats.base import Incoming
from models.channels import ChannelRef
from models.errors import ConfigError

EST = timezone(timedelta(hours=10))
LENGTHS = (5, 15, 30)
FINAL = frozenset("AF")
"""Actual and final substituted values: what is settled with."""
ESTIMATED = frozenset("ES")
_NONE = "N"  # null: no data
_NUMBERS = NumberReader(".", "", ())


@dataclass
class _Stream:
    """A 200 record: whose values follow."""

    name: str
    channel: ChannelRef | None
    unit: str
    minutes: int


@dataclass
class _Day:
    """A 300 record with the qualities of its 400 records.

    Attributes:
        flags: quality of each interval, e.g. `A` or `S14`.
    """

    line: int
    start: datetime
    values: list[str]
    flags: list[str]
    faults: list[str] = field(default_factory=list)


class Nem12Reader:
    """Makes a message of every day of every stream; rows are records.

    Args:
        accepted: first letters of the quality flags that become readings, marked if they are
            estimates; the others are refused as `quality`. Null data (N) is missing, whatever
            number stands there.

    Raises:
        ConfigError: the mapping does not fit the park, or the file is no NEM12.
    """

    def __init__(
        self,
        mapping: Nem12Mapping,
        channels: Sequence[ChannelRef],
        file_name: str,
        accepted: frozenset[str] = FINAL,
    ) -> None:
        if faults := nem12_faults(mapping, channels):
            raise ConfigError(f"mapping of {file_name}", faults)
        self._mapping, self._file, self._accepted = mapping, file_name, accepted
        known = {(c.meter_key, c.key): c for c in channels}
        self._streams = {n: known[t.meter, t.channel] for n, t in mapping.streams.items()}
        self._unknown = f"park/{mapping.park}/unknown"
        self._stream: _Stream | None = None
        self.tally: Counter[str] = Counter()

    def messages(
        self, lines: Iterable[str], received_at: datetime, skip: int = 0
    ) -> Iterator[Incoming]:
        """The messages of all records but the first `skip`; those still give the context."""
        day: _Day | None = None
        number = 0
        for number, record in enumerate(csv.reader(lines), 1):
            kind = record[0].strip() if record else ""
            self._check(kind, record, number)
            if kind == "400" and day is not None:
                _apply_400(day, record)
                continue
            yield from self._done(day, number - 1, received_at, skip)
            day = None
            if kind == "200":
                self._stream = self._open(record)
            elif kind == "300":
                day = self._day(record, number)
        yield from self._done(day, number, received_at, skip)

    def _check(self, kind: str, record: Sequence[str], number: int) -> None:
        if number == 1 and (kind != "100" or "".join(record[1:2]).strip() != "NEM12"):
            got = ",".join(record[:2])
            raise ConfigError(self._file, [f"begins with {got!r}, expected 100,NEM12"])
        if kind not in ("", "100", "200", "300", "400", "500", "900"):
            raise ConfigError(self._file, [f"line {number}: record {kind!r} is not of NEM12"])
        if kind == "300" and self._stream is None:
            raise ConfigError(self._file, [f"line {number}: a 300 record before any 200 record"])

    def _open(self, record: Sequence[str]) -> _Stream:
        cells = [c.strip() for c in record] + [""] * 9
        name = f"{cells[1]}/{cells[4]}"
        minutes = _count(cells[8])
        return _Stream(name, self._streams.get(name), cells[7], minutes)

    def _day(self, record: Sequence[str], line: int) -> _Day:
        """Values and flags of a 300 record; what is wrong with it costs the whole record."""
        stream = self._stream
        assert stream is not None  # noqa: S101 - checked before
        number = 1440 // stream.minutes if stream.minutes in LENGTHS else 0
        cells = [c.strip() for c in record]
        flag = cells[2 + number] if len(cells) > 2 + number else ""
        day = _Day(line, datetime.min.replace(tzinfo=UTC), cells[2 : 2 + number], [flag] * number)
        if not number:
            day.faults.append(f"interval length {stream.minutes} min, expected 5, 15 or 30")
        if flag[:1] not in set("AEFNSV") or len(flag) not in (1, 3):
            day.faults.append(f"quality {flag!r} after {number} values")
        try:
            day.start = datetime.strptime(cells[1], "%Y%m%d").replace(tzinfo=EST)
        except (ValueError, IndexError):
            day.faults.append(f"date {cells[1:2]}, expected YYYYMMDD")
        return day

    def _done(
        self, day: _Day | None, number: int, received_at: datetime, skip: int
    ) -> Iterator[Incoming]:
        if day is None or number <= skip:
            return
        self.tally["rows"] += 1
        yield from numbered(self._contents(day), number, received_at)

    def _contents(self, day: _Day) -> Iterator[Content]:
        stream = self._stream
        assert stream is not None  # noqa: S101 - a day has one
        ref = stream.channel
        if ref is None:
            if self._mapping.others == "ignore":
                self.tally["days of other streams"] += 1
                return
            day.faults.append(f"stream {stream.name} is not in the mapping")
        else:
            day.faults += self._misfits(stream, ref)
        place = {"row": f"{self._file}:{day.line}", "stream": stream.name}
        if day.faults or ref is None:
            content = place | {"faults": day.faults, "values": day.values, "flags": day.flags}
            yield self._unknown, json.dumps(content, ensure_ascii=False)
        elif items := list(self._items(day, ref, stream, place)):
            yield topic_of(ref), f"[{','.join(items)}]"

    def _misfits(self, stream: _Stream, ref: ChannelRef) -> Iterator[str]:
        if stream.minutes * 60 != ref.period_s and ref.kind == "interval":
            yield f"intervals of {stream.minutes} min, channel {ref.path} has {ref.period_s} s"
        if catalogue_unit(stream.unit, ref) is None:
            yield f"unit {stream.unit!r} does not measure {ref.quantity}"

    def _items(
        self, day: _Day, ref: ChannelRef, stream: _Stream, place: dict[str, str]
    ) -> Iterator[str]:
        scale = unit_scale(catalogue_unit(stream.unit, ref), ref)
        key, more = json.dumps(ref.key), json.dumps(place)[1:-1]
        more += ',"correction":true' if self._mapping.correction else ""
        step = timedelta(minutes=stream.minutes)
        for n, (text, flag) in enumerate(zip(day.values, day.flags, strict=True)):
            if flag[:1] == _NONE or not text:
                self.tally["values missing"] += 1
                continue
            if flag[:1] not in self._accepted:
                quality = f',"q":1,"quality":{json.dumps(flag)}'
            else:
                quality = f",{ESTIMATED_MARK}" if flag[:1] in ESTIMATED else ""
            value = _NUMBERS.json(text, scale)
            ts = (day.start + n * step).isoformat()
            yield f'{{"ts":"{ts}","values":{{{key}:{value}}}{quality},{more}}}'


def _count(text: str) -> int:
    """A number of at most five digits; 0 for anything else."""
    return int(text) if text.isdecimal() and len(text) <= 5 else 0


def _apply_400(day: _Day, record: Sequence[str]) -> None:
    """Quality of the intervals from the first to the last that the record names."""
    cells = [c.strip() for c in record] + [""] * 4
    first, last, flag = cells[1], cells[2], cells[3]
    if not 1 <= _count(first) <= _count(last) <= len(day.flags):
        day.faults.append(f"400 record of the intervals {first} to {last}")
        return
    day.flags[_count(first) - 1 : _count(last)] = [flag] * (_count(last) - _count(first) + 1)
