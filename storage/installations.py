"""Installation records: dated facts of channels; undone, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import class_row, dict_row

from models.errors import ConfigError
from models.installations import Installation, InstallationRecord
from models.meters import Channel
from models.periods import BUCKET
from storage.db import Conn, named_sql, translate_db_errors

Origin = Literal["park.yaml", "command"]


@dataclass(frozen=True)
class RecordRow:
    """What holds for a channel from `at` on; None: as before. Raw units, factor to canonical."""

    channel_id: int
    at: datetime
    replaced: bool
    final_reading: float | None
    start_reading: float | None
    factor: float | None
    modulus: float | None
    rated_per_h: float | None
    serial: str | None
    origin: Origin
    who: str
    reason: str


@dataclass(frozen=True)
class StoredRecord(RecordRow):
    """A record that counts, with its number."""

    installation_id: int

    @property
    def row(self) -> RecordRow:
        """Without the number, to compare with."""
        facts = asdict(self)
        facts.pop("installation_id")
        return RecordRow(**facts)


@dataclass(frozen=True)
class Touched:
    """Readings of a channel that a record makes stale."""

    channel_id: int
    start_at: datetime
    stop_at: datetime

    @property
    def quarters(self) -> int:
        """Quarter-hours of the range, whether readings lie there or not."""
        return max(1, round((self.stop_at - self.start_at) / BUCKET))


def installations(conn: Conn, channel_ids: Sequence[int]) -> dict[int, tuple[Installation, ...]]:
    """Records that count, by channel and time; facts that a record leaves open are carried on."""
    with translate_db_errors("read the installation records"):
        rows = conn.execute(
            named_sql("installations")["active_records"], {"channels": list(channel_ids)}
        ).fetchall()
    out: dict[int, list[Installation]] = {}
    for channel_id, at_s, replaced, final, start, factor, modulus, rated, *before in rows:
        mine = out.setdefault(channel_id, [])
        known = (mine[-1].factor, mine[-1].modulus, mine[-1].rated_per_h) if mine else before
        facts = (
            a if a is not None else b for a, b in zip((factor, modulus, rated), known, strict=True)
        )
        mine.append(Installation(at_s, replaced, final, start, *facts))
    return {channel_id: tuple(records) for channel_id, records in out.items()}


def refuse_rescaling(conn: Conn, channel_ids: Sequence[int]) -> None:
    """A multiplier recorded by a command was stored for the unit of that day.

    Raises:
        ConfigError: such a record counts for one of these channels, whose unit changes.
    """
    faults = [
        f"record {s.installation_id} of {s.at.isoformat()} says a multiplier for the old unit; "
        f"`greenpark meter undo {s.installation_id}`, apply, and record it anew"
        for s in stored_records(conn, channel_ids)
        if s.origin == "command" and s.factor is not None
    ]
    if faults:
        raise ConfigError("installations", faults)


def record_rows(
    channels: dict[str, tuple[int, Channel]], record: InstallationRecord, origin: Origin
) -> list[RecordRow]:
    """The rows of a record: its named channels, and with a replacement every register.

    Args:
        channels: number and description of the meter's channels.
    """
    rows = []
    for key, (number, channel) in channels.items():
        facts = record.channels.get(key)
        if facts is None and not (record.replaced and channel.kind == "register"):
            continue
        multiplier = facts.multiplier if facts else None
        rows.append(
            RecordRow(
                number,
                record.at,
                record.replaced,
                facts.final_reading if facts else None,
                facts.start_reading if facts else None,
                None if multiplier is None else multiplier * channel.factor / channel.multiplier,
                facts.modulus if facts else None,
                facts.rated_per_h if facts else None,
                record.serial,
                origin,
                record.by,
                record.reason,
            )
        )
    return rows


def stored_records(conn: Conn, channel_ids: Sequence[int]) -> list[StoredRecord]:
    """Records that count, by channel and time."""
    with (
        translate_db_errors("read the installation records"),
        conn.cursor(row_factory=class_row(StoredRecord)) as cur,
    ):
        return cur.execute(
            named_sql("installations")["stored_records"], {"channels": list(channel_ids)}
        ).fetchall()


def keep_records(
    conn: Conn, channel_ids: Sequence[int], wanted: Sequence[RecordRow], now: datetime
) -> int:
    """Make the records of park.yaml those of the document; returns how many came or went.

    Raises:
        ConfigError: a command recorded the same channel and time.
    """
    stored = stored_records(conn, channel_ids)
    mine = {s.row: s for s in stored if s.origin == "park.yaml"}
    taken = {(s.channel_id, s.at): s for s in stored if s.origin == "command"}
    if clash := [w for w in wanted if (w.channel_id, w.at) in taken]:
        faults = [
            f"record of {w.at.isoformat()}: recorded already by `greenpark meter` (number "
            f"{taken[w.channel_id, w.at].installation_id}); undo that one, or leave this one out"
            for w in clash
        ]
        raise ConfigError("installations", sorted(set(faults)))
    gone = [record for row, record in mine.items() if row not in wanted]
    for record in gone:
        undo_record(conn, record.installation_id, "apply", "no longer in park.yaml", now)
    fresh = [w for w in wanted if w not in mine]
    for row in fresh:
        add_record(conn, row, now)
    return len(gone) + len(fresh)


def add_record(conn: Conn, row: RecordRow, now: datetime) -> tuple[int, list[Touched]]:
    """Record and mark stale what it touches, in the caller's transaction; its number."""
    with translate_db_errors("add an installation record"):
        found = conn.execute(
            named_sql("installations")["insert_record"], asdict(row) | {"now": now}
        ).fetchone()
        number = int(found[0]) if found else 0
        reason = f"installation record {number} by {row.who}: {row.reason}"
        return number, _mark(conn, row.channel_id, row.at, reason)


def undo_record(
    conn: Conn, number: int, who: str, reason: str, now: datetime
) -> list[Touched] | None:
    """Undo a record; it stays on record. None: there is none with this number that counts."""
    params = {"id": number, "who": who, "reason": reason, "now": now}
    with translate_db_errors("undo an installation record"):
        row = conn.execute(named_sql("installations")["undo_record"], params).fetchone()
        if row is None:
            return None
        return _mark(conn, row[0], row[1], f"record {number} undone by {who}: {reason}")


def _mark(conn: Conn, channel_id: int, at: datetime, reason: str) -> list[Touched]:
    rows = conn.execute(
        named_sql("installations")["mark_record_stale"],
        {"channel_id": channel_id, "at": at, "reason": reason[:300]},
    ).fetchall()
    return [Touched(channel_id, start, stop) for start, stop in rows]


def list_records(
    conn: Conn, meter: str | None, park_id: int | None, *, everything: bool
) -> list[dict[str, Any]]:
    """Records for people, oldest first; with `everything` also those undone."""
    params = {"meter": meter, "park_id": park_id, "everything": everything}
    with (
        translate_db_errors("list the installation records"),
        conn.cursor(row_factory=dict_row) as cur,
    ):
        return cur.execute(named_sql("installations")["list_records"], params).fetchall()
