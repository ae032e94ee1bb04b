"""Settled green trades and cancelled certificates: import all or nothing, no serial twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models.claims import CertificateRow, TradeRow
from models.errors import ConfigError
from storage.balances import mark_indicators_stale
from storage.db import Conn, named_sql, translate_db_errors


@dataclass(frozen=True)
class ImportResult:
    """Rows that were new, changed, or there already."""

    new: int = 0
    changed: int = 0
    same: int = 0


def import_trades(
    conn: Conn,
    ids: dict[str, int],
    rows: Sequence[TradeRow],
    source: str,
    content: bytes,
    now: datetime,
) -> ImportResult:
    """Store settlements; a later settlement of the same contract and month replaces the former.

    Raises:
        ConfigError: a row names an unknown enterprise; nothing is stored.
    """
    _known(ids, rows, source)
    new = changed = same = 0
    with translate_db_errors(f"import {source}"), conn.transaction():
        batch = _batch(conn, "trades", source, content, len(rows), now)
        for row in rows:
            params = {
                "enterprise_id": ids[row.enterprise],
                "contract": row.contract,
                "month": row.month,
                "kind": row.kind,
                "settled_wh": row.settled_wh,
                "batch": batch,
            }
            stored = conn.execute(named_sql("claims")["trade_months"], params).fetchone()
            if stored == (row.settled_wh, row.kind):
                same += 1
                continue
            new, changed = (new + 1, changed) if stored is None else (new, changed + 1)
            conn.execute(named_sql("claims")["upsert_trade"], params)
            mark_indicators_stale(conn, ids[row.enterprise], row.month)
    return ImportResult(new, changed, same)


def import_certificates(
    conn: Conn,
    ids: dict[str, int],
    rows: Sequence[CertificateRow],
    source: str,
    content: bytes,
    now: datetime,
) -> ImportResult:
    """Store cancelled certificates; the same range again is ignored, an overlap is refused.

    Raises:
        ConfigError: unknown enterprise or a serial claimed before; nothing is stored.
    """
    _known(ids, rows, source)
    new = same = 0
    faults: list[str] = []
    sql = named_sql("claims")
    with translate_db_errors(f"import {source}"), conn.transaction():
        conn.execute(sql["lock_certificates"])
        batch = _batch(conn, "certificates", source, content, len(rows), now)
        for row in rows:
            params: dict[str, Any] = {
                "enterprise_id": ids[row.enterprise],
                "series": row.series,
                "batch": batch,
                "first": row.serial_first,
                "last": row.serial_last,
                "month": row.month,
                "cancelled_on": row.cancelled_on,
            }
            claimed = conn.execute(sql["overlapping_certificates"], params).fetchall()
            mine = (row.enterprise, row.serial_first, row.serial_last, row.month, row.cancelled_on)
            if claimed == [mine]:
                same += 1
            elif claimed:
                faults.append(_claimed_fault(row, claimed[0]))
            else:
                conn.execute(sql["insert_certificate"], params)
                mark_indicators_stale(conn, ids[row.enterprise], row.month)
                new += 1
        if faults:
            raise ConfigError(source, faults)
    return ImportResult(new, 0, same)


def claims_by_month(conn: Conn, enterprise_id: int, until: date) -> dict[str, dict[date, float]]:
    """Energy [kWh] by kind (green, nuclear, certificate) and month of generation.

    Args:
        until: certificates cancelled after this day are not known yet.
    """
    with translate_db_errors("read claims"):
        rows = conn.execute(
            named_sql("claims")["claims"], {"enterprise_id": enterprise_id, "until": until}
        ).fetchall()
    out: dict[str, dict[date, float]] = {"green": {}, "nuclear": {}, "certificate": {}}
    for kind, month, energy_kwh in rows:
        out[kind][month] = energy_kwh
    return out


def park_claims(conn: Conn, park_id: int, until: date) -> dict[int, dict[str, dict[date, float]]]:
    """As `claims_by_month`, for every enterprise of a park."""
    from storage.parks import enterprise_ids

    return {i: claims_by_month(conn, i, until) for i in enterprise_ids(conn, park_id).values()}


def trade_curves(
    conn: Conn, park_id: int, start: datetime, stop: datetime
) -> list[tuple[int, datetime, float]]:
    return []


def _claimed_fault(row: CertificateRow, other: tuple[Any, ...]) -> str:
    key, first, last, month, _cancelled = other
    return (
        f"line {row.line}: serials {row.series} {row.serial_first}-{row.serial_last} of "
        f"{row.enterprise} overlap {first}-{last}, claimed by {key} for {month:%Y-%m}; "
        "a certificate counts once"
    )


def _known(ids: dict[str, int], rows: Sequence[TradeRow | CertificateRow], source: str) -> None:
    faults = [
        f"line {r.line}: no enterprise {r.enterprise!r}; expected one of: {', '.join(sorted(ids))}"
        for r in rows
        if r.enterprise not in ids
    ]
    if faults:
        raise ConfigError(source, faults)


def _batch(conn: Conn, kind: str, source: str, content: bytes, rows: int, now: datetime) -> int:
    row = conn.execute(
        named_sql("claims")["add_batch"],
        {
            "kind": kind,
            "source": source,
            "sha256": hashlib.sha256(content).digest(),
            "rows": rows,
            "now": now,
        },
    ).fetchone()
    assert row is not None  # noqa: S101 - INSERT ... RETURNING always answers
    return int(row[0])
