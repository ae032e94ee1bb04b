"""Daily balances, and the work list of the indicator job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd
from psycopg.rows import dict_row

from storage.db import Conn, named_sql, translate_db_errors


def interval_frames(
    conn: Conn, channel_ids: Sequence[int], start: datetime, stop: datetime
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """15-minute values and their estimate marks of `[start, stop)`.

    Returns:
        Two frames: index bucket start (aware UTC), one column per channel of `channel_ids`;
        NaN and False where a bucket is missing.
    """
    with translate_db_errors("read intervals"), conn.cursor(binary=True) as cur:
        rows = cur.execute(
            named_sql("balances")["interval_values"],
            {"channels": list(channel_ids), "start": start, "stop": stop},
        ).fetchall()
    frame = pd.DataFrame(rows, columns=["start_s", "channel_id", "value", "estimated"])
    frame["bucket"] = pd.to_datetime(frame["start_s"], unit="s", utc=True)
    value = frame.pivot_table(
        index="bucket", columns="channel_id", values="value", aggfunc="first"
    ).reindex(columns=list(channel_ids))
    marks = frame[frame["estimated"].astype(bool)].pivot_table(
        index="bucket", columns="channel_id", values="value", aggfunc="size"
    )
    marks = marks.reindex(index=value.index, columns=list(channel_ids)).notna()
    return value, marks


def replace_balance_days(
    conn: Conn, enterprise_id: int, days: Sequence[date], rows: Sequence[dict[str, Any]]
) -> None:
    """Replace the balances of `days`; a day without a row has no closed balance any more."""
    sql = named_sql("balances")
    with translate_db_errors("replace balance days"), conn.cursor() as cur:
        kept = {r["day"] for r in rows}
        gone = [d for d in days if d not in kept]
        if gone:
            cur.execute(sql["delete_balance_days"], {"enterprise_id": enterprise_id, "days": gone})
        cur.executemany(sql["upsert_balance_day"], rows)


def mark_indicators_stale(conn: Conn, enterprise_id: int, from_day: date) -> None:
    """Everything derived of this enterprise from this day on has to be computed anew."""
    with translate_db_errors("mark indicators stale"):
        conn.execute(
            named_sql("balances")["mark_indicators_stale"],
            {"enterprise_id": enterprise_id, "from_day": from_day},
        )


def take_stale_indicators(conn: Conn, park_id: int) -> dict[int, date]:
    """Claim the work list of a park: enterprise -> first day to compute."""
    with translate_db_errors("take stale indicators"):
        rows = conn.execute(
            named_sql("balances")["take_stale_indicators"], {"park_id": park_id}
        ).fetchall()
    return dict(rows)


def _frame(conn: Conn, name: str, params: dict[str, Any]) -> pd.DataFrame:
    with translate_db_errors(name.replace("_", " ")), conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(named_sql("balances")[name], params).fetchall()
        columns = [c.name for c in cur.description or []]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.set_index(pd.Index(frame.pop("day"), dtype=object, name="day"))


def balance_days(conn: Conn, enterprise_id: int, from_day: date, stop_day: date) -> pd.DataFrame:
    """Daily balances of `[from_day, stop_day)`, index local day."""
    return _frame(
        conn,
        "balance_days",
        {"enterprise_id": enterprise_id, "from_day": from_day, "stop_day": stop_day},
    )


def role_days(
    conn: Conn, enterprise_id: int, role: str, from_day: date, stop_day: date
) -> pd.DataFrame:
    """Daily amount of a role (columns value, estimated_value); incomplete days are absent."""
    return _frame(
        conn,
        "role_days",
        {"enterprise_id": enterprise_id, "role": role, "from_day": from_day, "stop_day": stop_day},
    )
