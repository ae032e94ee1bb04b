"""Times as files write them, to microseconds since 1970: zones, summer time, midnight."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from collectors.files.mapping import Time
from collectors.formats.base import from_us, to_us

_FIRST_US = -62_135_510_400_000_000  # 0001-01-02
_NEWEST_US = 253_402_214_400_000_000  # 9999-12-31
_DAY = timedelta(days=1)
_END_OF_DAY = re.compile(r"(?<![:\d])24:00(:00)?(?![:\d])")  # not the end of 01:24:00


class Unreadable(ValueError):
    """A time that cannot be used; says why and what was read."""


class TimeReader:
    """Times of the rows of one file, in the order of the file.

    A local time that the zone has twice is decided as `fold` says. With `order` the rows of each
    series ascend (or descend), and so the first 02:30 comes before the second one.
    """

    def __init__(self, spec: Time, zone: ZoneInfo) -> None:
        self._spec = spec
        self.zone = ZoneInfo(spec.timezone) if spec.timezone else zone
        self._seen: dict[Hashable, tuple[int, bool]] = {}
        self._candidates = lru_cache(maxsize=8192)(self._find)
        self._strptime = _parser(spec.format)
        self.in_order = spec.fold == "order"

    def read(self, cells: Sequence[Any], series: Hashable = None) -> int:
        """Microseconds since 1970 of the time of a row.

        Args:
            cells: those of the time columns.
            series: rows of one series follow each other in time; needed for `fold: order`.

        Raises:
            Unreadable: another form, an hour that does not exist, or one that exists twice and
                nothing tells which.
        """
        first_us, second_us = self._candidates(*cells)
        if first_us == second_us:
            at_us = first_us
        elif self._spec.fold == "refuse":
            raise Unreadable(f"twice in {self.zone.key}: {_shown(cells)}")
        elif self._spec.fold == "order":
            at_us = self._by_order(cells, series, first_us, second_us)
        else:
            at_us = first_us if self._spec.fold == "first" else second_us
        if self.in_order:
            before_us, falling = self._seen.get(series, (at_us, False))
            if at_us != before_us:
                falling = at_us < before_us
            self._seen[series] = (at_us, falling)
        return at_us

    def _by_order(
        self, cells: Sequence[Any], series: Hashable, first_us: int, second_us: int
    ) -> int:
        before_us, falling = self._seen.get(series, (None, False))
        if before_us is None:
            raise Unreadable(f"twice in {self.zone.key}, and no row before: {_shown(cells)}")
        if first_us > before_us:
            return first_us
        if second_us < before_us:
            return second_us
        if falling and first_us < before_us:
            return first_us
        if not falling and second_us > before_us:
            return second_us
        raise Unreadable(f"more than twice in {self.zone.key}: {_shown(cells)}")

    def _find(self, *cells: Any) -> tuple[int, int]:
        """Earliest and latest instant that the cells can mean; nearly always the same."""
        try:
            meant = self._meant(self._parse(cells), cells)
            if not _FIRST_US <= min(meant) <= max(meant) < _NEWEST_US:
                raise OverflowError
        except Unreadable:
            raise
        except (ValueError, OverflowError, TypeError) as exc:
            raise Unreadable(f"not {self._spec.format}: {_shown(cells)}") from exc
        shift_us = self._spec.shift_s * 1_000_000
        return meant[0] + shift_us, meant[1] + shift_us

    def _meant(self, at: datetime, cells: Sequence[Any]) -> tuple[int, int]:
        if self._spec.midnight == "own_date" and at.time() == time():
            at += _DAY
        if at.tzinfo is not None:
            at_us = to_us(at)
            return at_us, at_us
        one, other = (at.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        at_us = to_us(one)
        if one.utcoffset() == other.utcoffset():
            return at_us, at_us
        if one.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != at:
            raise Unreadable(f"never in {self.zone.key}: {_shown(cells)}")
        return at_us, to_us(other)

    def _parse(self, cells: Sequence[Any]) -> datetime:
        if all(isinstance(c, date | time) for c in cells):
            return _of_cells(cells)
        form = self._spec.format
        text = " ".join(_text(c) for c in cells)
        if form in ("epoch_s", "epoch_ms"):
            return from_us(round(float(text) * (1e6 if form == "epoch_s" else 1e3)))
        ends = 0
        if "24:00" in text:
            text, ends = _END_OF_DAY.subn(lambda m: f"00:00{m[1] or ''}", text)
        at = datetime.fromisoformat(text) if form == "iso" else self._strptime(text)
        return at + _DAY if ends else at


def _parser(form: str) -> Callable[[str], datetime]:
    """Reads texts of this format; days and clock times that were seen are not read again."""
    date_form, blank, time_form = form.partition(" ")
    halves = re.findall("%(.)", date_form), re.findall("%(.)", time_form)
    if not blank or not set(halves[0]) <= set("YymdbBj") or not set(halves[1]) <= set("HMSf"):
        return lambda text: datetime.strptime(text, form)  # noqa: DTZ007

    @lru_cache(maxsize=4096)
    def day(text: str) -> date:
        return datetime.strptime(text, date_form).date()  # noqa: DTZ007

    @lru_cache(maxsize=4096)
    def clock(text: str) -> time:
        return datetime.strptime(text, time_form).time()  # noqa: DTZ007

    def parse(text: str) -> datetime:
        first, _, second = text.partition(" ")
        return datetime.combine(day(first), clock(second.strip()))

    return parse


def _of_cells(cells: Sequence[Any]) -> datetime:
    """Date and time cells of Excel and Parquet."""
    day = next(c for c in cells if isinstance(c, date))
    at = day if isinstance(day, datetime) else datetime.combine(day, time())
    for clock in cells:
        if isinstance(clock, time):
            at = datetime.combine(at.date(), clock, at.tzinfo)
    return at


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _shown(cells: Sequence[Any]) -> str:
    return " ".join(str(c) for c in cells)[:100]
