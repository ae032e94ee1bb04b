"""The checks of each kind of channel, and what they replace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from analytics.metering.buckets import Bools, Floats
from analytics.metering.checks.clocks import clock_skews
from analytics.metering.checks.completeness import completeness, silences
from analytics.metering.checks.days import table
from analytics.metering.checks.levels import levels
from analytics.metering.checks.parents import parent_gaps
from analytics.metering.checks.ratios import ratio_jumps
from analytics.metering.checks.reactive import reactive_alone
from analytics.metering.checks.spikes import spikes
from analytics.metering.checks.stuck import stretches, stuck
from analytics.metering.checks.sums import reach_of, sums
from app.jobs.validation_windows import STRETCHES, Loaded, Window, load
from models.channels import ChannelRef
from models.findings import Finding
from models.periods import from_s
from storage.db import Conn
from storage.findings import forget_findings, save_findings
from storage.validation import Span, span_buckets, span_days

CODES = (
    "clock.skew",
    "validation.completeness",
    "validation.high",
    "validation.low",
    "validation.parent",
    "validation.ratio_jump",
    "validation.reactive",
    "validation.spike",
    "validation.sum",
    "validation.zero",
)
"""Findings of one day; `STRETCHES` can be longer."""


@dataclass(frozen=True)
class Relations:
    """Channels that are checked against others.

    Attributes:
        children: channel of a parent meter -> the same channel of the meters below it.
        active: reactive channel -> active channels of the same meter.
        loss_ratio: channel of a parent meter -> its own limit, if it has one.
    """

    children: Mapping[int, Sequence[int]]
    active: Mapping[int, Sequence[int]]
    loss_ratio: Mapping[int, float]

    def above(self) -> dict[int, list[int]]:
        """Channel -> the channels whose checks look at it."""
        out: dict[int, list[int]] = {}
        for relation in (self.children, self.active):
            for number, others in relation.items():
                for other in others:
                    out.setdefault(other, []).append(number)
        return out


def relations(
    refs: Sequence[ChannelRef],
    parents: Mapping[tuple[int, str], str],
    losses: Mapping[tuple[int, str], float],
) -> Relations:
    """Who is checked against whom: the same key and quantity below, active beside reactive.

    Args:
        parents: (park number, meter) -> its parent meter.
        losses: (park number, meter) -> most that may be lost below it.
    """
    known = {(c.park_id, c.meter_key, c.key, c.quantity): c.channel_id for c in refs}
    children: dict[int, list[int]] = {}
    for ref in refs:
        above = parents.get((ref.park_id, ref.meter_key))
        number = known.get((ref.park_id, above or "", ref.key, ref.quantity))
        if number is not None and ref.kind != "gauge":
            children.setdefault(number, []).append(ref.channel_id)
    beside: dict[tuple[int, str], list[int]] = {}
    for ref in refs:
        if ref.quantity == "active_energy":
            beside.setdefault((ref.park_id, ref.meter_key), []).append(ref.channel_id)
    active = {
        c.channel_id: beside[c.park_id, c.meter_key]
        for c in refs
        if c.quantity == "reactive_energy" and (c.park_id, c.meter_key) in beside
    }
    own = {
        c.channel_id: losses[c.park_id, c.meter_key]
        for c in refs
        if (c.park_id, c.meter_key) in losses
    }
    return Relations(children, active, own)


def check_windows(conn: Conn, windows: Sequence[Window], related: Relations, now: datetime) -> int:
    """Withdraw the findings of the windows and make them anew. Returns their number."""
    loaded = load(conn, windows)
    beside = _active(conn, loaded, related)
    below = _children(conn, loaded, related)
    findings: list[Finding] = []
    whole, long = [], []
    for n, item in enumerate(loaded):
        number, window = item.window.ref.channel_id, item.window
        found = [
            *_own(item),
            *_reactive(item, beside.get(number)),
            *_parent(item, below.get(n), related.loss_ratio.get(number)),
        ]
        findings += [replace(f, channel_id=number) for f in found]
        low, high = from_s(window.at_s(window.first)), from_s(window.at_s(window.stop))
        whole.append((number, low, high))
        long.append((number, low, max([high, *_ends(item, found)])))
        for code, start_s, stop_s in item.standing:
            if code in STRETCHES and from_s(start_s) < low < from_s(stop_s):
                long.append((number, from_s(start_s), from_s(start_s + 1)))
    forget_findings(conn, CODES, whole, now)
    forget_findings(conn, STRETCHES, long, now)
    save_findings(conn, findings, now)
    return len(findings)


def _own(item: Loaded) -> Iterator[Finding]:
    """Checks that need no other channel."""
    days, limits, kind = item.days, item.window.park.validation, item.window.ref.kind
    if kind == "batch":
        return  # it cannot be seen to be silent, and no two events are alike
    yield from completeness(days, limits, item.around)
    yield from silences(days, item.around)
    yield from stuck(days, limits, item.known("validation.stuck"))
    period_s = item.window.ref.period_s
    yield from clock_skews(days, item.raw, limits, period_s if kind == "interval" else 0)
    if kind == "gauge":
        return
    yield from spikes(days, limits)
    yield from levels(days, limits)
    yield from ratio_jumps(days, limits, item.declared)
    if kind == "register":
        yield from sums(days, item.raw, item.factor, limits, item.broken, reach_of(period_s))


def _reactive(item: Loaded, active: Floats | None) -> Iterator[Finding]:
    if active is not None:
        yield from reactive_alone(item.days, active, item.window.park.validation)


def _parent(
    item: Loaded, below: tuple[Floats, Bools] | None, loss_ratio: float | None
) -> Iterator[Finding]:
    if below is not None:
        limits = item.window.park.validation
        yield from parent_gaps(item.days, below[0], below[1], limits, loss_ratio)


def _active(conn: Conn, loaded: Sequence[Loaded], related: Relations) -> dict[int, Floats]:
    """Reactive channel -> (days, 100) active energy of its meter."""
    wanted = [
        (item, other)
        for item in loaded
        for other in related.active.get(item.window.ref.channel_id, ())
    ]
    spans = [
        Span(other, int(item.grid.edge_s[0]), int(item.grid.edge_s[-1])) for item, other in wanted
    ]
    out: dict[int, Floats] = {}
    for (item, _), stored in zip(wanted, span_buckets(conn, spans), strict=True):
        number = item.window.ref.channel_id
        amount = table(item.grid, stored.start_s, stored.value, np.nan)
        out[number] = out[number] + amount if number in out else amount
    return out


def _children(
    conn: Conn, loaded: Sequence[Loaded], related: Relations
) -> dict[int, tuple[Floats, Bools]]:
    """Place in `loaded` -> sum of the children per day, and where all of them are complete."""
    wanted = [
        (n, other)
        for n, item in enumerate(loaded)
        for other in related.children.get(item.window.ref.channel_id, ())
    ]
    ranges = [(other, loaded[n].window.first, loaded[n].window.stop) for n, other in wanted]
    out: dict[int, tuple[Floats, Bools]] = {}
    for (n, _), days in zip(wanted, span_days(conn, ranges), strict=True):
        size = len(loaded[n].grid)
        value, complete = out.setdefault(n, (np.zeros(size), np.ones(size, dtype=np.bool_)))
        for row in loaded[n].days.rows:
            amount, full = days.get(loaded[n].grid.day(row), (0.0, False))
            value[row] += amount
            complete[row] &= full
    return out


def _ends(item: Loaded, found: Sequence[Finding]) -> list[datetime]:
    """Stops of the stretches that begin in the window or before it: nothing begins inside them."""
    high_s = item.window.at_s(item.window.stop)
    ends = [from_s(s.stop_s) for s in stretches(item.days) if s.start_s < high_s]
    return ends + [f.stop for f in found if f.code in STRETCHES]
