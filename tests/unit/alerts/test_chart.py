"""Charts of mails: what is drawn where, a font with every character, always the same bytes."""

from __future__ import annotations

import importlib.util
import itertools
import math
import time
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from alerts.chart import FONT, HEIGHT, WIDTH, Chart, draw_chart, is_chart, runs, ticks
from alerts.context import Trend
from alerts.language import CATALOGUES, Speech
from alerts.wording import wording
from models.rules import rule_definitions
from tests.unit.alerts import samples
from tests.unit.alerts.test_mail_html import contrast

REPO = Path(__file__).resolve().parents[3]
EN = Speech("en")
DAYS = tuple(date(2026, 1, 14) + timedelta(n) for n in range(60))
LANGUAGES = ("en", *CATALOGUES)


def trend(values: list[float | None], targets: list[float | None] | None = None) -> Trend:
    return Trend(days=DAYS[: len(values)], values=tuple(values), targets=tuple(targets or ()))


def chart(shown: Trend, unit: str = "ratio") -> Chart:
    return Chart(shown, unit, "Green share, year to date", "Path value")


def picture(drawn: Chart, language: str = "en") -> Image.Image:
    """Shades of grey: the chart has one ink only."""
    image = Image.open(BytesIO(draw_chart(drawn, Speech(language))))
    assert image.size == (WIDTH * 2, HEIGHT * 2)
    return image.convert("L")


def dark_columns(image: Image.Image) -> list[int]:
    """Columns of the plot with a pixel as dark as the value line."""
    plot = image.crop((150, 100, 900, HEIGHT * 2 - 80))
    pixels = plot.load()
    assert pixels is not None
    return [x for x in range(plot.width) if any(pixels[x, y] < 70 for y in range(plot.height))]


def test_same_trend_gives_the_same_bytes() -> None:
    drawn = chart(Trend.model_validate(samples.course()))
    assert draw_chart(drawn, EN) == draw_chart(drawn, EN)
    assert draw_chart(drawn, EN) != draw_chart(drawn, Speech("zh-CN"))
    other = chart(Trend.model_validate(samples.course(values=[0.43] * 60)))
    assert draw_chart(drawn, EN) != draw_chart(other, EN)


def test_missing_values_are_a_gap_in_the_line() -> None:
    rise = [0.40 + n / 1000 for n in range(60)]
    whole = dark_columns(picture(chart(trend([*rise]))))
    holed = [None if 25 <= n < 35 else v for n, v in enumerate(rise)]
    broken = dark_columns(picture(chart(trend(holed))))
    widest = max(b - a for a, b in itertools.pairwise(broken))
    assert max(b - a for a, b in itertools.pairwise(whole)) == 1
    assert 100 < widest < 170  # 11 of 59 steps of a plot of about 790 pixels


def test_line_rises_with_its_values() -> None:
    image = picture(chart(trend([0.40 + n / 1000 for n in range(60)])))
    pixels = image.load()
    assert pixels is not None

    def height(x: int) -> float:
        rows = [y for y in range(110, HEIGHT * 2 - 80) if pixels[x, y] < 70]
        return sum(rows) / len(rows)

    left, middle, right = height(200), height(500), height(800)
    assert left > middle > right
    assert middle == pytest.approx((left + right) / 2, abs=3)


def test_target_is_dashed_and_not_taken_for_the_values() -> None:
    image = picture(chart(trend([0.412] * 60, [0.447] * 60)))
    pixels = image.load()
    assert pixels is not None
    rows = [[pixels[x, y] < 150 for x in range(200, 700)] for y in range(110, HEIGHT * 2 - 80)]
    runs_of = [sum(a != b for a, b in itertools.pairwise(row)) for row in rows]
    assert max(runs_of) >= 30  # dashes
    assert [all(row) for row in rows].count(True) >= 4  # one unbroken line


def test_day_without_an_entry_breaks_the_line() -> None:
    days = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 5), date(2026, 1, 6)]
    assert [len(run) for run in runs(days, [1.0, 2.0, 3.0, 4.0])] == [2, 2]
    months = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 5, 31)]
    assert [len(run) for run in runs(months, [1.0, 2.0, 3.0, 4.0])] == [3, 1]
    assert [len(run) for run in runs(days[:2], [None, None])] == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.431, 0.475, [0.42, 0.44, 0.46, 0.48]),
        (13_050.0, 14_192.0, [13_000.0, 13_500.0, 14_000.0, 14_500.0]),
        (0.0, 0.0, [0.0, 0.5]),
        (5.0, 5.0, [4.0, 6.0]),
        (-0.3, 0.9, [-0.5, 0.0, 0.5, 1.0]),
    ],
)
def test_axis_has_round_numbers(low: float, high: float, expected: list[float]) -> None:
    found = ticks(low, high)
    assert found == pytest.approx(expected)
    assert found[0] <= low <= high <= found[-1]


