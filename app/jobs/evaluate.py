"""Indicator values against the rules; what they say goes to the alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from alerts.lifecycle import apply_verdicts
from models.indicators import (
    ENERGY_INTENSITY,
    GREEN_SHARE_CLAIM,
    GREEN_SHARE_PHYSICAL,
    WATER_INTENSITY,
)
from models.park import Park
from models.periods import local_day
from models.verdicts import Verdict
from rules import green, intensity
from rules.facts import Measured
from storage.alerts import open_alerts
from storage.db import Conn, translate_db_errors
from storage.indicators import newest_values
from storage.parks import AppliedPark, applied_parks, enterprise_ids

# How year end is read (domain facts 1.3): December is judged month by month until it comes.
_READINGS = {"ytd": "ytd", "december": "month", "rolling_12m": "rolling_12m"}


def evaluate_rules(conn: Conn, now: datetime) -> dict[str, int]:
    """Ask every rule about every subject it applies to; one transaction per park."""
    done = {"verdicts": 0, "opened": 0, "resolved": 0}
    for applied in applied_parks(conn):
        with translate_db_errors("evaluate rules"), conn.transaction():
            keys = {i: k for k, i in enterprise_ids(conn, applied.park_id).items()}
            verdicts = list(_verdicts(conn, applied, keys, now))
            result = apply_verdicts(conn, applied.park_id, applied.park, keys, verdicts, now)
        done["verdicts"] += len(verdicts)
        done["opened"] += result.opened
        done["resolved"] += result.resolved
    return done


def _verdicts(
    conn: Conn, applied: AppliedPark, keys: dict[int, str], now: datetime
) -> Iterator[Verdict]:
    park = applied.park
    is_open = set(open_alerts(conn, applied.park_id))
    today = local_day(now, park.zone)
    stop_by = today + timedelta(days=1)

    def newest(indicator: str, kind: str, *, only_final: bool) -> dict[int | None, dict[str, Any]]:
        return newest_values(conn, applied.park_id, indicator, kind, stop_by, only_final=only_final)

    share = GREEN_SHARE_CLAIM if park.goal.share == "S3" else GREEN_SHARE_PHYSICAL
    # A month without its settlement looks worse than it is: only final values are judged.
    for subject, row in newest(share, _READINGS[park.goal.reading], only_final=True).items():
        seen = _measured(applied, subject, row, (green.RULE, subject) in is_open, today)
        yield green.green_share_ytd(seen, park.goal, _goal_ratio(park, keys, subject), park.rules)
    for rule, indicator, target_name in (
        (intensity.ENERGY_RULE, ENERGY_INTENSITY, "energy_intensity_kwh_per_t"),
        (intensity.WATER_RULE, WATER_INTENSITY, "water_intensity_m3_per_t"),
    ):
        for subject, row in newest(indicator, "rolling_7d", only_final=False).items():
            if subject is None or subject not in keys:
                continue
            target = getattr(park.enterprise(keys[subject]).targets, target_name)
            if target is not None:
                seen = _measured(applied, subject, row, (rule, subject) in is_open, today)
                yield intensity.specific_consumption(rule, seen, target, park.rules)


def _goal_ratio(park: Park, keys: dict[int, str], subject: int | None) -> float:
    """Year-end goal of the subject: its own, else the park's."""
    own = None
    if subject is not None and subject in keys:
        own = park.enterprise(keys[subject]).targets.green_share_ratio
    return park.goal.year_end_ratio if own is None else own


def _measured(
    applied: AppliedPark, subject: int | None, row: dict[str, Any], is_open: bool, today: date
) -> Measured:
    return Measured(
        applied.park_id,
        subject,
        row["period_start"],
        row["period_stop"],
        row["value"],
        row["unit"],
        row["completeness_ratio"],
        row["estimated_ratio"],
        row["status"],
        is_open,
        max((today - row["period_stop"]).days, 0),
    )
