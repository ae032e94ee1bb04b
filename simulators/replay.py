"""A measured data set as the cumulative registers of meters, exact to the last digit."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from models.errors import ConfigError
from simulators.mapping import ReplayChannel, ReplayMapping, SourceFile
from simulators.message import Message

Columns = dict[str, dict[datetime, Decimal]]
_HOUR_S = Decimal(3600)


@dataclass(frozen=True)
class DataSet:
    """Amounts of every column by the UTC start of their step, and the steps in order."""

    columns: Columns
    starts: list[datetime]


def read_data(mapping: ReplayMapping, folder: Path) -> DataSet:
    """Read the files of a mapping; steps that every column has.

    Raises:
        ConfigError: a file, column, time stamp or value is missing or wrong; names file and line.
    """
    columns: Columns = {}
    for source in mapping.files:
        columns |= _read_file(mapping, source, folder / source.name)
    common = set.intersection(*(set(c) for c in columns.values()))
    zone = mapping.zone
    low, high = (
        None if d is None else datetime.combine(d, time(), zone).astimezone(UTC)
        for d in (mapping.from_day, mapping.stop_day)
    )
    starts = sorted(t for t in common if (low is None or t >= low) and (high is None or t < high))
    if not starts:
        raise ConfigError(str(folder), ["no step in the range that all columns have"])
    return DataSet(columns, starts)


def _read_file(mapping: ReplayMapping, source: SourceFile, path: Path) -> Columns:
    out: Columns = {name: {} for name in source.columns}
    hours = Decimal(mapping.step_s) / _HOUR_S
    factor = {
        n: c.scale * (hours if c.value == "mean_kw" else 1) for n, c in source.columns.items()
    }
    last: datetime | None = None
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            wanted = [source.time_column, *(c.header for c in source.columns.values())]
            if missing := [c for c in wanted if c not in (reader.fieldnames or [])]:
                raise ConfigError(
                    str(path),
                    [
                        f"no column {c!r}; the file has: {', '.join(reader.fieldnames or [])}"
                        for c in missing
                    ],
                )
            for number, row in enumerate(reader, start=2):
                place = f"{path.name} line {number}"
                naive = _stamp(row[source.time_column], source.time_format, place)
                start, last = _step_start(mapping, naive, last)
                for name, column in source.columns.items():
                    if start in out[name]:
                        if mapping.first_of_duplicates:
                            continue
                        raise ConfigError(
                            place,
                            [
                                f"time {naive} comes twice; set "
                                "first_of_duplicates: true to keep the first"
                            ],
                        )
                    value = _number(row[column.header], place, column.header)
                    out[name][start] = value * factor[name]
    except OSError as exc:
        raise ConfigError(
            str(path), [f"cannot be read: {exc.strerror}; give the folder with --data"]
        ) from exc
    return out


def _stamp(text: str, form: str, place: str) -> datetime:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the mapping names the zone
    except ValueError as exc:
        raise ConfigError(place, [f"time {text!r} does not fit {form!r}"]) from exc


def _number(text: str, place: str, column: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as exc:
        raise ConfigError(place, [f"{column}: got {text!r}, expected a number"]) from exc
    if not value.is_finite():
        raise ConfigError(place, [f"{column}: got {text!r}, expected a finite number"])
    return value


def _step_start(
    mapping: ReplayMapping, naive: datetime, last: datetime | None
) -> tuple[datetime, datetime]:
    """UTC start of the step that a stamp names, and the stamp as it was meant.

    The midnight trap: with `own_date` the step that ends a day is stamped 00:00 of that very
    day, so in file order 00:00 comes after 23:45 of the same date and means the next midnight.
    """
    meant = naive
    if (
        mapping.midnight == "own_date"
        and mapping.stamp == "end"
        and naive.time() == time()
        and last is not None
        and last.date() == naive.date()
    ):
        meant = naive + timedelta(days=1)
    step = timedelta(seconds=mapping.step_s)
    local = meant if mapping.stamp == "start" else meant - step
    return local.replace(tzinfo=mapping.zone).astimezone(UTC), naive


def amounts(data: DataSet, plus: Sequence[str], minus: Sequence[str] = ()) -> list[Decimal]:
    """Exact amount of every step: sum of the plus columns less the minus columns."""
    add = [data.columns[c] for c in plus]
    less = [data.columns[c] for c in minus]
    return [
        sum((c[t] for c in add), Decimal(0)) - sum((c[t] for c in less), Decimal(0))
        for t in data.starts
    ]


def replay_messages(mapping: ReplayMapping, data: DataSet, *, batch: int = 1) -> Iterator[Message]:
    """Register readings at the boundaries of all steps, in time order.

    N steps without a hole give N + 1 readings. After a hole the register goes on where it was:
    what flowed in between is not in the data set.

    Args:
        batch: time stamps per message (1: one message per meter and time, as a meter sends).

    Raises:
        ConfigError: a step has a negative amount: a register cannot turn back.
    """
    readings = {c: _register(mapping, data, c) for c in mapping.channels}
    meters: dict[tuple[str, str], list[ReplayChannel]] = {}
    for channel in mapping.channels:
        meters.setdefault((channel.enterprise, channel.meter), []).append(channel)
    instants = [t for t, _ in next(iter(readings.values()))]
    for first in range(0, len(instants), batch):
        span = range(first, min(first + batch, len(instants)))
        for (enterprise, meter), channels in meters.items():
            items = [
                {
                    "ts": instants[n].astimezone(mapping.zone).isoformat(),
                    "values": {c.channel: float(readings[c][n][1]) for c in channels},
                }
                for n in span
            ]
            yield Message(
                instants[span[-1]],
                f"park/{mapping.park}/{enterprise}/{meter}",
                json.dumps(items if batch > 1 else items[0]).encode(),
                len(items) * len(channels),
            )


def _register(
    mapping: ReplayMapping, data: DataSet, channel: ReplayChannel
) -> list[tuple[datetime, Decimal]]:
    step = timedelta(seconds=mapping.step_s)
    value = channel.start
    out = [(data.starts[0], value)]
    for start, amount in zip(data.starts, amounts(data, channel.plus, channel.minus), strict=True):
        if amount < 0:
            raise ConfigError(
                f"{channel.meter}.{channel.channel}",
                [
                    f"amount {amount} in the step of {start.isoformat()}: a register "
                    "cannot turn back; check plus and minus of the mapping"
                ],
            )
        if start != out[-1][0]:
            out.append((start, value))
        value += amount
        out.append((start + step, value))
    return out


def trade_rows(mapping: ReplayMapping, data: DataSet) -> list[tuple[str, ...]]:
    """Rows of a trades CSV: monthly sums, whole Wh, months cut in the mapping's zone."""
    rows: list[tuple[str, ...]] = []
    for trade in mapping.trades:
        months: dict[date, Decimal] = {}
        for start, amount in zip(data.starts, amounts(data, [trade.column]), strict=True):
            month = start.astimezone(mapping.zone).date().replace(day=1)
            months[month] = months.get(month, Decimal(0)) + amount
        rows += [
            (trade.enterprise, trade.contract, f"{m:%Y-%m}", trade.kind, str(round(kwh, 3)))
            for m, kwh in sorted(months.items())
        ]
    return rows


def write_trades(rows: Sequence[tuple[str, ...]], out: Path) -> None:
    """Write a file that `greenpark import trades` reads."""
    with out.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(("enterprise", "contract", "month", "kind", "settled_kwh"))
        writer.writerows(rows)
