"""What Grafana shows wrongly or refuses, and what a reader misses, found without a server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.build import JSON_DIR, build_all
from dashboards.macros import KNOWN_MACROS, macro_names
from dashboards.queries import DATASOURCE_TYPE, DATASOURCE_UID, named_sql
from models.quantities import QUANTITIES

Json = dict[str, Any]
BOARDS = {str(path): json.loads(text) for path, text in build_all().items()}
each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
RELATION = re.compile(r"\b(?:FROM|JOIN)\s+(?!LATERAL|\()([\w.]+)", re.I)
UNITS = {q.grafana_unit for q in QUANTITIES.values()} | {"none", "short", "s"}
AFFIX = re.compile(r"^(?:suffix|prefix|time):\s?\S.*$")


def panels(board: Json) -> Iterator[Json]:
    yield from board["panels"]


def queries(board: Json) -> Iterator[str]:
    for panel in panels(board):
        yield from (t["rawSql"] for t in panel.get("targets", []))
    yield from (v["query"] for v in board["templating"]["list"] if v["type"] == "query")
    yield from (a["target"]["rawSql"] for a in board["annotations"]["list"])


@each_board
def test_ids_are_unique_and_positive(board: Json) -> None:
    ids = [p["id"] for p in panels(board)]
    assert len(set(ids)) == len(ids)
    assert min(ids) > 0


@each_board
def test_panels_fill_the_grid_without_overlap(board: Json) -> None:
    places = [(p["title"], p["gridPos"]) for p in panels(board)]
    for title, g in places:
        assert g["x"] + g["w"] <= 24, title
    for (one, a), (two, b) in combinations(places, 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, f"{one} overlaps {two}"
    bottom = max(g["y"] + g["h"] for _, g in places)
    assert sum(g["w"] * g["h"] for _, g in places) == 24 * bottom, "the grid has a hole"


@each_board
def test_units_are_known(board: Json) -> None:
    for panel in panels(board):
        config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
        units = [config["defaults"].get("unit")]
        units += [
            p["value"] for o in config["overrides"] for p in o["properties"] if p["id"] == "unit"
        ]
        assert panel["type"] == "text" or any(units), panel["title"]
        for unit in filter(None, units):
            assert unit in UNITS or AFFIX.match(unit), f"{panel['title']}: {unit}"


@each_board
def test_every_panel_explains_itself(board: Json) -> None:
    for panel in panels(board):
        assert len(panel["description"]) > 20, panel["title"]
        source = "Source:" if board["uid"].endswith("-en") else "来源："
        assert source in panel["description"], panel["title"]
        if panel["type"] != "text":
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]


@each_board
def test_every_shown_column_has_a_name_and_exists_in_the_query(board: Json) -> None:
    for panel in panels(board):
        sql = " ".join(t["rawSql"] for t in panel.get("targets", []))
        for override in panel.get("fieldConfig", {}).get("overrides", []):
            name = override["matcher"]["options"]
            assert re.search(rf"\b{name}\b", sql), f"{panel['title']}: no column {name}"
            assert any(p["id"] == "displayName" for p in override["properties"])


@each_board
def test_only_our_data_source(board: Json) -> None:
    text = json.dumps(board)
    assert "${DS_" not in text
    assert "__inputs" not in text
    assert set(re.findall(r'"uid": "([^"]+)"', text)) == {DATASOURCE_UID, board["uid"]}
    assert DATASOURCE_TYPE in text


@each_board
def test_queries_call_known_macros_only(board: Json) -> None:
    for sql in queries(board):
        assert macro_names(sql) <= KNOWN_MACROS
        assert "--" not in sql, "Grafana 12 expands macros inside comments"
        assert not re.search(r"GROUP BY \"?time\"?", sql, re.I), "groups by a source column"


@each_board
def test_queries_read_views_of_dash_only(board: Json) -> None:
    for sql in [*queries(board), *(v.get("allValue", "") for v in board["templating"]["list"])]:
        own = set(re.findall(r"(\w+) AS (?:MATERIALIZED )?\(", sql))
        for relation in RELATION.findall(sql):
            assert relation.startswith("dash.") or relation in own, relation


@each_board
def test_multi_select_is_never_quoted_and_single_always_is(board: Json) -> None:
    multi = {v["name"]: v["multi"] for v in board["templating"]["list"]}
    for sql in queries(board):
        for before, name, after in re.findall(r"(.)\$(?!__)(\w+)(.)", sql):
            quoted = (before, after) == ("'", "'")
            assert quoted is not multi[name], f"${name} in {sql}"


@each_board
def test_nothing_that_a_provisioned_file_must_not_have(board: Json) -> None:
    assert "id" not in board
    assert board["editable"] is False
    assert not any("placement" in extra for extra in board.get("links", []))
    assert not any("placement" in extra for extra in board["annotations"]["list"])
    lowest = min(
        p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels(board) if p["type"] == "timeseries"
    )
    assert lowest <= 20, "the first chart must be on the first screen"


def test_languages_differ_in_words_only() -> None:
    english, chinese = BOARDS["en/overview.json"], BOARDS["zh-CN/overview.json"]
    assert list(queries(english)) == list(queries(chinese))
    assert [p["id"] for p in panels(english)] == [p["id"] for p in panels(chinese)]
    assert (english["uid"], chinese["uid"]) == ("greenpark-overview-en", "greenpark-overview-zh")
    han = re.compile(r"[一-鿿]")
    assert not han.search(json.dumps(english, ensure_ascii=False))
    for panel in panels(chinese):
        assert han.search(panel["title"]), panel["title"]


def test_colours_do_not_rely_on_red_and_green() -> None:
    for text in build_all().values():
        assert not re.search(r'"(?:[a-z-]*red|[a-z-]*green)"', text)


def test_every_block_of_sql_is_used() -> None:
    used = set(queries(BOARDS["en/overview.json"]))
    assert [name for name, sql in named_sql("overview").items() if sql not in used] == []


def test_provisioning_fits_the_dashboards() -> None:
    folder = JSON_DIR.parent / "provisioning"
    source = yaml.safe_load((folder / "datasources" / "greenpark.yaml").read_text())
    (only,) = source["datasources"]
    assert (only["uid"], only["type"]) == (DATASOURCE_UID, DATASOURCE_TYPE)
    assert only["user"] == "grafana_ro"
    assert only["secureJsonData"]["password"].startswith("$__file{")
    boards = yaml.safe_load((folder / "dashboards" / "greenpark.yaml").read_text())
    languages = {Path(p["options"]["path"]).name for p in boards["providers"]}
    assert languages == {p.name for p in JSON_DIR.iterdir()}
    assert not any(p["allowUiUpdates"] for p in boards["providers"])
