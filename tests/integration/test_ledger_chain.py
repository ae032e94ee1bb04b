"""Nobody changes the ledger unseen: append-only, one chain, tampering found, old claims kept."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.ledger_check import checked
from models.claims import CertificateRow, TradeRow
from models.errors import ConfigError
from models.park import Park
from storage.claims import park_claims
from storage.db import Conn, connect
from storage.ledger import import_certificates, import_trades
from storage.ledger_row import chained
from storage.migrate import available
from storage.parks import apply_park, enterprise_ids
from tests.integration.green_site import NOW, site
from tests.integration.test_ledger import FEB, JAN, Run, put


@pytest.fixture
def park(conn: Conn) -> Park:
    wanted = site()
    with conn.transaction():
        apply_park(conn, wanted, NOW)
    return wanted


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET energy_wh = 0",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry CASCADE",
        "DELETE FROM trade_curve",
    ],
)
def test_the_database_refuses_to_change_it(conn: Conn, park: Park, statement: str) -> None:
    rows = [TradeRow(2, "works", "K", JAN, "green", 1000)]
    import_trades(conn, enterprise_ids(conn, 1), rows, "t", b"", NOW)
    with pytest.raises(psycopg.Error, match="append-only"):
        conn.execute(statement)  # type: ignore[call-overload]


CHANGES = {
    "enterprise_id": "3",
    "event": "'expired'",
    "month": "'2026-03-01'",
    "energy_wh": "energy_wh + 1",
    "contract": "'another'",
    "kind": "'nuclear'",
    "contracted_wh": "5",
    "generated_wh": "5",
    "used_wh": "5",
    "series": "'another'",
    "serial_first": "2",
    "serial_last": "8",
    "basis": "'trade'",
    "from_state": "'held'",
    "from_enterprise_id": "1",
    "event_on": "'2026-03-03'",
    "recorded_at": "recorded_at + interval '1 us'",
    "previous_hash": "'\\x00'",
    "hash": "'\\x00'",
    "seq": "99",
}


@pytest.mark.parametrize("column", CHANGES)
def test_verify_finds_every_tampered_column(conn: Conn, park: Park, run: Run, column: str) -> None:
    ids = enterprise_ids(conn, 1)
    import_trades(conn, ids, [TradeRow(2, "works", "K", JAN, "green", 1000)], "t", b"", NOW)
    rows = [CertificateRow(2, "works", "G", 1, 9, JAN, date(2026, 2, 3))]
    import_certificates(conn, ids, rows, "c", b"", NOW)
    assert checked(conn, 1)[0] == []
    conn.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_keep")
    seq = 1 if column in ("contract", "kind", "contracted_wh", "generated_wh", "used_wh") else 2
    conn.execute(
        f"UPDATE ledger_entry SET {column} = {CHANGES[column]} WHERE seq = {seq}"  # type: ignore[arg-type]
    )
    faults, _ = checked(conn, 1)
    assert faults, column
    with pytest.raises(AssertionError, match="fault"):  # exit code 1
        run("ledger", "verify")


def test_verify_finds_a_removed_entry_and_a_changed_hour(
    conn: Conn, park: Park, run: Run, tmp_path: Path
) -> None:
    run(
        "ledger",
        "import",
        put(
            tmp_path,
            "c.csv",
            "enterprise,contract,hour_start,kwh",
            "mill,W,2026-01-01T00:00:00+08:00,60",
        ),
    )
    ids = enterprise_ids(conn, 1)
    import_trades(conn, ids, [TradeRow(2, "works", "K", JAN, "green", 1000)], "t", b"", NOW)
    import_trades(conn, ids, [TradeRow(2, "works", "K", FEB, "green", 1000)], "t", b"", NOW)
    for table in ("ledger_entry", "trade_curve"):
        conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER ledger_keep")  # type: ignore[arg-type]
    conn.execute("UPDATE trade_curve SET energy_wh = 70000")
    assert [f["seq"] for f in checked(conn, 1)[0]] == [1, 1]
    conn.execute("UPDATE trade_curve SET energy_wh = 60000")
    conn.execute("DELETE FROM ledger_entry WHERE seq = 2")
    assert "entry 2 is missing" in str(checked(conn, 1)[0])


def test_two_writers_make_one_chain(dsn: str, conn: Conn, park: Park) -> None:
    ids = enterprise_ids(conn, 1)
    failed: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with connect(dsn, application="writer") as own:
                for n in range(10):
                    rows = [TradeRow(2, "works", f"K{number}-{n}", JAN, "green", 1000)]
                    import_trades(own, ids, rows, "t", b"", NOW)
        except BaseException as exc:  # told by the test
            failed.append(exc)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert checked(conn, 1)[0] == []
    assert conn.execute("SELECT count(*), max(seq) FROM ledger_entry").fetchone() == (30, 30)


def test_two_writers_cannot_claim_one_serial(dsn: str, conn: Conn, park: Park) -> None:
    ids = enterprise_ids(conn, 1)
    results: list[str] = []

    def claim(enterprise: str) -> None:
        rows = [CertificateRow(2, enterprise, "G", 1, 9, JAN, date(2026, 2, 3))]
        with connect(dsn, application="writer") as own:
            try:
                import_certificates(own, ids, rows, "c", b"", NOW)
                results.append("stored")
            except ConfigError:
                results.append("refused")

    threads = [threading.Thread(target=claim, args=(e,)) for e in ("works", "mill")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == ["refused", "stored"]


def test_a_serial_counts_once_in_all_parks(conn: Conn, park: Park) -> None:
    other = Park.model_validate(
        renamed(site().model_dump(mode="json") | {"key": "other", "name": {"zh": "他", "en": "O"}})
    )
    with conn.transaction():
        apply_park(conn, other, NOW)
    rows = [CertificateRow(2, "works", "G", 1, 9, JAN, date(2026, 2, 3))]
    import_certificates(conn, enterprise_ids(conn, 1), rows, "c", b"", NOW)
    mine = [CertificateRow(2, "mill", "G", 5, 6, JAN, date(2026, 2, 3))]
    with pytest.raises(ConfigError, match="claimed by greenpark/works for 2026-01"):
        import_certificates(conn, enterprise_ids(conn, 2), mine, "c", b"", NOW)
    same = [CertificateRow(2, "works", "G", 1, 9, JAN, date(2026, 2, 3))]  # another works
    with pytest.raises(ConfigError, match="claimed by greenpark/works"):
        import_certificates(conn, enterprise_ids(conn, 2), same, "c", b"", NOW)
    free = [CertificateRow(2, "mill", "G", 10, 12, JAN, date(2026, 2, 3))]
    assert import_certificates(conn, enterprise_ids(conn, 2), free, "c", b"", NOW).new == 1
    assert checked(conn, 1)[0] == checked(conn, 2)[0] == []


def renamed(document: dict[str, Any]) -> dict[str, Any]:
    """The same park with other meters."""
    for enterprise in document["enterprises"]:
        for meter in enterprise["meters"]:
            meter["key"] = f"o-{meter['key']}"
    return document


def test_python_and_the_database_hash_the_same_text(conn: Conn, park: Park) -> None:
    rows = [TradeRow(2, "works", "合同 1", JAN, "green", 1000)]
    import_trades(conn, enterprise_ids(conn, 1), rows, "t", b"", NOW)
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cur:
        row = cur.execute("SELECT * FROM ledger_entry").fetchone()
    assert row is not None
    assert chained(b"", row) == row["hash"]


def test_claims_of_before_the_ledger_are_carried_over(conn: Conn) -> None:
    script = next(m.text for m in available() if m.number == 12)
    with conn.transaction(force_rollback=True):
        apply_park(conn, site(), NOW)
        conn.execute("DROP VIEW dash.ledger_trade, dash.ledger_certificate")
        conn.execute("DROP TABLE trade_curve, ledger_entry CASCADE")
        conn.execute("DROP FUNCTION ledger_append, ledger_keep")
        old = next(m.text for m in available() if m.number == 4)
        for table in ("trade", "certificate"):
            begin = old.index(f"CREATE TABLE {table} (")
            conn.execute(old[begin : old.index(");", begin) + 1].encode())
        conn.execute(
            "INSERT INTO import_batch (kind, source, sha256, rows, imported_at)"
            " VALUES ('trades', 'old.csv', '\\x00', 2, '2026-02-01T00:00Z')"
        )
        conn.execute(
            "INSERT INTO trade (enterprise_id, contract, month, kind, settled_wh, import_batch_id)"
            " VALUES (1, 'K', '2026-01-01', 'green', 5000, 1), (2, 'N', '2026-01-01', 'nuclear',"
            " 7000, 1)"
        )
        conn.execute(
            "INSERT INTO certificate (enterprise_id, series, serial_first, serial_last, month,"
            " cancelled_on, import_batch_id) VALUES (1, 'G', 1, 3, '2026-01-01', '2026-02-02', 1)"
        )
        conn.execute(script.encode())
        assert park_claims(conn, 1, date(2026, 12, 31)) == {
            1: {"green": {JAN: 5.0}, "nuclear": {}, "certificate": {JAN: 3000.0}},
            2: {"green": {}, "nuclear": {JAN: 7.0}, "certificate": {}},
        }
        assert checked(conn, 1)[0] == []
