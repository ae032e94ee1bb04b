"""The ledger: trades and events of certificates, appended all or nothing, never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.rows import dict_row

from models.claims import CertificateRow, TradeRow
from models.errors import ConfigError
from models.ledger import SERIAL_WH, CurveRow, LedgerRefusal, SerialEvent, Violation
from models.periods import local_day, month_start
from models.serials import Entry, Piece, Serials, after, happen, settlements
from storage.balances import mark_indicators_stale
from storage.db import Conn, named_sql, translate_db_errors
from storage.ledger_row import NOTHING, curve_digest


@dataclass(frozen=True)
class ImportResult:
    """Rows that were new, changed, or there already."""

    new: int = 0
    changed: int = 0
    same: int = 0


class Appending:
    """Appends entries of one file to the ledger of a park; needs a transaction.

    It holds the ledger of the park until the transaction ends, so that the chain is one line and
    nobody changes a state between its check and the entry.

    Raises:
        ConfigError: a row names an unknown enterprise.
    """

    def __init__(
        self,
        conn: Conn,
        ids: Mapping[str, int],
        rows: Sequence[Any],
        kind: str,
        source: str,
        content: bytes,
        now: datetime,
    ) -> None:
        _known(ids, rows, source)
        self.conn, self.ids, self.now, self.sql = conn, ids, now, named_sql("ledger")
        found = conn.execute(self.sql["park_of"], {"enterprises": list(ids.values())}).fetchone()
        self.park_id = int(found[0]) if found else 0
        conn.execute(self.sql["lock_ledger"], {"park_id": self.park_id})
        batch = conn.execute(
            self.sql["add_batch"],
            {
                "kind": kind,
                "source": source,
                "sha256": hashlib.sha256(content).digest(),
                "rows": len(rows),
                "now": now,
            },
        ).fetchone()
        assert batch is not None  # noqa: S101 - INSERT ... RETURNING always answers
        self.batch = int(batch[0])

    def is_known_file(self, content: bytes) -> bool:
        """True if this very file was appended before."""
        params = {"park_id": self.park_id, "sha256": hashlib.sha256(content).digest()}
        return self.conn.execute(self.sql["is_known_file"], params).fetchone() == (True,)

    def append(self, enterprise: str, event: str, month: date, energy_wh: int, **more: Any) -> int:
        """One entry; returns its number. The enterprise is stale from the month on."""
        number = self.ids[enterprise]
        given = {"enterprise_id": number, "event": event, "month": month, "energy_wh": energy_wh}
        row = self.conn.execute(
            self.sql["append"],
            dict(NOTHING) | {"batch": self.batch, "now": self.now} | given | more,
        ).fetchone()
        assert row is not None  # noqa: S101 - INSERT ... RETURNING always answers
        mark_indicators_stale(self.conn, number, month)
        return int(row[0])


def import_trades(
    conn: Conn,
    ids: dict[str, int],
    rows: Sequence[TradeRow],
    source: str,
    content: bytes,
    now: datetime,
) -> ImportResult:
    """Append settlements and contracts; a later one of the same contract and month counts.

    Where only the three amounts are known, the settlement is their least in whole MWh; a
    correction of an earlier month moves the later ones.

    Raises:
        ConfigError: a row names an unknown enterprise; nothing is stored.
    """
    new = changed = same = 0
    with translate_db_errors(f"import {source}"), conn.transaction():
        ledger = Appending(conn, ids, rows, "trades", source, content, now)
        order = sorted(rows, key=_contract)
        for (enterprise, contract), mine in groupby(order, key=_contract):
            who = {"enterprise_id": ids[enterprise], "contract": contract}
            with conn.cursor(row_factory=dict_row) as cur:
                stored = cur.execute(ledger.sql["contract_months"], who).fetchall()
            known = {row["month"]: _trade_of(enterprise, contract, row) for row in stored}
            told = {row.month: row._replace(line=0) for row in mine}
            for month, row in sorted(_settled(known | told).items()):
                before = known.get(month)
                if row == before:
                    same += month in told
                    continue
                _append_trade(ledger, row)
                new, changed = new + (before is None), changed + (before is not None)
    return ImportResult(new, changed, same)


def _contract(row: TradeRow) -> tuple[str, str]:
    return row.enterprise, row.contract


def _append_trade(ledger: Appending, row: TradeRow) -> None:
    is_open = row.settled_wh is None
    ledger.append(
        row.enterprise,
        "contracted" if is_open else "settled",
        row.month,
        (row.contracted_wh if is_open else row.settled_wh) or 0,
        contract=row.contract,
        kind=row.kind,
        contracted_wh=row.contracted_wh,
        generated_wh=row.generated_wh,
        used_wh=row.used_wh,
    )


def _trade_of(enterprise: str, contract: str, row: Mapping[str, Any]) -> TradeRow:
    settled = row["energy_wh"] if row["event"] == "settled" else None
    three = (row["contracted_wh"], row["generated_wh"], row["used_wh"])
    return TradeRow(0, enterprise, contract, row["month"], row["kind"], settled, *three)


def _settled(months: Mapping[date, TradeRow]) -> dict[date, TradeRow]:
    """The months of a contract, those with three amounts settled by the least of them."""
    least = [(m, row.least_wh) for m, row in months.items() if row.least_wh is not None]
    computed = settlements(least)
    return {
        m: row._replace(settled_wh=computed.get(m, row.settled_wh)) for m, row in months.items()
    }


def import_certificates(
    conn: Conn,
    ids: dict[str, int],
    rows: Sequence[CertificateRow],
    source: str,
    content: bytes,
    now: datetime,
    *,
    strict_same_year: bool = False,
) -> ImportResult:
    """Append cancellations; the same again is ignored, a serial counts once.

    Raises:
        ConfigError: unknown enterprise; LedgerRefusal: a rule is broken. Nothing is stored.
    """
    events = [
        SerialEvent(
            r.line,
            "cancelled",
            r.enterprise,
            r.series,
            r.serial_first,
            r.serial_last,
            r.month,
            r.cancelled_on,
        )
        for r in rows
    ]
    return import_events(conn, ids, events, source, content, now, strict_same_year=strict_same_year)


def import_events(
    conn: Conn,
    ids: dict[str, int],
    events: Sequence[SerialEvent],
    source: str,
    content: bytes,
    now: datetime,
    *,
    strict_same_year: bool = False,
) -> ImportResult:
    """Append events of certificates, in the order of the file; a file again is nothing new.

    Raises:
        ConfigError: unknown enterprise; LedgerRefusal: a rule is broken. Nothing is stored.
    """
    new = same = 0
    broken: list[Violation] = []
    with translate_db_errors(f"import {source}"), conn.transaction():
        conn.execute(named_sql("ledger")["lock_serials"])
        ledger = Appending(conn, ids, events, "certificates", source, content, now)
        if content and ledger.is_known_file(content):
            return ImportResult(same=len(events))
        for event in events:
            state = serials_of(conn, ledger.park_id, event.series, event.first, event.last)
            entries, faults = happen(state, event, strict_same_year=strict_same_year)
            broken += faults
            for entry in entries:
                _append_serials(ledger, entry)
            new, same = new + bool(entries), same + (not entries and not faults)
        if broken:
            raise LedgerRefusal(source, broken)
    return ImportResult(new, 0, same)


def _append_serials(ledger: Appending, entry: Entry) -> None:
    event, before = entry.event, entry.before
    holder = before.holder if before else None
    ledger.append(
        entry.holder if event.event != "withdrawn" else holder or event.enterprise,
        event.event,
        event.month,
        (entry.last - entry.first + 1) * SERIAL_WH,
        contract=event.contract,
        series=event.series,
        first=entry.first,
        last=entry.last,
        basis=entry.basis,
        from_state=before.state if before else None,
        from_enterprise_id=ledger.ids.get(holder) if holder else None,
        event_on=event.on,
    )
    if holder and holder in ledger.ids:
        mark_indicators_stale(ledger.conn, ledger.ids[holder], event.month)


def import_curve(
    conn: Conn,
    ids: dict[str, int],
    rows: Sequence[CurveRow],
    source: str,
    content: bytes,
    now: datetime,
    *,
    zone: ZoneInfo,
) -> ImportResult:
    """Append hourly curves of trades: each file replaces the months that it tells.

    Args:
        zone: of the park, in which months are cut.

    Raises:
        ConfigError: unknown enterprise; nothing is stored.
    """
    done = {"new": 0, "same": 0}
    with translate_db_errors(f"import {source}"), conn.transaction():
        ledger = Appending(conn, ids, rows, "curve", source, content, now)

        def place(row: CurveRow) -> tuple[str, str, date]:
            return row.enterprise, row.contract, month_start(local_day(row.hour_start, zone))

        for (enterprise, contract, month), mine in groupby(sorted(rows, key=place), key=place):
            hours = sorted((row.hour_start, row.energy_wh) for row in mine)
            digest = curve_digest(hours)
            who = {"enterprise_id": ids[enterprise], "contract": contract, "month": month}
            if conn.execute(ledger.sql["newest_curve"], who).fetchone() == (digest,):
                done["same"] += len(hours)
                continue
            energy_wh = sum(wh for _, wh in hours)
            seq = ledger.append(
                enterprise, "curve", month, energy_wh, contract=contract, curve_sha256=digest
            )
            with conn.cursor() as cur, cur.copy(ledger.sql["copy_curve"]) as copy:
                for at, wh in hours:
                    copy.write_row((ledger.park_id, seq, at, wh))
            done["new"] += len(hours)
    return ImportResult(done["new"], 0, done["same"])


def serials_of(conn: Conn, park_id: int, series: str, first: int, last: int) -> Serials:
    """Present state of the serials of a series that overlap a range, in whatever park they are.

    A holder in another park is named `park/enterprise`.
    """
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(
            named_sql("ledger")["overlapping_entries"],
            {"park_id": park_id, "series": series, "first": first, "last": last},
        ).fetchall()
    return replayed(rows)


def replayed(rows: Iterable[Mapping[str, Any]]) -> Serials:
    """State of the serials of one series after entries, in their order."""
    serials = Serials()
    for row in rows:
        serials.put(piece_of(row))
    return serials


def event_of(row: Mapping[str, Any]) -> SerialEvent:
    """The event of a stored entry, told of by the one who holds the serials afterwards."""
    return SerialEvent(
        0,
        row["event"],
        row["enterprise"],
        row["series"],
        row["serial_first"],
        row["serial_last"],
        row["month"],
        row["event_on"],
        row["basis"],
    )


def piece_of(row: Mapping[str, Any]) -> Piece:
    """The serials of a stored entry, once it happened."""
    event = event_of(row)
    return after(Entry(event, event.first, event.last, row["basis"], None))


def _known(ids: Mapping[str, int], rows: Sequence[Any], source: str) -> None:
    named = [
        (r.line, key) for r in rows for key in (r.enterprise, getattr(r, "to_enterprise", None))
    ]
    faults = [
        f"line {line}: no enterprise {key!r}; expected one of: {', '.join(sorted(ids))}"
        for line, key in named
        if key is not None and key not in ids
    ]
    if faults:
        raise ConfigError(source, faults)
