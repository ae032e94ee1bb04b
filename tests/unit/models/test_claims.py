"""CSV files of trades and certificates: all faulty lines at once, nothing half read."""

from __future__ import annotations

from datetime import date

import pytest

from models.claims import CertificateRow, TradeRow, read_certificates, read_trades
from models.errors import ConfigError

TRADES = "enterprise,contract,month,kind,settled_kwh\n"
CERTIFICATES = "enterprise,series,serial_first,serial_last,month,cancelled_on\n"


def test_trades_as_a_spreadsheet_saves_them() -> None:
    text = "\ufeff" + TRADES + "alpha, K-1 ,2026-03,green,44640.123\r\nbeta,K 2,2026-12,nuclear,0\n"
    assert read_trades(text.encode(), "t.csv") == [
        TradeRow(2, "alpha", "K-1", date(2026, 3, 1), "green", 44_640_123),  # whole Wh
        TradeRow(3, "beta", "K 2", date(2026, 12, 1), "nuclear", 0),
    ]


def test_certificates_and_columns_in_any_order() -> None:
    text = (
        "month,note,enterprise,serial_last,serial_first,series,cancelled_on\n"
        "2026-12,x,alpha,20,1,A,2027-01-20\n"
    )
    assert read_certificates(text.encode(), "c.csv") == [
        CertificateRow(2, "alpha", "A", 1, 20, date(2026, 12, 1), date(2027, 1, 20))
    ]


def test_every_faulty_line_is_named() -> None:
    text = TRADES + "\n".join(
        (
            "alpha,K,2026-03,green,1",
            "alpha,K,March,green,1",
            "alpha,K,2026-13,green,1",
            "alpha,K,2026-03,brown,1",
            "alpha,K,2026-03,green,many",
            "alpha,K,2026-03,green,-1",
            "alpha,K,2026-03,green,0.0001",
            "alpha,K,2026-03,green,NaN",
            ",K,2026-03,green,1",
            "alpha,K,2026-03,green",
            "alpha,K,2026-03,green,1,2",
        )
    )
    with pytest.raises(ConfigError) as caught:
        read_trades(text.encode(), "t.csv")
    assert [f.split(":")[0] for f in caught.value.faults] == [f"line {n}" for n in range(3, 13)]
    assert "month: got 'March', expected a month such as 2026-03" in caught.value.faults[0]
    assert "expected whole Wh of 0 or more" in caught.value.faults[5]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("alpha,A,20,1,2026-01,2026-02-01", "serials: got 20 to 1, expected first <= last"),
        ("alpha,A,-1,1,2026-01,2026-02-01", "serial_first: got '-1', expected digits"),
        ("alpha,A,1.0,2,2026-01,2026-02-01", "serial_first: got '1.0', expected digits"),
        ("alpha,A,１,2,2026-01,2026-02-01", "expected digits"),  # full-width digit
        (f"alpha,A,1,{2**62},2026-01,2026-02-01", "serials: got 1 to"),
        ("alpha,A,1,2,2026-01,01.02.2026", "cancelled_on: got '01.02.2026', expected a day"),
        ("alpha,A,1,2,2026-01,2026-01-01", "expected a day after the generation month began"),
    ],
)
def test_certificate_faults(line: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_certificates((CERTIFICATES + line).encode(), "c.csv")
    assert message in caught.value.faults[0]


def test_wrong_files() -> None:
    with pytest.raises(ConfigError, match=r"column\(s\) missing: settled_kwh; expected: ent"):
        read_trades(b"enterprise,contract,month,kind\n", "t.csv")
    with pytest.raises(ConfigError, match="column"):
        read_trades(b"", "t.csv")
    with pytest.raises(ConfigError, match="is not a UTF-8 CSV file"):
        read_trades(TRADES.encode() + "包铝,K,2026-03,green,1\n".encode("gbk"), "t.csv")
    with pytest.raises(ConfigError, match="is not a UTF-8 CSV file"):
        read_trades(TRADES.encode() + b'"alpha,K,2026-03,green,1\n', "t.csv")
    assert read_trades(TRADES.encode(), "t.csv") == []
