"""Finished days to findings: only days that changed, and those that refer to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from analytics.metering.checks import LOOK_BACK_DAYS, REACH_DAYS
from app.jobs.validation_checks import Relations, check_windows, relations
from app.jobs.validation_windows import Window
from models.channels import ChannelRef
from models.park import Park
from models.periods import BUCKET_S, local_day
from storage.db import Conn, translate_db_errors
from storage.parks import applied_parks, channels
from storage.validation import checked_until, last_values, set_checked_until, take_checks

_TAKEN = 100_000
_DAYS_AT_ONCE = 20_000
_APART_DAYS = LOOK_BACK_DAYS + REACH_DAYS
_DAY = timedelta(days=1)

Range = tuple[date, date]


def compute_validation(
    conn: Conn, now: datetime, progress: Callable[[int], None] = lambda done: None
) -> dict[str, int]:
    """Check every finished day that changed or was not looked at yet.

    A day is finished when its last quarter-hour, or anything after it, has a value; or else
    `settle_minutes` after its end, or two sampling periods if they are longer.

    Returns:
        Number of changed days taken, days checked and findings.
    """
    site = _Site.of(conn, now)
    done = {"days": 0, "checked": 0, "findings": 0}
    while True:
        with translate_db_errors("validate"), conn.transaction():
            taken = take_checks(conn, site.end, _TAKEN)
            for layer in _layers(site, _due(conn, site, taken)):
                done["checked"] += sum((w.stop - w.first).days for w in layer)
                done["findings"] += check_windows(conn, layer, site.related, now)
        done["days"] += len(taken)
        progress(len(taken))
        if len(taken) < _TAKEN:
            return done


@dataclass(frozen=True)
class _Site:
    """Parks, channels and how they belong together.

    Attributes:
        end: first unfinished local day of each channel.
    """

    parks: Mapping[int, Park]
    refs: Mapping[int, ChannelRef]
    related: Relations
    above: Mapping[int, Sequence[int]]
    end: Mapping[int, date]

    @classmethod
    def of(cls, conn: Conn, now: datetime) -> _Site:
        parks = {p.park_id: p.park for p in applied_parks(conn)}
        refs = channels(conn)
        parents, losses = {}, {}
        for number, park in parks.items():
            for meter in (m for e in park.enterprises for m in e.meters):
                if meter.parent is not None:
                    parents[number, meter.key] = meter.parent
                if meter.losses_ratio is not None:
                    losses[number, meter.key] = meter.losses_ratio
        related = relations(refs, parents, losses)
        end = _ends(conn, refs, parks, now)
        return cls(parks, {c.channel_id: c for c in refs}, related, related.above(), end)


def _ends(
    conn: Conn, refs: Sequence[ChannelRef], parks: Mapping[int, Park], now: datetime
) -> dict[int, date]:
    """First unfinished day of each channel; a clock that was set back takes none back."""
    known = checked_until(conn)
    settled = {c.channel_id: now - timedelta(seconds=_settle_s(c, parks[c.park_id])) for c in refs}
    since = min(settled.values(), default=now) - _DAY
    last = last_values(conn, list(settled), since, now)
    ends = {}
    for ref in refs:
        number, zone = ref.channel_id, parks[ref.park_id].zone
        seen = last.get(number, since) + timedelta(seconds=BUCKET_S)
        day = local_day(min(max(settled[number], seen), now), zone)
        ends[number] = max(day, known.get(number, date.min))
    return ends


def _settle_s(ref: ChannelRef, park: Park) -> float:
    return max(park.validation.settle_minutes * 60, 2 * ref.period_s)


def _due(conn: Conn, site: _Site, taken: Sequence[tuple[int, date]]) -> dict[int, list[Range]]:
    """Ranges of days to check per channel, merged and ascending; notes how far they reach."""
    ranges: dict[int, list[Range]] = {}
    first: dict[int, date] = {}
    for number, day in taken:
        first[number] = min(first.get(number, day), day)
        ranges.setdefault(number, []).append((day - _DAY, day + (REACH_DAYS + 1) * _DAY))
        for other in site.above.get(number, ()):
            ranges.setdefault(other, []).append((day, day + _DAY))
    known, until = checked_until(conn), {}
    for number, ref in site.refs.items():
        start = known.get(number) or ref.in_service_from or first.get(number)
        if start is not None and start < site.end[number]:
            until[number] = site.end[number]
            ranges.setdefault(number, []).append((start - _DAY, site.end[number]))
    if until:
        set_checked_until(conn, until)
    clipped = {
        number: [(a, min(b, site.end[number])) for a, b in mine if a < site.end[number]]
        for number, mine in ranges.items()
    }
    return {number: _merged(mine) for number, mine in clipped.items()}


def _merged(ranges: list[Range]) -> list[Range]:
    """Ranges that look at the same days become one."""
    out: list[Range] = []
    for start, stop in sorted(ranges):
        if out and (start - out[-1][1]).days <= _APART_DAYS:
            out[-1] = (out[-1][0], max(out[-1][1], stop))
        else:
            out.append((start, stop))
    return out


def _layers(site: _Site, due: Mapping[int, list[Range]]) -> Iterator[list[Window]]:
    """Windows in groups of bounded size; those of one channel in order, never in one group."""
    for depth in range(max(map(len, due.values()), default=0)):
        layer: list[Window] = []
        size = 0
        for number, mine in sorted(due.items()):
            if depth < len(mine):
                ref = site.refs[number]
                layer.append(Window(ref, site.parks[ref.park_id], *mine[depth], site.end[number]))
                size += (mine[depth][1] - mine[depth][0]).days
            if size > _DAYS_AT_ONCE:
                yield layer
                layer, size = [], 0
        if layer:
            yield layer
