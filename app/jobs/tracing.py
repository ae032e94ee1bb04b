"""Traced energy balances of the local days that became stale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.green.balance import Accounting, Series, summed, trace
from analytics.green.stock import Stock, flat, of_flat
from models.channels import ChannelRef
from models.park import Park
from models.periods import BUCKET_S, buckets_in_day, day_start, days, to_us
from models.roles import BALANCE_ROLES, Role
from storage.balances import (
    balance_values,
    last_day,
    mark_indicators_stale,
    replace_balances,
    replace_stocks,
    stale_enterprises,
    stock_before,
    take_stale_balances,
)
from storage.db import Conn, translate_db_errors
from storage.parks import applied_parks, channels

Ints = npt.NDArray[np.int64]
_STORAGE = (Role.STORAGE_CHARGE, Role.STORAGE_DISCHARGE)
_BUCKET_US = BUCKET_S * 1_000_000
_MOST_DAYS = 370  # at once: bounds memory


@dataclass(frozen=True)
class Account:
    """An enterprise whose energy is balanced: its channels and how it is accounted."""

    enterprise_id: int
    park: Park
    channels: Sequence[ChannelRef]

    @property
    def has_storage(self) -> bool:
        """True if what a day leaves in a storage matters for the days after it."""
        return any(c.role in _STORAGE for c in self.channels)

    @property
    def accounting(self) -> Accounting:
        """The choices of park.yaml."""
        storage = self.park.enterprise(self.channels[0].enterprise_key).storage
        return Accounting(
            self.park.green.use_order,
            storage.method,
            storage.efficiency_ratio,
            storage.capacity_kwh,
        )


def accounts(conn: Conn) -> dict[int, Account]:
    """Every enterprise that has a channel of an energy balance."""
    parks = {p.park_id: p.park for p in applied_parks(conn)}
    mine: dict[int, list[ChannelRef]] = {}
    for ref in channels(conn):
        if ref.role in BALANCE_ROLES:
            mine.setdefault(ref.enterprise_id, []).append(ref)
    return {i: Account(i, parks[refs[0].park_id], refs) for i, refs in mine.items()}


def trace_balances(conn: Conn, now: datetime) -> dict[str, int]:
    """Trace every stale local day; an enterprise is one transaction.

    What a storage holds goes from day to day: after a changed day the days behind it follow until
    the storage holds what it held before.
    """
    known = accounts(conn)
    done = {"balances": 0}
    for enterprise_id in stale_enterprises(conn):
        with translate_db_errors("trace balances"), conn.transaction():
            stale = take_stale_balances(conn, enterprise_id)
            if stale and enterprise_id in known:
                done["balances"] += _trace(conn, known[enterprise_id], stale, now)
                mark_indicators_stale(conn, enterprise_id, stale[0])
    return done


@dataclass(frozen=True)
class Quarters:
    """Metered quarter-hours of whole local days, a series for each channel of the account."""

    days: Sequence[date]
    buckets: Sequence[int]
    start_us: int
    series: Sequence[Series]

    @property
    def at_us(self) -> Ints:
        """Start of every quarter-hour [us since 1970]."""
        steps = np.arange(sum(self.buckets), dtype=np.int64)
        return self.start_us + steps * _BUCKET_US


def quarters(conn: Conn, account: Account, first: date, stop: date) -> Quarters | None:
    """What is stored of the local days `[first, stop)`; None: nothing at all."""
    zone = account.park.zone
    start_at, stop_at = day_start(first, zone), day_start(stop, zone)
    values = balance_values(conn, [c.channel_id for c in account.channels], start_at, stop_at)
    if not values:
        return None
    wanted = list(days(first, stop))
    buckets = [buckets_in_day(day, zone) for day in wanted]
    start_us, length = to_us(start_at), sum(buckets)
    series = []
    for ref in account.channels:
        value, estimated = np.full(length, np.nan), np.zeros(length, dtype=np.bool_)
        if ref.channel_id in values:
            stored = values[ref.channel_id]
            position = (stored.at_us - start_us) // _BUCKET_US
            value[position], estimated[position] = stored.value, stored.estimated != 0
        in_service = np.ones(length, dtype=np.bool_)
        if ref.in_service_from is not None:
            since = (to_us(day_start(ref.in_service_from, zone)) - start_us) // _BUCKET_US
            in_service[: max(since, 0)] = False
        series.append(Series(ref.role, value, estimated, in_service))
    return Quarters(wanted, buckets, start_us, series)


def stock_at(conn: Conn, account: Account, day: date) -> Stock:
    """What the storage holds when a local day begins."""
    if not account.has_storage:
        return Stock()
    return of_flat(stock_before(conn, account.enterprise_id, day))


def _trace(conn: Conn, account: Account, stale: Sequence[date], now: datetime) -> int:
    if not account.has_storage:
        return sum(_replace(conn, account, first, stop, now) for first, stop in _runs(stale))
    number, stop = account.enterprise_id, stale[-1] + timedelta(days=1)
    before = stock_before(conn, number, stop)
    done = _replace(conn, account, stale[0], stop, now)
    last = last_day(conn, number, BALANCE_ROLES)
    if last is None or stock_before(conn, number, stop) == before:
        return done
    return done + _replace(conn, account, stop, last + timedelta(days=1), now)


def _replace(conn: Conn, account: Account, first: date, stop: date, now: datetime) -> int:
    done = 0
    while first < stop:
        part = min(first + timedelta(days=_MOST_DAYS), stop)
        done += _replace_part(conn, account, first, part, now)
        first = part
    return done


def _replace_part(conn: Conn, account: Account, first: date, stop: date, now: datetime) -> int:
    zone, number = account.park.zone, account.enterprise_id
    metered = quarters(conn, account, first, stop)
    period = (first, stop, day_start(first, zone), day_start(stop, zone))
    if metered is None:
        nothing = np.zeros(0, dtype=np.int64)
        replace_balances(conn, number, period, (nothing, {"buckets": nothing}), ([], {}, []), now)
        replace_stocks(conn, number, first, stop, {})
        return 0
    cuts = np.cumsum(metered.buckets).tolist()
    traced = trace(metered.series, cuts, stock_at(conn, account, first), account.accounting)
    at_us = metered.at_us
    minute = pd.DatetimeIndex(at_us.view("M8[us]"), tz="UTC").tz_convert(zone).minute.to_numpy()
    hours = summed(traced, at_us - minute.astype(np.int64) * 60_000_000)
    position = np.repeat(np.arange(len(metered.days), dtype=np.int64), metered.buckets)
    kept, columns = summed(traced, position)
    chosen = kept.tolist()
    named, expected = [metered.days[n] for n in chosen], [metered.buckets[n] for n in chosen]
    replace_balances(conn, number, period, hours, (named, columns, expected), now)
    if account.has_storage:
        layers = [flat(stock) for stock in traced.stocks]
        replace_stocks(conn, number, first, stop, dict(zip(metered.days, layers, strict=True)))
    return len(chosen)


def _runs(stale: Sequence[date]) -> list[tuple[date, date]]:
    """Consecutive days of an ascending list as half-open ranges."""
    runs: list[tuple[date, date]] = []
    for day in stale:
        if runs and runs[-1][1] == day:
            runs[-1] = (runs[-1][0], day + timedelta(days=1))
        else:
            runs.append((day, day + timedelta(days=1)))
    return runs
