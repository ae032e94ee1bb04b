"""The 15-minute values of one stale range: the readings that decide it and its kind of channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.metering.amounts import amount_buckets
from analytics.metering.batches import batch_buckets
from analytics.metering.buckets import Buckets, Floats
from analytics.metering.gauges import gauge_buckets
from analytics.metering.likedays import gap_weights, look_back_start
from analytics.metering.rates import rate_buckets
from analytics.metering.registers import RegisterSpec, register_buckets
from models.channels import ChannelRef
from models.installations import Installation
from models.park import Park
from storage.db import Conn
from storage.edits import active_values
from storage.intervals import StaleRange, measured_values
from storage.marks import marked_times
from storage.readings import ChannelReadings, channel_readings, period_readings

Gap = tuple[float, float, float]
"""Start, stop and since when values shaped it [epoch s]."""


@dataclass(frozen=True)
class Setup:
    """All that is known of a channel beyond its readings."""

    channel: ChannelRef
    park: Park
    records: Sequence[Installation] = ()
    edited: bool = False

    def relative_factor(self, at_s: Floats) -> Floats:
        """Factor of each reading by the records of its time, relative to that of the channel."""
        factors = np.array([1.0, *(r.factor / self.channel.factor for r in self.records)])
        return factors[np.searchsorted([r.at_s for r in self.records], at_s, side="right")]

    @property
    def register(self) -> RegisterSpec:
        """The facts of a register channel."""
        c, rules = self.channel, self.park.metering
        return RegisterSpec(
            c.factor,
            c.modulus,
            c.period_s,
            c.rated_per_h,
            c.resolution,
            c.unit,
            rules.glitch_samples,
            rules.glitch_minutes * 60,
            rules.straight_line_minutes * 60,
            tuple(self.records),
        )


def window(conn: Conn, setup: Setup, item: StaleRange) -> ChannelReadings | None:
    """Readings that decide the buckets of a stale range; None: there is none at all."""
    channel = setup.channel
    number, start, stop = channel.channel_id, item.start_at, item.stop_at
    if channel.kind == "interval":
        return period_readings(conn, number, start, stop, channel.period_s)
    if channel.kind == "register":
        return channel_readings(conn, number, start, stop, setup.register)
    return channel_readings(conn, number, start, stop)


def compute(conn: Conn, setup: Setup, data: ChannelReadings) -> tuple[Buckets, list[Gap]]:
    """Buckets of `[data.low_s, data.high_s)`, and the gaps that like days shaped."""
    c = setup.channel
    at_s, raw, low_s, high_s = np.array(data.at_s), np.array(data.values), data.low_s, data.high_s
    straight_s = setup.park.metering.straight_line_minutes * 60
    if c.kind == "register":
        return _register(conn, setup, at_s, raw, low_s, high_s)
    raw = raw * setup.relative_factor(at_s)
    if c.kind == "gauge":
        return gauge_buckets(at_s, raw, c.factor, low_s, high_s), []
    if c.kind == "rate":
        return rate_buckets(at_s, raw, c.factor, c.period_s, low_s, high_s, straight_s), []
    if c.kind == "batch":
        return batch_buckets(at_s, raw, c.factor, low_s, high_s), []
    marked = np.isin(at_s, marked_times(conn, c.channel_id, low_s - c.period_s, high_s))
    return amount_buckets(at_s, raw, c.factor, c.period_s, low_s, high_s, marked), []


def _register(
    conn: Conn, setup: Setup, at_s: Floats, raw: Floats, low_s: float, high_s: float
) -> tuple[Buckets, list[Gap]]:
    spec = setup.register
    plain = register_buckets(at_s, raw, spec, low_s, high_s)
    if not plain.long_gaps:
        return plain, []
    zone, rules, number = setup.park.zone, setup.park.metering, setup.channel.channel_id
    since = [look_back_start(start, zone, rules.like_days_within) for start, _ in plain.long_gaps]
    before = measured_values(conn, number, min(since), low_s)
    mine = ~plain.estimated
    if setup.edited:  # as stored: an edited value is no example of what was measured
        mine &= ~np.isin(plain.start_s, active_values(conn, number, low_s, high_s)[0])
    measured = (
        np.concatenate([before[0], plain.start_s[mine]]),
        np.concatenate([before[1], plain.value[mine]]),
    )
    shapes = {
        gap: weights
        for gap in plain.long_gaps
        if (
            weights := gap_weights(
                *gap,
                measured,
                zone,
                rules.calendar,
                rules.like_days,
                rules.like_days_within,
            )
        )
        is not None
    }
    gaps = [(*gap, s) for gap, s in zip(plain.long_gaps, since, strict=True)]
    return (register_buckets(at_s, raw, spec, low_s, high_s, shapes) if shapes else plain), gaps
