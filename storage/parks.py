"""The applied park: what park.yaml became in the database, and the difference to a new one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from models.channels import ChannelRef
from models.errors import ConfigError
from models.meters import Channel
from models.park import Enterprise, Park, parse_park
from storage.db import Conn, named_sql, translate_db_errors
from storage.installations import keep_records, record_rows, refuse_rescaling

# A change of these rewrites the past: every interval of the channel would be computed anew.
_HISTORY = (
    *("quantity", "unit", "kind", "multiplier", "modulus", "timezone"),
    *(
        "use_order",
        "method",
        "efficiency_ratio",
        "capacity_kwh",
    ),  # fixed once chosen (domain facts 1.4)
)
# A change of these gives a recorded multiplier another meaning.
_SCALE = ("quantity", "unit", "kind")
# A change of these may decide some buckets otherwise: they are computed anew without asking.
_RECOMPUTE = ("modulus", "rated_per_h", "period_s", "resolution")
# A change of these computes all channels of the park, or checks all its days, anew.
_METERING = "park.metering."
_CHECKS = (".parent", ".losses_ratio", ".in_service_from")
# A change of these moves the shares of the park, not the intervals.
_BOUNDARY = (".in_goal_boundary", ".data_from", ".timezone", ".role", ".in_service_from")
_SHARES = ("park.green", "park.goal", "park.energy", "park.thresholds", "park.retrofits")
_AGREED = (".power.", ".water.")
# A change of these traces the storage of an enterprise anew.
_TRACING = (".storage.method", ".storage.efficiency_ratio", ".storage.capacity_kwh")


@dataclass(frozen=True)
class Change:
    """One difference between the applied park and a new document."""

    path: str
    old: Any
    new: Any

    @property
    def rewrites_history(self) -> bool:
        """True for a change of an existing channel that alters values already computed."""
        if "@" in self.path:  # a dated record says itself since when it holds
            return False
        return self.path.rpartition(".")[2] in _HISTORY and None not in (self.old, self.new)

    @property
    def rewrites_scale(self) -> bool:
        """True for a change of what the raw readings of an existing channel mean."""
        return self.rewrites_history and self.path.rpartition(".")[2] in _SCALE

    def __str__(self) -> str:
        if self.old is None:
            return f"+ {self.path}: {self.new}"
        if self.new is None:
            return f"- {self.path}: {self.old}"
        return f"~ {self.path}: {self.old} -> {self.new}"


@dataclass(frozen=True)
class AppliedPark:
    """A park with its database number."""

    park_id: int
    park: Park
    applied_at: datetime


def applied_parks(conn: Conn) -> list[AppliedPark]:
    """All applied parks, by key."""
    with translate_db_errors("read the applied parks"):
        rows = conn.execute(named_sql("parks")["park_documents"]).fetchall()
    return [AppliedPark(i, _parsed(key, text), at) for i, key, text, at in rows]


@lru_cache(maxsize=32)
def _parsed(key: str, text: str) -> Park:
    """A park is parsed once, not by every job."""
    return parse_park(json.loads(text), f"applied park {key}")


def parks_version(conn: Conn) -> str | None:
    """A text that changes whenever a park is applied."""
    with translate_db_errors("read the version of the parks"):
        row = conn.execute(named_sql("parks")["parks_version"]).fetchone()
    return row[0] if row else None


def channels(conn: Conn) -> list[ChannelRef]:
    """All channels in use."""
    with (
        translate_db_errors("read the channels"),
        conn.cursor(row_factory=class_row(ChannelRef)) as cur,
    ):
        return cur.execute(named_sql("parks")["channels"]).fetchall()


def enterprise_ids(conn: Conn, park_id: int) -> dict[str, int]:
    """Enterprise key -> number, of those in use."""
    with translate_db_errors("read the enterprises"):
        rows = conn.execute(named_sql("parks")["enterprises"], {"park_id": park_id}).fetchall()
    return {key: number for number, key in rows}


def reading_counts(conn: Conn, park_id: int) -> dict[str, int]:
    """Enterprise key -> readings that are kept, conflicting values included."""
    with translate_db_errors("count the readings"):
        rows = conn.execute(named_sql("parks")["reading_counts"], {"park_id": park_id}).fetchall()
    return {key: int(number) for key, number in rows}


def difference(old: Park | None, new: Park) -> list[Change]:
    """What applying `new` would change, path by path."""
    before = dict(_leaves(old)) if old else {}
    after = dict(_leaves(new))
    return [
        Change(path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def apply_park(conn: Conn, park: Park, now: datetime, *, restate: bool = False) -> list[Change]:
    """Write the park; what it no longer names is retired, its data stays.

    Args:
        restate: allow changes that alter values already computed; they are computed anew and
            every changed bucket is recorded as a restatement.

    Raises:
        ConfigError: a change would rewrite history and `restate` is False, or a meter changed
            its owner.
    """
    old = next((a.park for a in applied_parks(conn) if a.park.key == park.key), None)
    changes = difference(old, park)
    _refuse_rewriting(park, old, changes, restate=restate)
    if not changes:
        return []
    sql = named_sql("parks")
    document = Jsonb(park.model_dump(mode="json", exclude_defaults=False))
    row = {
        "key": park.key,
        "name_zh": park.name.zh,
        "name_en": park.name.en,
        "now": now,
        "timezone": park.timezone,
        "simulated": park.simulated,
        "document": document,
    }
    with translate_db_errors(f"apply park {park.key}"):
        park_id = _one(conn, sql["upsert_park"], row)
        conn.execute(sql["remember_park"], row)
        for enterprise in park.enterprises:
            _write_enterprise(conn, park_id, enterprise, changes, now)
        meters = [m for e in park.enterprises for m in e.meters]
        common = {"park_id": park_id, "now": now}
        conn.execute(
            sql["retire_missing_enterprises"], common | {"keys": [e.key for e in park.enterprises]}
        )
        conn.execute(sql["retire_missing_meters"], common | {"keys": [m.key for m in meters]})
        conn.execute(
            sql["retire_missing_channels"],
            common | {"paths": [f"{m.key}/{c}" for m in meters for c in m.channels]},
        )
        if any(_moves_indicators(c.path) for c in changes):
            conn.execute(sql["mark_park_stale"], {"park_id": park_id})
        if old and any(c.path.startswith(_METERING) for c in changes):
            conn.execute(sql["mark_channels_stale"], {"park_id": park_id})
        if any("park.validation." in c.path or c.path.endswith(_CHECKS) for c in changes):
            conn.execute(sql["mark_checks_stale"], {"park_id": park_id})
    return changes


def _write_enterprise(
    conn: Conn, park_id: int, enterprise: Enterprise, changes: list[Change], now: datetime
) -> None:
    sql = named_sql("parks")
    number = _one(
        conn,
        sql["upsert_enterprise"],
        {
            "park_id": park_id,
            "key": enterprise.key,
            "name_zh": enterprise.name.zh,
            "name_en": enterprise.name.en,
            "kind": enterprise.kind,
            "in_goal_boundary": enterprise.in_goal_boundary,
        },
    )
    own = [c for c in changes if c.path.startswith(f"{enterprise.key}/")]
    restated = {
        c.path.rpartition(".")[0]
        for c in own
        if c.rewrites_history or c.path.rpartition(".")[2] in _RECOMPUTE
    }
    scaled = {c.path.rpartition(".")[0] for c in own if c.rewrites_scale}
    for meter in enterprise.meters:
        meter_id = _one(
            conn,
            sql["upsert_meter"],
            {
                "park_id": park_id,
                "enterprise_id": number,
                "key": meter.key,
                "name_zh": meter.name.zh,
                "name_en": meter.name.en,
            },
        )
        numbers = {}
        for key, channel in meter.channels.items():
            channel_id = _one(conn, sql["upsert_channel"], _channel_row(meter_id, key, channel))
            numbers[key] = (channel_id, channel)
            if f"{enterprise.key}/{meter.key}/{key}" in restated:
                conn.execute(sql["mark_channel_stale"], {"channel_id": channel_id})
        path = f"{enterprise.key}/{meter.key}"
        refuse_rescaling(conn, [n for k, (n, _) in numbers.items() if f"{path}/{k}" in scaled])
        wanted = [
            row
            for record in meter.installations
            for row in record_rows(numbers, record, "park.yaml")
        ]
        keep_records(conn, [number for number, _ in numbers.values()], wanted, now)
    if any(_moves_balance(c.path, enterprise.key) for c in changes):
        conn.execute(sql["mark_balance_stale"], {"enterprise_id": number})


def _moves_indicators(path: str) -> bool:
    """True for a change after which all indicators of the park are made anew."""
    return path.endswith(_BOUNDARY) or path.startswith(_SHARES) or any(a in path for a in _AGREED)


def _moves_balance(path: str, enterprise: str) -> bool:
    """True for a change after which the balances of an enterprise are made anew."""
    if path in ("park.timezone", "park.green.use_order"):
        return True
    if path.startswith(f"{enterprise}/"):
        return path.endswith((".role", ".in_service_from"))
    return path.startswith(f"{enterprise}.") and path.endswith(_TRACING)


def _channel_row(meter_id: int, key: str, channel: Channel) -> dict[str, Any]:
    return {
        "meter_id": meter_id,
        "key": key,
        "quantity": channel.quantity,
        "unit": channel.unit,
        "kind": channel.kind,
        "role": channel.role,
        "factor": channel.factor,
        "modulus": channel.modulus,
        "period_s": channel.period_s,
        "rated_per_h": channel.rated_per_h,
        "in_service_from": channel.in_service_from,
        "resolution": channel.resolution,
        "technology": channel.technology,
    }


def _one(conn: Conn, query: Any, params: dict[str, Any]) -> int:
    row = conn.execute(query, params).fetchone()
    assert row is not None  # noqa: S101 - INSERT ... RETURNING always answers
    return int(row[0])


def _refuse_rewriting(
    park: Park, old: Park | None, changes: list[Change], *, restate: bool
) -> None:
    faults = []
    if old:
        owner = {m.key: e.key for e in old.enterprises for m in e.meters}
        faults += [
            f"meter {m.key}: moved from {owner[m.key]} to {e.key}; give it a new key, the "
            "readings so far belong to the old owner"
            for e in park.enterprises
            for m in e.meters
            if owner.get(m.key, e.key) != e.key
        ]
    if not restate:
        periods = _periods_with_meaning(old)
        faults += [
            f"{c.path}: {c.old} -> {c.new} would change values already computed; use "
            "--restate if the old value was wrong from the beginning"
            for c in changes
            if c.rewrites_history or (c.path in periods and c.new is not None)
        ]
    if faults:
        raise ConfigError(f"park {park.key}", faults)


def _periods_with_meaning(park: Park | None) -> set[str]:
    """Paths of `period_s` that say what an amount covers; elsewhere it tells gaps only."""
    return {
        f"{e.key}/{m.key}/{key}.period_s"
        for e in (park.enterprises if park else ())
        for m in e.meters
        for key, channel in m.channels.items()
        if channel.kind == "interval"
    }


def _leaves(park: Park) -> Iterator[tuple[str, Any]]:
    """Comparable facts of a park: readable path and value."""
    head = park.model_dump(mode="json", exclude={"enterprises"})
    yield from _flat("park", head)
    for e in park.enterprises:
        yield from _flat(e.key, e.model_dump(mode="json", exclude={"meters"}))
        for m in e.meters:
            bare = m.model_dump(mode="json", exclude={"channels", "installations"})
            yield from _flat(f"{e.key}/{m.key}", bare)
            for record in m.installations:
                path = f"{e.key}/{m.key}@{record.at.isoformat()}"
                yield from _flat(path, record.model_dump(mode="json", exclude={"at"}))
            for key, channel in m.channels.items():
                yield from _flat(f"{e.key}/{m.key}/{key}", channel.model_dump(mode="json"))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{path}.{key}", item)
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _flat(f"{path}[{number}]", item)
    elif value not in (None, []):
        yield path, value
