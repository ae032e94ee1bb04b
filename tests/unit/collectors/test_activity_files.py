"""Reported data: templates with lists, and files in which every faulty row is told."""

from __future__ import annotations

import io
from datetime import date, datetime

import pytest
from openpyxl import load_workbook

from app.template_file import FAMILIES, csv_text, workbook
from collectors.files.activity import read_activity
from models.errors import ConfigError
from tests.unit.simulators.sample import park

HEAD = "enterprise,item,month,value,unit,detail,note\n"


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_activity(text.encode(), "file.csv")
    return caught.value.faults


def test_a_filled_template_comes_back() -> None:
    content = workbook(park(), FAMILIES["production"], [date(2026, 10, 1)])
    book = load_workbook(io.BytesIO(content))
    sheet = book["data"]
    rules = {str(r.sqref).split(":")[0]: r for r in sheet.data_validations.dataValidation}
    assert rules["A2"].type == rules["B2"].type == "list"
    assert rules["D2"].type == "decimal"
    last = len(park().enterprises) + 1
    assert rules["A2"].formula1 == f"=enterprises!$A$2:$A${last}"
    assert {cell.value for cell in book["enterprises"]["A"][1:]} == {
        e.key for e in park().enterprises
    }
    assert sheet["C2"].number_format == "@"
    sheet["D2"] = 1234.5
    out = io.BytesIO()
    book.save(out)
    got = read_activity(out.getvalue(), "production.xlsx")
    (row,) = got.rows
    assert (row.enterprise, row.month, row.value) == ("baolu", date(2026, 10, 1), 1234.5)
    assert got.blank == len(park().enterprises) * len(FAMILIES["production"]) - 1


def test_a_month_that_excel_made_a_day() -> None:
    book = load_workbook(io.BytesIO(workbook(park(), FAMILIES["waste"], [])))
    book["data"].append(("baolu", "waste_used_t", datetime(2026, 3, 1), 5))  # noqa: DTZ001
    out = io.BytesIO()
    book.save(out)
    rows = read_activity(out.getvalue(), "waste.xlsx").rows
    assert [r.month for r in rows] == [date(2026, 3, 1)]


def test_csv_template_and_encodings() -> None:
    text = csv_text(park(), FAMILIES["water"], [date(2026, 3, 1)])
    assert text.startswith(HEAD)
    assert read_activity(text.encode(), "w.csv").rows == []
    chinese = HEAD + "baolu,waste_used_t,2026-03,5,t,炉渣,\n"
    assert read_activity(chinese.encode("gb18030"), "w.csv").rows[0].detail == "炉渣"


def test_every_faulty_row_is_told() -> None:
    told = faults(
        HEAD
        + "baolu,steel_t,2026-03,5,,,\n"
        + "baolu,waste_used_t,March,5,,,\n"
        + "baolu,waste_used_t,2026-03,-5,,,\n"
        + "baolu,waste_used_t,2026-03,5,kg,,\n"
        + ",waste_used_t,2026-03,5,,,\n"
        + "baolu,anode_ash_ratio,2026-03,4.5,,,\n"
        + "baolu,waste_used_t,2026-03,many,,,\n"
    )
    assert [f.split(":")[0] for f in told] == [f"line {n}" for n in range(2, 9)]
    assert "expected one of: production_t" in told[0]
    assert "2026-03" in told[1]
    assert "number of 0 to" in told[2]
    assert "got 'kg', expected t" in told[3]
    assert "0 to 0.2" in told[5]  # 4.5 % is 0.045


def test_a_value_that_is_told_twice() -> None:
    row = "baolu,waste_used_t,2026-03,5,t,slag,\n"
    assert "was told in line 2" in faults(HEAD + row + row)[0]
    assert len(read_activity((HEAD + row + row.replace("slag", "ash")).encode(), "f.csv").rows) == 2


def test_what_is_no_such_file() -> None:
    assert "column(s) missing: item, month, value" in faults("enterprise\nbaolu\n")[0]
    with pytest.raises(ConfigError, match="no readable workbook"):
        read_activity(b"PK not a workbook", "file.xlsx")
    with pytest.raises(ConfigError, match="neither UTF-8 nor"):
        read_activity(b"\xff\xff\xff", "file.csv")
