"""The overview: are we on the path, what runs now, who is off course, can the data be trusted."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders import dashboard as bd
from grafana_foundation_sdk.builders import stat, table, text, timeseries
from grafana_foundation_sdk.models import dashboard as md
from grafana_foundation_sdk.models.text import TextMode

from dashboards import overview_columns as columns
from dashboards.panels import (
    ENERGY_INTENSITY,
    ESTIMATED,
    NEUTRAL,
    POWER,
    RATIO,
    SOURCE_COLOURS,
    WATER_INTENSITY,
    Column,
    Place,
    area,
    dashed,
    line,
    stat_panel,
    table_panel,
    timeseries_panel,
)
from dashboards.queries import DATASOURCE, Format, Sql, named_sql
from dashboards.texts import Texts

AREA = "overview"
ALL_ENTERPRISES = "SELECT enterprise_key FROM dash.enterprise"

Panel = stat.Panel | table.Panel | timeseries.Panel | text.Panel


def overview(t: Texts) -> bd.Dashboard:
    """The overview dashboard in the language of `t`."""
    dashboard = (
        bd.Dashboard(t("overview.title"))
        .uid(f"greenpark-overview-{t.short}")
        .description(t("overview.description"))
        .tags(["greenpark", t.short])
        .readonly()
        .timezone("browser")
        .time("now-7d", "now")
        .refresh("1m")
        .tooltip(md.DashboardCursorSync.CROSSHAIR)
        .annotation(_alerts_annotation(t))
    )
    for variable in _variables(t):
        dashboard = dashboard.with_variable(variable)
    for panel in _panels(t):
        dashboard = dashboard.with_panel(panel)
    return dashboard


def _sql(name: str, fmt: Format = "table", ref_id: str = "A") -> Sql:
    return Sql(AREA, name, fmt, ref_id)


def _variables(t: Texts) -> list[bd.ConstantVariable | bd.QueryVariable]:
    def query(name: str) -> bd.QueryVariable:
        return (
            bd.QueryVariable(name)
            .label(t(f"variable.{name}"))
            .datasource(DATASOURCE)
            .query(named_sql(AREA)[f"variable_{name}"])
            .refresh(md.VariableRefresh.ON_DASHBOARD_LOAD)
            .sort(md.VariableSort.DISABLED)
        )

    every = md.VariableOption(text=t("all"), value="$__all", selected=True)
    return [
        bd.ConstantVariable("lang").value(t.short),
        query("park"),
        query("enterprise").multi(True).include_all(True).all_value(ALL_ENTERPRISES).current(every),
    ]


def _alerts_annotation(t: Texts) -> bd.AnnotationQuery:
    return (
        bd.AnnotationQuery()
        .name(t("annotation.alerts"))
        .datasource(DATASOURCE)
        .enable(False)
        .icon_color("orange")
        .target(_sql("annotation_alerts", ref_id="Anno"))
    )


def _panels(t: Texts) -> Iterator[Panel]:
    """All panels by id: six numbers, two charts each beside a table, details."""
    numbers = [
        ("share", "share_now", Place(0, 0, 7, 4), columns.SHARE),
        ("gap", "gap_now", Place(7, 0, 3, 4), columns.GAP),
        ("required", "required_now", Place(10, 0, 3, 4), columns.REQUIRED),
        ("load_now", "load_now", Place(13, 0, 3, 4), columns.LOAD),
        ("alerts_now", "alerts_now", Place(16, 0, 2, 4), columns.ALERTS_NOW),
        ("data", "data_now", Place(18, 0, 6, 4), columns.DATA),
    ]
    for ident, (key, query, place, shown) in enumerate(numbers, 1):
        yield stat_panel(t, ident, key, _sql(query), place, shown)
    yield _share_path(t)
    yield _load_by_source(t)
    tables = [
        ("alerts", Place(13, 4, 11, 8), columns.ALERTS),
        ("enterprises", Place(13, 12, 11, 8), columns.ENTERPRISES),
        ("energy_intensity", Place(0, 20, 12, 9), columns.intensity(ENERGY_INTENSITY)),
        ("water_intensity", Place(12, 20, 12, 9), columns.intensity(WATER_INTENSITY)),
        ("freshness", Place(0, 29, 14, 9), columns.FRESHNESS),
    ]
    for ident, (key, place, shown) in enumerate(tables, 9):
        yield table_panel(t, ident, key, _sql(key), place, shown)
    yield _notes(t)


def _share_path(t: Texts) -> timeseries.Panel:
    shown = [
        Column("s3_ratio", "series.s3", more=line("blue", lineWidth=3)),
        Column("s3_open_ratio", "series.s3_open", more=dashed("blue")),
        Column("s1_ratio", "series.s1", more=line("#4db6ac")),
        Column("path_ratio", "series.path", more=dashed("orange")),
        Column("estimated_ratio", "series.estimated_part", more=dashed(ESTIMATED)),
    ]
    sql = _sql("share_path", "time_series")
    panel = timeseries_panel(t, 7, "share_path", sql, Place(0, 4, 13, 8), shown)
    return panel.unit(RATIO).min(0).time_from("now/y").interval("1d")


def _load_by_source(t: Texts) -> timeseries.Panel:
    shown = [Column(name, f"source.{name}", more=area(name)) for name in SOURCE_COLOURS]
    shown += [
        Column("load_kw", "series.load", more=line(NEUTRAL, lineWidth=2, fillOpacity=0)),
        Column("estimated_kw", "series.estimated_power", more=dashed(ESTIMATED)),
    ]
    sql = _sql("load_by_source", "time_series")
    panel = timeseries_panel(t, 8, "load", sql, Place(0, 12, 13, 8), shown)
    return panel.unit(POWER).interval("15m")


def _notes(t: Texts) -> text.Panel:
    return (
        text.Panel()
        .id(14)
        .title(t("notes.title"))
        .description(t("notes.description"))
        .grid_pos(Place(14, 29, 10, 9).grid())
        .mode(TextMode.MARKDOWN)
        .content(t("notes.content"))
    )
