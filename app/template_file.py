"""Templates of reported data: a workbook with validation lists, or a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from models.activity import ITEMS, Item
from models.park import Park

HEADER = ("enterprise", "item", "month", "value", "unit", "detail", "note")
_WIDTHS = (16, 28, 12, 18, 14, 24, 30)
_ROOM = 2000  # rows that the validation covers

_PREFIXES: Mapping[str, tuple[str, ...]] = {
    "production": ("production_t", "output_value", "added_value", "liquid_", "ingot_"),
    "energy": ("natural_gas", "raw_coal", "diesel", "petrol", "lng", "lpg", "heat_", "steam_"),
    "aluminium": ("rectifier", "electrolysis", "casting", "liquid_", "ingot_", "anode_"),
    "water": ("water_",),
    "waste": ("waste_generated", "waste_used", "old_stock", "hazardous_"),
    "circular": ("scrap_", "metal_", "waste_heat_"),
    "contracts": ("contract_", "meters_", "upstream_"),
}
FAMILIES: Mapping[str, tuple[Item, ...]] = {
    name: tuple(item for item in ITEMS.values() if item.key.startswith(prefixes))
    for name, prefixes in _PREFIXES.items()
} | {"all": tuple(ITEMS.values())}
"""Items by the name of the template."""

_HELP = (
    "一行一个数值；空白 value 的行不会导入，0 表示确实为零。 "
    "One value per row; rows without a value are left out, 0 means zero.",
    "month 写成 2026-03；单位必须与清单一致。 Write months as 2026-03; the unit is fixed per item.",
    "detail 可写废物种类、燃料批次等，同月多行相加。 "
    "detail: e.g. the waste stream; rows of a month add up.",
    "导入 import: greenpark import activity FILE --by NAME --reason WHY --dry-run",
)


def workbook(park: Park, items: Sequence[Item], months: Sequence[date]) -> bytes:
    """An Excel template: data sheet with lists, the items with names and units, how to use it."""
    book = Workbook()
    sheet = book.active
    if not isinstance(sheet, Worksheet):  # cannot be: a new workbook has one
        sheet = book.create_sheet()
    sheet.title = "data"
    sheet.append(HEADER)
    for row in _prefilled(park, items, months):
        sheet.append(row)
    for number, width in enumerate(_WIDTHS):
        cell = sheet.cell(1, number + 1)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDEBDD")
        sheet.column_dimensions[get_column_letter(number + 1)].width = width
    sheet.freeze_panes = "A2"
    listed = book.create_sheet("items")
    listed.append(("item", "unit", "名称", "name"))
    for item in items:
        listed.append((item.key, item.unit, item.zh, item.en))
    who = book.create_sheet("enterprises")
    who.append(("enterprise", "名称", "name"))
    for enterprise in park.enterprises:
        who.append((enterprise.key, enterprise.name.zh, enterprise.name.en))
    how = book.create_sheet("说明 help")
    for line in _HELP:
        how.append((line,))
    how.column_dimensions["A"].width = 110
    how["A1"].alignment = Alignment(wrap_text=True)
    _validate(sheet, "A", f"=enterprises!$A$2:$A${len(park.enterprises) + 1}", "enterprise")
    _validate(sheet, "B", f"=items!$A$2:$A${len(items) + 1}", "item")
    _validate(sheet, "E", f"=items!$B$2:$B${len(items) + 1}", "unit")
    amount = DataValidation("decimal", operator="greaterThanOrEqual", formula1="0")
    amount.error, amount.errorTitle = "数值须为 0 或正数 / a number of 0 or more", "value"
    amount.showErrorMessage = True
    amount.add(f"D2:D{_ROOM}")
    sheet.add_data_validation(amount)
    for number in range(2, _ROOM + 1):
        sheet.cell(number, 3).number_format = "@"  # text: Excel must not turn 2026-03 into a day
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def csv_text(park: Park, items: Sequence[Item], months: Sequence[date]) -> str:
    """A CSV template with the same columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_prefilled(park, items, months))
    return out.getvalue()


def _prefilled(
    park: Park, items: Sequence[Item], months: Sequence[date]
) -> list[tuple[str, str, str, None, str, str, str]]:
    return [
        (enterprise.key, item.key, f"{month:%Y-%m}", None, item.unit, "", "")
        for enterprise in park.enterprises
        for item in items
        for month in months
    ]


def _validate(sheet: Worksheet, column: str, source: str, what: str) -> None:
    rule = DataValidation("list", formula1=source, allow_blank=True)
    rule.error, rule.errorTitle = f"请从列表选择 / choose the {what} from the list", what
    rule.showErrorMessage = True
    rule.add(f"{column}2:{column}{_ROOM}")
    sheet.add_data_validation(rule)
