"""Findings and refusals: what validation said, kept with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from models.findings import Finding
from storage.db import Conn, named_sql, translate_db_errors


def save_findings(conn: Conn, findings: Sequence[Finding], now: datetime) -> None:
    """Insert findings, or refresh those known for the same code, subject and start."""
    if not findings:
        return
    rows = [
        {
            "code": f.code,
            "severity": f.severity,
            "enterprise_id": f.enterprise_id,
            "channel_id": f.channel_id,
            "start": f.start,
            "stop": f.stop,
            "evidence": Jsonb(dict(f.evidence)),
            "now": now,
        }
        for f in findings
    ]
    with translate_db_errors(f"save {len(rows)} findings"), conn.cursor() as cur:
        cur.executemany(named_sql("findings")["save_finding"], rows)


def forget_findings(
    conn: Conn,
    codes: Sequence[str],
    ranges: Sequence[tuple[int, datetime, datetime]],
    now: datetime,
) -> None:
    """Withdraw findings that begin in one of the ranges; the caller makes them anew.

    Args:
        ranges: (channel, low, high), half-open. What stands after the caller has saved its
            findings is what it found; the rest stays on record with `withdrawn_at`.
    """
    if not ranges:
        return
    channels, lows, highs = zip(*ranges, strict=True)
    with translate_db_errors("withdraw findings"):
        conn.execute(
            named_sql("findings")["forget_findings"],
            {
                "codes": list(codes),
                "channels": list(channels),
                "lows": list(lows),
                "highs": list(highs),
                "now": now,
            },
        )


def withdraw_findings(
    conn: Conn, code: str, enterprise_id: int, start: datetime, now: datetime
) -> None:
    """Withdraw what was found of an enterprise at a start; the caller makes anew what stands."""
    with translate_db_errors("withdraw a finding"):
        conn.execute(
            named_sql("findings")["withdraw_findings"],
            {"code": code, "enterprise_id": enterprise_id, "start": start, "now": now},
        )


@dataclass(frozen=True)
class FindingFilter:
    """Which findings are listed; None is any.

    Attributes:
        code: the code or its beginning.
        start, stop: findings about `[start, stop)`, also in part.
        withdrawn: the withdrawn ones as well.
    """

    code: str | None = None
    severity: str | None = None
    enterprise: str | None = None
    meter: str | None = None
    park: str | None = None
    start: datetime | None = None
    stop: datetime | None = None
    withdrawn: bool = False


ALL = FindingFilter()


def list_findings(
    conn: Conn, limit: int = 10_000, chosen: FindingFilter = ALL
) -> list[dict[str, Any]]:
    """Validation findings and refusals, newest first, as rows for output."""
    sql = named_sql("findings")
    params = asdict(chosen) | {"limit": limit}
    with translate_db_errors("list findings"), conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(sql["list_findings"], params).fetchall()
        rows += cur.execute(sql["list_quarantine"], params).fetchall()
    return rows
