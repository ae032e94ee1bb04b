"""Findings and refusals: what validation said, kept with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
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
    conn: Conn, channel_id: int, codes: Sequence[str], low: datetime, high: datetime
) -> None:
    """Remove findings of a channel that begin in `[low, high)`; the caller makes them anew."""
    with translate_db_errors("forget findings"):
        conn.execute(
            named_sql("findings")["forget_findings"],
            {"channel_id": channel_id, "codes": list(codes), "low": low, "high": high},
        )


def list_findings(conn: Conn, limit: int = 10_000) -> list[dict[str, Any]]:
    """Validation findings and refusals, newest first, as rows for output."""
    sql = named_sql("findings")
    with translate_db_errors("list findings"), conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(sql["list_findings"], {"limit": limit}).fetchall()
        rows += cur.execute(sql["list_quarantine"], {"limit": limit}).fetchall()
    return rows
