"""What indicators there are, whether thresholds are kept, and the scorecard of the park."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from analytics.indicators.catalogue import DEFINITIONS, threshold_text
from analytics.indicators.scorecard import NEEDED, Told, scorecard
from app.commands.options import FormatOption, NowOption, ParkOption
from app.output import Format, show
from app.settings import settings
from app.wiring import clock_of, database, one_park
from models.definitions import NOT_SET, Definition
from models.periods import local_day
from storage.indicators import newest_values

_LIST = (
    *("row", "indicator", "name_zh", "name_en", "unit", "periods", "formula", "needs"),
    *("threshold", "source", "confidence"),
)


def _described(about: Definition) -> dict[str, Any]:
    levels = ", ".join(f"{name} {limit:g}" for name, limit in about.levels)
    limit = about.threshold
    threshold = threshold_text(about, limit)
    if limit is not None:
        threshold += f" ({limit.source})"
    return {
        "row": about.row,
        "indicator": about.key,
        "name_zh": about.name.zh,
        "name_en": about.name.en,
        "unit": about.unit,
        "periods": ", ".join(about.kinds),
        "formula": about.formula,
        "needs": ", ".join((*about.needs, *(f"[{u}]" for u in about.uses))),
        "threshold": f"{threshold}; {levels}" if levels else threshold,
        "source": about.source,
        "confidence": about.confidence,
    }


def listing(form: Format) -> None:
    """Every indicator with formula, data needed, threshold, source and confidence."""
    rows = sorted(map(_described, DEFINITIONS.values()), key=lambda r: (r["row"], r["indicator"]))
    show(rows, _LIST, form, "")


_HEAD = """# Catalogue of indicators

Made by `greenpark indicators --page docs/catalogue.md`; do not edit. Rows are those of the table
of indicators of the field; data in brackets is added where an enterprise has it. How values are
computed, stored and judged: [indicators.md](indicators.md). A threshold that is not set is told as
"not set" in every output; a park sets it under `thresholds` of park.yaml with its source.
Confidence: high = two sources or the official text, medium = one source, own = our own choice.

| row | indicator | name | unit | formula | data | threshold | source | confidence |
|---|---|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The catalogue as a page of the documentation."""
    rows = sorted(map(_described, DEFINITIONS.values()), key=lambda r: (r["row"], r["indicator"]))
    lines = [
        f"| {r['row']} | `{r['indicator']}` | {r['name_zh']} / {r['name_en']} | {r['unit']} "
        f"| {r['formula']} | {r['needs']} | {r['threshold']} | {r['source']} "
        f"| {r['confidence']} |\n"
        for r in rows
    ]
    return _HEAD + "".join(lines)


def judged(row: Mapping[str, Any]) -> dict[str, str]:
    """Threshold of a stored value and whether it is kept."""
    limit, sense = row["limit_value"], row["sense"]
    if limit is None:
        return {"threshold": NOT_SET, "met": ""}
    threshold = f"{'>=' if sense == 'min' else '<='} {limit:g}"
    if row["value"] is None:
        return {"threshold": threshold, "met": "cannot tell"}
    is_met = row["value"] >= limit if sense == "min" else row["value"] <= limit
    return {"threshold": threshold, "met": "yes" if is_met else "no"}


def score(
    park: ParkOption = None, form: FormatOption = Format.table, now: NowOption = None
) -> None:
    """Zero-carbon park: one core and five guiding indicators of the year so far.

    Source: 发改环资〔2025〕910号. What cannot be told is neither met nor missed.

    Example: greenpark indicators scorecard --format json
    """
    with database() as connect, connect() as conn:
        applied = one_park(conn, park)
        today = local_day(clock_of(settings(), now).now(), applied.park.zone)
        stop = date(today.year + 1, 1, 1)
        told = {}
        for key in NEEDED:
            found = newest_values(conn, applied.park_id, key, "year", stop, only_final=False)
            if None in found and found[None]["period_stop"] == stop:
                row = found[None]
                told[key] = Told(row["value"], row["completeness_ratio"], row["note"] or "")
    begin = max(date(today.year, 1, 1), applied.park.data_from or date.min)
    part = max((today - begin).days, 1) / (stop - date(today.year, 1, 1)).days
    rows = [
        {
            "indicator": s.indicator,
            "name_zh": DEFINITIONS[s.indicator].name.zh,
            "value": s.value,
            "unit": DEFINITIONS[s.indicator].unit,
            "threshold": s.threshold,
            "met": "cannot tell" if s.is_met is None else "yes" if s.is_met else "no",
            "completeness_ratio": s.completeness_ratio,
            "note": s.note,
        }
        for s in scorecard(told, part)
    ]
    show(rows, list(rows[0]), form, "")
