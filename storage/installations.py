"""Installation records: dated facts of channels; undone, never changed."""

from __future__ import annotations

from collections.abc import Sequence

from models.installations import Installation
from storage.db import Conn, named_sql, translate_db_errors


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
