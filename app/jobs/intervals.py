"""Stale readings to 15-minute intervals; nothing else is computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from analytics.metering.amounts import amount_buckets
from analytics.metering.gauges import gauge_buckets
from analytics.metering.glitches import CONTEXT_SAMPLES
from analytics.metering.registers import Buckets, RegisterSpec, register_buckets
from models.channels import ChannelRef
from models.findings import Finding, Severity
from storage.db import Conn, translate_db_errors
from storage.findings import forget_findings, save_findings
from storage.intervals import Recomputed, StaleRange, replace_intervals, take_stale_ranges
from storage.parks import channels
from storage.readings import ChannelReadings, channel_readings, period_readings

_RANGES_PER_TRANSACTION = 4000
_MERGE = timedelta(days=1)
_CODES = ("register.fell", "register.glitch", "interval.gap", "interval.overlap")


def compute_intervals(
    conn: Conn, now: datetime, progress: Callable[[int], None] = lambda done: None
) -> dict[str, int]:
    """Work off all stale ranges, in transactions of bounded size.

    Returns:
        Number of stale ranges taken, buckets written, findings.
    """
    known = {c.channel_id: c for c in channels(conn)}
    done = {"ranges": 0, "buckets": 0, "findings": 0}
    while True:
        with translate_db_errors("compute intervals"), conn.transaction():
            stale = take_stale_ranges(conn, _RANGES_PER_TRANSACTION)
            parts, findings = [], []
            for channel_id, ranges in _by_channel(stale).items():
                if channel_id in known:
                    for done_part in _recompute(conn, known[channel_id], ranges):
                        parts.append(done_part.recomputed)
                        findings += done_part.findings
            written = replace_intervals(conn, parts, now) if parts else 0
            for part in parts:  # what turned out otherwise is no finding any more
                forget_findings(conn, part.channel_id, _CODES, _utc(part.low_s), _utc(part.high_s))
            save_findings(conn, findings, now)
        done["ranges"] += len(stale)
        done["buckets"] += written
        done["findings"] += len(findings)
        progress(len(stale))
        if len(stale) < _RANGES_PER_TRANSACTION:
            return done


@dataclass(frozen=True)
class _Part:
    recomputed: Recomputed
    findings: list[Finding]


def _by_channel(stale: Sequence[StaleRange]) -> Mapping[int, list[StaleRange]]:
    """Ranges per channel, neighbours merged, ascending."""
    merged: dict[int, list[StaleRange]] = {}
    for item in sorted(stale, key=lambda r: (r.channel_id, r.start_at)):
        mine = merged.setdefault(item.channel_id, [])
        if mine and item.start_at - mine[-1].stop_at <= _MERGE:
            last = mine.pop()
            mine.append(
                StaleRange(
                    item.channel_id, last.start_at, max(last.stop_at, item.stop_at), last.reason
                )
            )
        else:
            mine.append(item)
    return merged


def _recompute(conn: Conn, channel: ChannelRef, ranges: Sequence[StaleRange]) -> Iterator[_Part]:
    covered_s = -np.inf  # ranges may reach into each other through their neighbouring readings
    for item in ranges:
        data = _readings(conn, channel, item)
        if data is None or data.high_s <= covered_s:
            continue
        low_s = max(data.low_s, covered_s)
        at_s, raw = np.array(data.at_s), np.array(data.values)
        buckets = _buckets(channel, at_s, raw, low_s, data.high_s)
        covered_s = data.high_s
        yield _Part(
            Recomputed(
                channel.channel_id,
                low_s,
                data.high_s,
                item.reason,
                buckets.start_s,
                buckets.value,
                buckets.estimated,
                "even" if channel.kind == "interval" else "linear",
            ),
            _findings(channel, buckets, low_s, data.high_s),
        )


def _readings(conn: Conn, channel: ChannelRef, item: StaleRange) -> ChannelReadings | None:
    """Readings that decide the buckets of a stale range."""
    number, start, stop = channel.channel_id, item.start_at, item.stop_at
    if channel.kind == "interval":
        return period_readings(conn, number, start, stop, channel.period_s)
    context = 1 if channel.kind == "gauge" else CONTEXT_SAMPLES
    return channel_readings(conn, number, start, stop, context)


def _buckets(
    channel: ChannelRef, at_s: np.ndarray, raw: np.ndarray, low_s: float, high_s: float
) -> Buckets:
    if channel.kind == "gauge":
        return gauge_buckets(at_s, raw, channel.factor, low_s, high_s)
    if channel.kind == "interval":
        return amount_buckets(at_s, raw, channel.factor, channel.period_s, low_s, high_s)
    spec = RegisterSpec(channel.factor, channel.modulus, channel.period_s, channel.rated_per_h)
    return register_buckets(at_s, raw, spec, low_s, high_s)


def _findings(channel: ChannelRef, buckets: Buckets, low_s: float, high_s: float) -> list[Finding]:
    found = [
        Finding(
            "register.fell",
            Severity.WARNING,
            _utc(f.at_s),
            _utc(f.at_s),
            channel.channel_id,
            evidence={
                "old": f.old,
                "new": f.new,
                "unit": channel.unit,
                "meaning": "register fell and it is no roll-over: a new segment begins, "
                "the bucket of the fall stays missing",
            },
        )
        for f in buckets.falls
        if low_s <= f.at_s < high_s
    ]
    found += [
        Finding(
            "register.glitch",
            Severity.WARNING,
            _utc(at_s),
            _utc(at_s),
            channel.channel_id,
            evidence={
                "value": value,
                "unit": channel.unit,
                "meaning": "the register left its course and came back: the reading is passed over",
            },
        )
        for at_s, value in buckets.glitches
        if low_s <= at_s < high_s
    ]
    found += [
        Finding(
            "interval.gap",
            Severity.INFO,
            _utc(start),
            _utc(stop),
            channel.channel_id,
            evidence={
                "gap_s": stop - start,
                "nominal_period_s": channel.period_s,
                "meaning": "no reading in between: the total is measured, its shape is "
                "estimated by a straight line",
            },
        )
        for start, stop in buckets.gaps
        if stop > low_s and start < high_s
    ]
    found += [
        Finding(
            "interval.overlap",
            Severity.WARNING,
            _utc(start),
            _utc(stop),
            channel.channel_id,
            evidence={
                "overlap_s": stop - start,
                "period_s": channel.period_s,
                "meaning": "two amounts cover the same time: which one is right cannot be told, "
                "the quarter-hours stay missing; is period_s of the channel right?",
            },
        )
        for start, stop in buckets.overlaps
        if low_s <= start < high_s
    ]
    return found


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
