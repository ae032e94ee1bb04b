"""Stale readings to 15-minute intervals; nothing else is computed again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from analytics.metering.buckets import NOTHING
from app.jobs.quarters import Setup, compute, window
from models.errors import ParkError
from models.findings import Finding, Severity
from models.periods import BUCKET_S, from_s
from storage.db import Conn, translate_db_errors
from storage.edits import active_values, edited_channels
from storage.findings import forget_findings, save_findings
from storage.installations import installations
from storage.intervals import (
    Recomputed,
    ShapedGap,
    StaleRange,
    put_back,
    replace_intervals,
    take_stale_ranges,
)
from storage.lifecycle import sealed_until
from storage.parks import applied_parks, channels
from storage.readings import ChannelReadings

log = logging.getLogger(__name__)

_LIMIT = 4000  # ranges per transaction
_MERGE = timedelta(days=1)
CODES = (
    "channel.failed",
    "register.glitch",
    "register.held",
    "register.impossible_rise",
    "register.catch_up",
    "register.replacement",
    "register.reset",
    "register.rollover",
    "interval.gap",
    "interval.overlap",
    "rate.gap",
)
"""Codes of the findings that are made here, and withdrawn when they turn out otherwise."""


def compute_intervals(
    conn: Conn, now: datetime, progress: Callable[[int], None] = lambda done: None
) -> dict[str, int]:
    """Work off all stale ranges of channels in use, in transactions of bounded size.

    Returns:
        Number of stale ranges taken, buckets new or changed, findings.
    """
    refs = {c.channel_id: c for c in channels(conn)}
    parks = {a.park_id: a.park for a in applied_parks(conn)}
    done = {"ranges": 0, "buckets": 0, "findings": 0, "failed": 0}
    failed: dict[int, Finding] = {}
    while True:
        with translate_db_errors("compute intervals"), conn.transaction():
            stale = take_stale_ranges(conn, refs.keys() - failed.keys(), _LIMIT)
            if not stale:
                return done
            work = _by_channel(stale)
            sealed = sealed_until(conn)
            records, edited = installations(conn, list(work)), edited_channels(conn)
            parts: list[_Part] = []
            for number, ranges in work.items():
                setup = Setup(
                    refs[number],
                    parks[refs[number].park_id],
                    records.get(number, ()),
                    number in edited,
                )
                try:
                    made = list(_parts(conn, setup, ranges, _epoch(sealed)))
                except ParkError:
                    raise  # the database is away, or refuses
                except Exception as exc:  # our own defects cost one channel, not the park
                    log.exception("channel %s cannot be computed", setup.channel.path)
                    failed[number] = _failure(number, ranges, exc)
                    put_back(conn, ranges)
                else:
                    parts += made
            done["buckets"] += replace_intervals(conn, [p.recomputed for p in parts], now)
            findings = [f for part in parts for f in part.findings] + _sealed(stale, sealed)
            findings += failed.values()
            forget_findings(conn, CODES, [p.range for p in parts], now)
            save_findings(conn, findings, now)
        done["ranges"] += len(stale)
        done["findings"] += len(findings)
        done["failed"] = len(failed)
        progress(len(stale))


def _epoch(at: datetime | None) -> float:
    return at.timestamp() if at else -np.inf


def _failure(channel_id: int, ranges: Sequence[StaleRange], exc: Exception) -> Finding:
    """A channel that could not be computed; its work waits for a program that can."""
    evidence = {
        "error": f"{type(exc).__name__}: {exc}"[:300],
        "meaning": "the program failed on this channel: its values stand still, the log has the "
        "trace; please report it",
    }
    first, last = ranges[0].start_at, max(r.stop_at for r in ranges)
    return Finding("channel.failed", Severity.CRITICAL, first, last, channel_id, evidence=evidence)


def _sealed(stale: Sequence[StaleRange], sealed: datetime | None) -> list[Finding]:
    """Readings that came after those around them were removed: kept, but without effect."""
    return [
        Finding(
            "reading.sealed",
            Severity.WARNING,
            item.start_at,
            min(item.stop_at, sealed),
            item.channel_id,
            evidence={
                "sealed_until": sealed.isoformat(),
                "meaning": "new readings for a time whose raw readings were removed "
                "(GREENPARK_KEEP_READINGS_DAYS): the quarter-hours of that time are final",
            },
        )
        for item in stale
        if sealed is not None
        and item.start_at < sealed
        and item.reason in ("reading", "correction")
    ]


@dataclass(frozen=True)
class _Part:
    recomputed: Recomputed
    findings: list[Finding]

    @property
    def range(self) -> tuple[int, datetime, datetime]:
        part = self.recomputed
        return part.channel_id, from_s(part.low_s), from_s(part.high_s)


def _by_channel(stale: Sequence[StaleRange]) -> Mapping[int, list[StaleRange]]:
    """Ranges per channel, neighbours merged, ascending."""
    merged: dict[int, list[StaleRange]] = {}
    for item in sorted(stale, key=lambda r: (r.channel_id, r.start_at)):
        mine = merged.setdefault(item.channel_id, [])
        if mine and item.start_at - mine[-1].stop_at <= _MERGE:
            last = mine.pop()
            reason = last.reason if item.reason in last.reason else f"{last.reason}; {item.reason}"
            stop_at = max(last.stop_at, item.stop_at)
            mine.append(StaleRange(item.channel_id, last.start_at, stop_at, reason[:300]))
        else:
            mine.append(item)
    return merged


def _parts(
    conn: Conn, setup: Setup, ranges: Sequence[StaleRange], sealed_s: float
) -> Iterator[_Part]:
    # what is sealed has lost its readings; ranges reach into each other through their neighbours
    covered_s = sealed_s
    channel = setup.channel
    for item in ranges:
        data = window(conn, setup, item) or _without_readings(item)
        if data.high_s <= covered_s:
            continue
        data = replace(data, low_s=max(data.low_s, covered_s))
        covered_s = data.high_s
        buckets, shaped = compute(conn, setup, data) if data.at_s else (NOTHING, [])
        part = Recomputed(
            channel.channel_id,
            data.low_s,
            data.high_s,
            item.reason,
            buckets.start_s,
            buckets.value,
            buckets.method,
            extremes=(buckets.low, buckets.high, buckets.last)
            if buckets.low is not None and buckets.high is not None and buckets.last is not None
            else None,
            shaped=[ShapedGap(*gap) for gap in shaped],
        )
        if setup.edited:
            part = _overlay(conn, part)
        yield _Part(part, [replace(f, channel_id=channel.channel_id) for f in buckets.findings])


def _without_readings(item: StaleRange) -> ChannelReadings:
    """A channel that has no reading at all may have edits."""
    low_s, high_s = (t.timestamp() // BUCKET_S * BUCKET_S for t in (item.start_at, item.stop_at))
    return ChannelReadings([], [], low_s, high_s + BUCKET_S)


def _overlay(conn: Conn, part: Recomputed) -> Recomputed:
    """The part with the values of active edits in place of its own."""
    starts, values, ids = active_values(conn, part.channel_id, part.low_s, part.high_s)
    if not len(starts):
        return part
    kept = ~np.isin(part.start_s, starts)
    given = ~np.isnan(values)
    start_s = np.concatenate([part.start_s[kept], starts[given]])
    order = np.argsort(start_s, kind="stable")
    kept_n, given_n = int(kept.sum()), int(given.sum())
    extremes = part.extremes and tuple(
        np.concatenate([e[kept], values[given]])[order] for e in part.extremes
    )
    return replace(
        part,
        start_s=start_s[order],
        value=np.concatenate([part.value[kept], values[given]])[order],
        method=np.concatenate([part.method[kept], np.zeros(given_n, np.uint8)])[order],
        edit_id=np.concatenate([np.zeros(kept_n, np.int32), ids[given]])[order],
        extremes=extremes,
    )