def test_axis_encloses_any_values_with_few_numbers() -> None:
    for n in range(1, 400):
        low, span = math.sin(n) * 10 ** (n % 9 - 4), abs(math.cos(n)) * 10 ** (n % 7 - 3)
        found = ticks(low, low + span)
        step = found[1] - found[0]
        assert found[0] <= low + step * 1e-6
        assert found[-1] >= low + span - step * 1e-6
        assert 2 <= len(found) <= 6


@pytest.mark.parametrize(
    ("values", "unit", "texts"),
    [
        ([0.42, 0.44], "ratio", ["42 %", "44 %"]),
        ([0.425, 0.43], "ratio", ["42.5 %", "43.0 %"]),
        ([-0.5, 0.0], "kWh/t", ["−0.5", "0.0"]),
        ([13_000.0, 13_500.0], "kWh/t", ["13,000", "13,500"]),
        ([2 * 0.1, 3 * 0.1], "h", ["0.2", "0.3"]),
    ],
)
def test_axis_numbers_have_the_decimals_of_their_step(
    values: list[float], unit: str, texts: list[str]
) -> None:
    assert EN.ticks(values, unit) == texts


@pytest.mark.parametrize("values", [[], [0.4], [None, 0.4, None]])
def test_less_than_two_values_are_no_chart(values: list[float | None]) -> None:
    assert not is_chart(trend(values))
    assert not is_chart(None)
    assert is_chart(trend([0.4, None, 0.5]))


@pytest.mark.parametrize(
    "shown",
    [
        trend([0.0, 0.0]),
        trend([None, 1e-9, 2e9, None]),
        trend([5.0, None, 5.0], [None, 5.0, None]),
        trend([-3.0, 4.0], [None, None]),
        Trend(days=(DAYS[0], DAYS[0]), values=(1.0, 2.0)),
    ],
)
def test_odd_trends_are_drawn(shown: Trend) -> None:
    assert len(draw_chart(chart(shown, "kWh/t"), EN)) > 2000


def test_font_has_every_character_of_every_chart() -> None:
    spec = importlib.util.spec_from_file_location("maker", REPO / "scripts" / "make_chart_font.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    with TTFont(FONT) as font:
        assert sorted(set(maker.needed()) - set(map(chr, font.getBestCmap()))) == []
    assert len(maker.needed()) > 150
    assert FONT.stat().st_size < 100_000
    licence = (FONT.parent / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", list(rule_definitions()))
def test_title_and_legend_do_not_touch(code: str, language: str) -> None:
    definition, words, say = rule_definitions()[code], wording(code), Speech(language)
    title = say.text(words.indicator) if words.indicator else definition.name.get(language)
    target = say.text(words.target) if words.target else ""
    drawn = Chart(trend([0.4, 0.5], [0.5, 0.6]), definition.unit, title, target)
    image = picture(drawn, language)
    head = image.crop((0, 16, WIDTH * 2, 64))
    pixels = head.load()
    assert pixels is not None
    inked = [x for x in range(head.width) if any(pixels[x, y] < 200 for y in range(head.height))]
    assert inked[0] > 15
    assert inked[-1] < WIDTH * 2 - 15
    widest = max(b - a for a, b in itertools.pairwise(inked))
    assert not target or widest > 40


def test_ink_can_be_read_on_its_paper() -> None:
    image = Image.open(BytesIO(draw_chart(chart(trend([0.4, 0.5], [0.5, 0.6])), EN)))
    colours = image.convert("RGB").getcolors(4096)
    assert colours is not None
    shades = sorted((count, f"#{r:02x}{g:02x}{b:02x}") for count, (r, g, b) in colours)
    paper = shades[-1][1]
    solid = [c for count, c in shades if count > 800 and contrast(c, paper) > 2]
    assert paper == "#ffffff"
    assert len(solid) == 2  # values and target; everything else is smoothing or grid
    assert all(contrast(colour, paper) >= 4.5 for colour in solid)


def test_chart_is_drawn_fast() -> None:
    drawn = chart(Trend.model_validate(samples.course()))
    spent = []
    for _ in range(7):
        began = time.perf_counter()
        draw_chart(drawn, EN)
        spent.append(time.perf_counter() - began)
    assert sorted(spent)[3] < 0.05  # about 0.007 s on an idle machine
