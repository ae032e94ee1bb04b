"""Panel shapes that every dashboard shares: units, colours, texts for missing values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from grafana_foundation_sdk.builders import common as bc
from grafana_foundation_sdk.builders import dashboard as bd
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import common as mc
from grafana_foundation_sdk.models import dashboard as md

from dashboards.queries import DATASOURCE, Sql
from dashboards.texts import Texts
from models.quantities import QUANTITIES

POWER = QUANTITIES["active_power"].grafana_unit
RATIO = QUANTITIES["state_of_charge"].grafana_unit
ENERGY_INTENSITY = "suffix: kWh/t"
WATER_INTENSITY = "suffix: m³/t"
MINUTES = "minutes"
POINTS = "points"

# One colour per source on every dashboard; text and sign always say the same as a colour does.
SOURCE_COLOURS = {
    "grid_import_kw": "#488fc2",
    "direct_supply_kw": "#43a047",
    "onsite_pv_kw": "#ff9800",
    "onsite_wind_kw": "#aed581",
    "storage_discharge_kw": "#4db6ac",
    "storage_charge_kw": "#f06292",
    "grid_export_kw": "#8353d1",
}
GOOD, OFF, BAD, NEUTRAL, ESTIMATED = "blue", "orange", "dark-orange", "text", "#8e8e8e"

Steps = tuple[tuple[float | None, str], ...]


@dataclass(frozen=True)
class Place:
    """Position on the 24-column grid."""

    x: int
    y: int
    w: int
    h: int

    def grid(self) -> md.GridPos:
        """The place as the SDK wants it."""
        return md.GridPos(h=self.h, w=self.w, x=self.x, y=self.y)


@dataclass(frozen=True)
class Column:
    """How one column of a query is shown.

    Attributes:
        title: key of the texts.
        unit: Grafana unit, or the name of a unit with words in it.
        steps: thresholds that colour the value.
        values: text key and colour of each possible value.
        missing: text key shown, uncoloured, for a null.
        more: further override properties.
    """

    name: str
    title: str
    unit: str | None = None
    decimals: int | None = None
    width: int | None = None
    steps: Steps = ()
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    missing: str | None = None
    more: dict[str, object] = field(default_factory=dict)

    def properties(self, t: Texts, *, cell: bool) -> list[md.DynamicConfigValue]:
        """Override properties; in a table cell, thresholds and mappings colour the text."""
        found: dict[str, object] = {"displayName": t(self.title)}
        if self.unit is not None:
            found["unit"] = t.unit(self.unit)
        if self.decimals is not None:
            found["decimals"] = self.decimals
        if self.width is not None:
            found["custom.width"] = self.width
        if self.steps:
            found["thresholds"] = thresholds_json(self.steps)
        if mappings := self._mappings(t):
            found["mappings"] = mappings
        if cell and (self.steps or self.values):
            found["custom.cellOptions"] = {"type": "color-text"}
        found |= self.more
        return [md.DynamicConfigValue(id_val=k, value=v) for k, v in found.items()]

    def _mappings(self, t: Texts) -> list[dict[str, object]]:
        found = [_value_map(self.values, t)] if self.values else []
        if self.missing is not None:
            result = {"text": t(self.missing), "color": NEUTRAL, "index": len(self.values)}
            found.append({"type": "special", "options": {"match": "null", "result": result}})
        return found


def _value_map(values: dict[str, tuple[str, str]], t: Texts) -> dict[str, object]:
    options = {
        value: {"text": t(text), "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(values.items())
    }
    return {"type": "value", "options": options}


def thresholds_json(steps: Steps) -> dict[str, object]:
    """Absolute thresholds as stored in an override."""
    return {"mode": "absolute", "steps": [{"value": v, "color": c} for v, c in steps]}


def thresholds(steps: Steps) -> bd.ThresholdsConfig:
    """Absolute thresholds of a panel; the first step has no value."""
    made = [md.Threshold(value=v, color=c) for v, c in steps]
    return bd.ThresholdsConfig().mode(md.ThresholdsMode.ABSOLUTE).steps(made)


_P = TypeVar("_P", stat.Panel, table.Panel, timeseries.Panel)


def _framed(panel: _P, t: Texts, ident: int, key: str, sql: Sql, place: Place) -> _P:
    """What every panel has: number, title, description, source, place, query, neutral colour."""
    return (
        panel.id(ident)
        .title(t(f"{key}.title"))
        .description(t(f"{key}.description"))
        .datasource(DATASOURCE)
        .grid_pos(place.grid())
        .thresholds(thresholds(((None, NEUTRAL),)))
        .with_target(sql)
    )


def stat_panel(
    t: Texts, ident: int, key: str, sql: Sql, place: Place, columns: list[Column]
) -> stat.Panel:
    """A row of numbers from the columns of a one-row query; narrow ones are set smaller."""
    value_size = 26 if len(columns) == 1 or place.w > 2 * len(columns) else 18
    panel = (
        _framed(stat.Panel(), t, ident, key, sql, place)
        .no_value(t("no_value"))
        .unit("none")
        .color_mode(mc.BigValueColorMode.VALUE)
        .graph_mode(mc.BigValueGraphMode.NONE)
        .text_mode(
            mc.BigValueTextMode.VALUE_AND_NAME if len(columns) > 1 else mc.BigValueTextMode.VALUE
        )
        .text(bc.VizTextDisplayOptions().title_size(12).value_size(value_size))
        .orientation(mc.VizOrientation.VERTICAL)
        .reduce_options(bc.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    )
    for column in columns:
        panel = panel.override_by_name(column.name, column.properties(t, cell=False))
    return panel


def table_panel(
    t: Texts, ident: int, key: str, sql: Sql, place: Place, columns: list[Column]
) -> table.Panel:
    """A table; its order is that of the query."""
    panel = (
        _framed(table.Panel(), t, ident, key, sql, place)
        .no_value(t(f"{key}.none"))
        .unit("none")
        .cell_height(mc.TableCellHeight.SM)
    )
    for column in columns:
        panel = panel.override_by_name(column.name, column.properties(t, cell=True))
    return panel


def timeseries_panel(
    t: Texts, ident: int, key: str, sql: Sql, place: Place, columns: list[Column]
) -> timeseries.Panel:
    """Lines over time; gaps stay gaps."""
    panel = (
        _framed(timeseries.Panel(), t, ident, key, sql, place)
        .no_value(t("no_value"))
        .line_width(2)
        .show_points(mc.VisibilityMode.NEVER)
        .span_nulls(False)
        .legend(
            bc.VizLegendOptions()
            .show_legend(True)
            .display_mode(mc.LegendDisplayMode.LIST)
            .placement(mc.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .tooltip(bc.VizTooltipOptions().mode(mc.TooltipDisplayMode.MULTI).sort(mc.SortOrder.NONE))
    )
    for column in columns:
        panel = panel.override_by_name(column.name, column.properties(t, cell=False))
    return panel


def line(colour: str, **custom: object) -> dict[str, object]:
    """Override properties of a series: fixed colour and `custom.*` settings."""
    fixed: dict[str, object] = {"color": {"mode": "fixed", "fixedColor": colour}}
    return fixed | {f"custom.{name}": value for name, value in custom.items()}


def dashed(colour: str) -> dict[str, object]:
    """A dashed line: not measured, but promised or estimated."""
    return line(colour, lineStyle={"fill": "dash", "dash": [8, 8]}, lineWidth=2, fillOpacity=0)


def area(name: str) -> dict[str, object]:
    """A stacked area in the colour of its source."""
    stacking = {"mode": "normal", "group": "source"}
    return line(SOURCE_COLOURS[name], stacking=stacking, fillOpacity=60, lineWidth=0)
