"""Days of channels to check, loaded in bulk: values, raw readings, what is known around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from analytics.metering.buckets import Bools, Floats
from analytics.metering.checks import LOOK_BACK_DAYS
from analytics.metering.checks.completeness import Around
from analytics.metering.checks.days import Days, Grid, grid, table
from analytics.metering.checks.stuck import PAUSE_BUCKETS, still_mask
from analytics.metering.checks.sums import Raw, falls, reach_of, register_steps
from models.channels import ChannelRef
from models.installations import Installation
from models.park import Park
from models.periods import BUCKET_S, day_start, from_s, local_day
from models.quantities import QUANTITIES
from models.roles import Role
from storage.db import Conn
from storage.installations import installations
from storage.validation import (
    Span,
    StoredBuckets,
    span_buckets,
    span_edges,
    span_findings,
    span_readings,
)

STRETCHES = ("validation.stuck", "validation.silent")
_BREAKS = (
    "register.reset",
    "register.replacement",
    "register.held",
    "register.impossible_rise",
    "register.glitch",
    "register.rollover",
)
_FROZEN = "register.catch_up"
_IDLE = {Role.ONSITE_WIND, Role.DIRECT_SUPPLY, Role.GRID_EXPORT}
_IDLE |= {Role.STORAGE_CHARGE, Role.STORAGE_DISCHARGE}
_VARIES = _IDLE | {Role.ONSITE_PV}
_MORE_DAYS = 32


@dataclass(frozen=True)
class Window:
    """Days `[first, stop)` of a channel to check; `end` is its first unfinished day."""

    ref: ChannelRef
    park: Park
    first: date
    stop: date
    end: date

    def at_s(self, day: date) -> int:
        """Midnight at which the day begins, epoch seconds."""
        return int(day_start(day, self.park.zone).timestamp())

    def grid(self, stop: date) -> Grid:
        """The days looked at, those before the checked ones included."""
        low = self.first - timedelta(days=LOOK_BACK_DAYS)
        return grid(low, stop, self.park.zone, self.park.metering.calendar)


@dataclass(frozen=True)
class Loaded:
    """A window with what the checks need.

    Attributes:
        standing: findings that stand and touch the window: code, start and stop [epoch s].
    """

    window: Window
    grid: Grid
    buckets: StoredBuckets
    raw: Raw
    around: Around
    standing: Sequence[tuple[str, int, int]]
    records: Sequence[Installation]

    @cached_property
    def days(self) -> Days:
        """The values as days x quarter-hours."""
        ref, b, g = self.window.ref, self.buckets, self.grid
        still = still_mask(b.start_s, b.value, b.low, b.high, gauge=ref.kind == "gauge")
        return Days(
            g,
            table(g, b.start_s, b.value, np.nan),
            table(g, b.start_s, (b.quality + 1).astype(np.uint8), 0),
            (g.row(self.window.first), g.row(self.window.stop)),
            QUANTITIES[ref.quantity].suffix,
            self._steps(),
            varies=ref.role in _VARIES,
            idle=ref.role in _IDLE or ref.role == Role.ONSITE_PV,
            still=table(g, b.start_s, still, False),
        )

    @cached_property
    def factor(self) -> Floats:
        """Raw reading to canonical unit, per day."""
        out = np.full(len(self.grid), self.window.ref.factor)
        for record in self.records:
            out[self.grid.edge_s[:-1] >= record.at_s] = record.factor
        return out

    @cached_property
    def broken(self) -> Bools:
        """Days in which the register is not one rising row."""
        out = falls(self.raw, self.grid.edge_s)
        times = [(r.at_s, r.at_s) for r in self.records]
        times += [(a, b) for code, a, b in self.standing if code in _BREAKS]
        for start_s, stop_s in times:
            early = start_s - reach_of(self.window.ref.period_s)
            rows, _ = self.grid.place(np.array([early, stop_s]))
            out[max(0, int(rows[0])) : int(rows[1]) + 1] = True
        for code, start_s, stop_s in self.standing:
            if code == _FROZEN:  # the register at a midnight inside was not what had flowed
                rows, _ = self.grid.place(np.array([start_s, stop_s - 1]))
                if rows[0] < rows[1]:
                    out[max(0, int(rows[0])) : int(rows[1]) + 1] = True
        return out

    @cached_property
    def declared(self) -> frozenset[date]:
        """Days of installation records."""
        zone = self.window.park.zone
        return frozenset(local_day(from_s(r.at_s), zone) for r in self.records)

    def known(self, code: str) -> frozenset[int]:
        """Starts of standing stretches that begin before the first checked day."""
        first_s = self.window.at_s(self.window.first)
        return frozenset(a for c, a, _ in self.standing if c == code and a < first_s)

    def _steps(self) -> Floats:
        ref = self.window.ref
        if ref.kind != "register":
            return np.zeros(len(self.grid))
        return register_steps(self.raw, self.grid.edge_s, ref.resolution) * self.factor


def load(conn: Conn, windows: Sequence[Window]) -> list[Loaded]:
    """Everything the checks of the windows need."""
    grids = [w.grid(w.stop) for w in windows]
    spans = [_span(w, g) for w, g in zip(windows, grids, strict=True)]
    buckets = span_buckets(conn, spans)
    for n, window in enumerate(windows):
        if _open(window, grids[n], buckets[n]):
            grids[n], buckets[n] = _longer(conn, window)
            spans[n] = _span(window, grids[n])
    checked = [
        Span(w.ref.channel_id, w.at_s(w.first), w.at_s(w.stop) if w.ref.kind != "batch" else 0)
        for w in windows
    ]
    readings = span_readings(conn, checked)
    edges = span_edges(conn, spans)
    before = [replace(s, low_s=s.low_s - PAUSE_BUCKETS * BUCKET_S) for s in spans]
    standing = span_findings(conn, before, [*STRETCHES, *_BREAKS, _FROZEN])
    records = installations(conn, sorted({w.ref.channel_id for w in windows}))
    return [
        Loaded(
            w,
            grids[n],
            buckets[n],
            Raw(readings[n].at_s, readings[n].value, readings[n].received_s),
            _around(w, buckets[n], edges[n]),
            standing[n],
            records.get(w.ref.channel_id, ()),
        )
        for n, w in enumerate(windows)
    ]


def _span(window: Window, days: Grid) -> Span:
    return Span(window.ref.channel_id, int(days.edge_s[0]), int(days.edge_s[-1]))


def _open(window: Window, days: Grid, buckets: StoredBuckets) -> bool:
    """A stretch without change goes on beyond the checked days."""
    b = buckets
    if len(b.start_s) == 0 or int(days.edge_s[-1]) >= window.at_s(window.end):
        return False
    still = still_mask(b.start_s, b.value, b.low, b.high, gauge=window.ref.kind == "gauge")
    return bool(still[-1])


def _longer(conn: Conn, window: Window) -> tuple[Grid, StoredBuckets]:
    """The window with days after it, up to the end of the stretch that it cuts."""
    more = _MORE_DAYS
    while True:
        days = window.grid(min(window.end, window.stop + timedelta(days=more)))
        buckets = span_buckets(conn, [_span(window, days)])[0]
        if not _open(window, days, buckets):
            return days, buckets
        more *= 2


def _around(
    window: Window, buckets: StoredBuckets, edges: tuple[float | None, float | None]
) -> Around:
    before_s, after_s = edges
    zone = window.park.zone

    def midnight(at_s: float, later: int) -> int:
        day = local_day(from_s(at_s), zone) + timedelta(days=later)
        return window.at_s(day)

    since = window.ref.in_service_from
    if since is not None:
        since_s = float(window.at_s(since))
    elif before_s is not None:
        since_s = -np.inf
    else:
        since_s = float(buckets.start_s[0]) if len(buckets.start_s) else np.inf
    silent_from = midnight(before_s, 1) if before_s is not None else None
    if since is not None:
        silent_from = max(silent_from or window.at_s(since), window.at_s(since))
    end_s = window.at_s(window.end)
    silent_to = end_s if after_s is None else min(end_s, midnight(after_s, 0))
    return Around(since_s, silent_from, silent_to)
