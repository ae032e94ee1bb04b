"""The picture of a park that its rules are asked about, loaded as of a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from app.clock import wall_now
from models.indicators import IndicatorValue
from models.periods import Period, day_start, local_day
from rules.catalogue import RULES, needs
from rules.snapshot import (
    Alive,
    Curtailed,
    Forecast,
    Found,
    Heard,
    Limit,
    Restated,
    Running,
    Saving,
    Snapshot,
    Subject,
    Undelivered,
)
from storage.db import Conn
from storage.parks import AppliedPark, enterprise_ids
from storage.snapshot import (
    SnapshotRows,
    collector_signs,
    curtailed_hours,
    load_hours,
    restated_channels,
    snapshot_rows,
)

_REFUSED_WITHIN = timedelta(days=7)
_RESTATED_WITHIN = timedelta(days=7)
_SAME_CLOCK = timedelta(hours=1)  # as long as the jobs before the rules may take


def load_snapshot(
    conn: Conn, applied: AppliedPark, now: datetime, codes: Collection[str] | None = None
) -> Snapshot:
    """What the rules see at `now` (park clock).

    Args:
        codes: the rules that will be asked; None: all. What only others need is not read.

    Raises:
        StorageError: the database did not answer.
    """
    today = local_day(now, applied.park.zone)
    rows = snapshot_rows(
        conn,
        applied.park_id,
        [need._asdict() for need in needs()],
        today,
        today + timedelta(days=1),
        now,
        wall_now() - _REFUSED_WITHIN,
    )
    return Snapshot(
        park_id=applied.park_id,
        park=applied.park,
        enterprises={i: k for k, i in enterprise_ids(conn, applied.park_id).items()},
        now=now,
        today=today,
        open=frozenset(rows.open),
        values=_values(rows),
        limits={key: Limit(*rest) for key, *rest in rows.limits},
        forecasts={subject: Forecast(*rest) for subject, *rest in rows.forecasts},
        savings=[Saving(*row) for row in rows.savings],
        findings=[Found(*row) for row in rows.findings],
        heard=[Heard(*row) for row in rows.heard],
        undelivered=[Undelivered(*row) for row in rows.undelivered],
        jobs=[Running(*row) for row in rows.jobs],
        **_special(conn, applied, now, codes),
    )


def _special(
    conn: Conn, applied: AppliedPark, now: datetime, codes: Collection[str] | None
) -> dict[str, Any]:
    """What single rules look at, as far as they are asked."""
    park_id, zone = applied.park_id, applied.park.zone
    midnight = day_start(today := local_day(now, zone), zone)
    out: dict[str, Any] = {}
    for code in RULES if codes is None else codes:
        if code == "collector_silent":
            out["collectors"] = _collectors(conn, now)
        elif code == "idle_load":
            week = Period(day_start(today - timedelta(days=7), zone), midnight)
            out["loads"] = dict(load_hours(conn, park_id, week))
        elif code == "curtailment_while_importing":
            yesterday = Period(day_start(today - timedelta(days=1), zone), midnight)
            rows = curtailed_hours(conn, park_id, yesterday)
            out["curtailed"] = [Curtailed(*row) for row in rows]
        elif code == "restatement_large":
            rows = restated_channels(conn, park_id, now - _RESTATED_WITHIN, now)
            out["restated"] = [Restated(*row) for row in rows]
    return out


def _collectors(conn: Conn, now: datetime) -> list[Alive] | None:
    """When they were last alive; None: the park is not on the wall clock.

    In a demo a minute of the park is a moment of theirs; of the past the present says nothing.
    """
    wall = wall_now()
    if abs(wall - now) > _SAME_CLOCK:
        return None
    return [Alive(at, (wall - at).total_seconds()) for at in collector_signs(conn)]


def _values(rows: SnapshotRows) -> dict[tuple[str, str], dict[Subject, list[IndicatorValue]]]:
    out: dict[tuple[str, str], dict[Subject, list[IndicatorValue]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows.values:
        value = IndicatorValue(*row)
        out[(value.indicator, value.period_kind)][value.enterprise_id].append(value)
    return out
