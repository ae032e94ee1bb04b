"""The picture of a park that its rules are asked about, loaded as of a time."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from app.clock import wall_now
from models.indicators import IndicatorValue
from models.periods import local_day
from rules.catalogue import needs
from rules.snapshot import (
    Forecast,
    Found,
    Heard,
    Limit,
    Running,
    Saving,
    Snapshot,
    Subject,
    Undelivered,
)
from storage.db import Conn
from storage.parks import AppliedPark, enterprise_ids
from storage.snapshot import SnapshotRows, snapshot_rows

_REFUSED_WITHIN = timedelta(days=7)


def load_snapshot(conn: Conn, applied: AppliedPark, now: datetime) -> Snapshot:
    """What the rules see at `now` (park clock).

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
    )


def _values(rows: SnapshotRows) -> dict[tuple[str, str], dict[Subject, list[IndicatorValue]]]:
    out: dict[tuple[str, str], dict[Subject, list[IndicatorValue]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows.values:
        value = IndicatorValue(*row)
        out[(value.indicator, value.period_kind)][value.enterprise_id].append(value)
    return out
