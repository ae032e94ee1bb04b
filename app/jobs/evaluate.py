"""A picture of each park against the rules; what they say goes to the alerts, then to people."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from alerts.lifecycle import apply_verdicts
from alerts.packing import pack_messages
from app.channels import targets
from app.jobs.snapshot import load_snapshot
from app.settings import settings
from models.errors import StorageError
from models.park import Park
from models.rules import rule_definitions
from models.verdicts import Outcome, Verdict
from rules.catalogue import verdicts
from storage.alerts import note_rule_runs, rule_runs
from storage.db import Conn, translate_db_errors
from storage.parks import AppliedPark, applied_parks, enterprise_ids

log = logging.getLogger(__name__)

_FIELD = {Outcome.BREACH: "breaches", Outcome.CLEAR: "clears", Outcome.HOLD: "clears"}


def evaluate_rules(conn: Conn, now: datetime) -> dict[str, Any]:
    """Ask the rules that are due about every subject; one transaction per park."""
    return _each_park(conn, "evaluate rules", lambda applied: _evaluate(conn, applied, now))


def pack_due(conn: Conn, now: datetime) -> dict[str, Any]:
    """Put what people are to be told into the outbox; one transaction per park."""

    def pack(applied: AppliedPark) -> Mapping[str, int]:
        keys = {i: k for k, i in enterprise_ids(conn, applied.park_id).items()}
        return pack_messages(conn, applied.park_id, applied.park, keys, now)

    return _each_park(conn, "pack messages", pack)


def _each_park(
    conn: Conn, action: str, work: Callable[[AppliedPark], Mapping[str, int]]
) -> dict[str, Any]:
    """Sum of what was done; what fails for good in one park does not stop the others."""
    done: Counter[str] = Counter()
    errors = []
    for applied in applied_parks(conn):
        try:
            with translate_db_errors(action), conn.transaction():
                done.update(work(applied))
        except StorageError as exc:
            if exc.retryable:
                raise
            log.exception("%s: park %s", action, applied.park.key)
            errors.append(f"park {applied.park.key}: {exc}")
    return {**done, "error": "; ".join(errors)} if errors else dict(done)


def _evaluate(conn: Conn, applied: AppliedPark, now: datetime) -> Mapping[str, int]:
    keys = {i: k for k, i in enterprise_ids(conn, applied.park_id).items()}
    codes = _due(applied.park, rule_runs(conn, applied.park_id), now)
    said = list(verdicts(load_snapshot(conn, applied, now, codes), codes))
    kinds = {name: target.kind for name, target in targets(settings()).items()}
    result = apply_verdicts(conn, applied.park_id, applied.park, keys, said, now, kinds)
    note_rule_runs(conn, applied.park_id, _counts(codes, said), now)
    return {"verdicts": len(said), **vars(result)}


def _due(park: Park, runs: Mapping[str, Mapping[str, Any]], now: datetime) -> list[str]:
    """Rules whose pause is over or whose hours began; all of them after a clock was set back.

    A rule that nobody asks at this hour is left out, so that its last answers stay on record.
    """
    out = []
    for code in rule_definitions():
        tuned = park.rule(code)
        others = [park.rule(code, e) for e in park.enterprises if code in e.rules]
        asked = [rule for rule in (tuned, *others) if rule.is_asked(now.astimezone(park.zone))]
        every = timedelta(hours=tuned.every_hours)
        asked_at = runs[code]["asked_at"] if code in runs else None
        if asked and (
            asked_at is None
            or not asked_at <= now < asked_at + every
            or not all(rule.is_asked(asked_at.astimezone(park.zone)) for rule in asked)
        ):
            out.append(code)
    return out


def _counts(codes: Collection[str], said: Collection[Verdict]) -> dict[str, dict[str, int]]:
    out = {code: {"breaches": 0, "clears": 0, "cannot_tell": 0} for code in codes}
    for verdict in said:
        out[verdict.rule][_FIELD.get(verdict.outcome, "cannot_tell")] += 1
    return out
