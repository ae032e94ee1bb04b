"""The small chart of an alert: its newest values as a line, its target dashed, as PNG.

Drawn in one ink, so that nothing depends on telling colours apart; a dark page shows it as a light
card. The same trend gives the same bytes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path
from statistics import median

from PIL import Image, ImageChops, ImageDraw, ImageFont

from alerts.context import Trend
from alerts.language import Speech

FONT = Path(__file__).parent / "fonts" / "greenpark-charts.otf"
WIDTH, HEIGHT = 544, 236
"""Size on the page [CSS px]."""
_SCALE = 2
_W, _H = WIDTH * _SCALE, HEIGHT * _SCALE
_TOP, _BOTTOM, _EDGE = 98, _H - 72, 24
_PAPER, _GRID, _SOFT, _INK = 255, 218, 82, 0  # shades between paper and ink
_INK_RGB, _PAPER_RGB = (14, 47, 77), (255, 255, 255)
_SMALL, _LARGE = 30, 36
_DASH, _GAP = 20, 14
_TICKS = 4

Point = tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """What a chart shows, with its texts in the reader's language.

    Attributes:
        title: what the values are. target_label: what the dashed line is.
    """

    trend: Trend
    unit: str
    title: str
    target_label: str


def draw_chart(chart: Chart, say: Speech) -> bytes:
    """The chart as PNG with two pixels per CSS pixel; it has two known values or more."""
    return _Drawing(chart, say).png()


def is_chart(trend: Trend | None) -> bool:
    """Whether there is a line to draw."""
    return trend is not None and len(_known(trend.values)) >= 2


def runs(
    days: Sequence[date], values: Sequence[float | None]
) -> Iterator[list[tuple[date, float]]]:
    """Unbroken stretches: a missing value and a day without an entry break the line."""
    between = [(b - a).days for a, b in itertools.pairwise(days)]
    usual = median(between) if between else 0
    run: list[tuple[date, float]] = []
    for day, value in zip(days, values, strict=True):
        if run and (day - run[-1][0]).days > 1.5 * usual:
            yield run
            run = []
        if value is not None:
            run.append((day, value))
    if run:
        yield run


def ticks(low: float, high: float) -> list[float]:
    """Round numbers that enclose the values, at most five."""
    span = (high - low) or abs(high) or 1.0
    rough = span / (_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


class _Drawing:
    def __init__(self, chart: Chart, say: Speech) -> None:
        self._chart, self._say = chart, say
        trend = chart.trend
        self._image = _paper().copy()
        self._draw = ImageDraw.Draw(self._image)
        amounts = _known(trend.values) + _known(trend.targets)
        self._ticks = ticks(min(amounts), max(amounts))
        self._days = trend.days[0].toordinal(), trend.days[-1].toordinal()
        self._target = next((t for t in reversed(trend.targets) if t is not None), None)
        self._last = next(
            (d, v)
            for d, v in zip(trend.days[::-1], trend.values[::-1], strict=True)
            if v is not None
        )
        self._tick_texts = say.ticks(self._ticks, chart.unit)
        self._end_texts = [(say.amount(self._last[1], chart.unit, self._target), _LARGE, _INK)]
        if self._target is not None:
            text = say.amount(self._target, chart.unit, self._last[1])
            self._end_texts.append((text, _SMALL, _SOFT))
        self._left = _EDGE + 14 + max(_width(t, _SMALL) for t in self._tick_texts)
        self._right = _W - _EDGE - 22 - max(_width(t, size) for t, size, _ in self._end_texts)

    def png(self) -> bytes:
        self._grid()
        self._head()
        self._lines()
        self._ends()
        out = BytesIO()
        picture = self._image
        picture.putpalette(_ramp())
        picture.save(out, "PNG", compress_level=3)
        return out.getvalue()

    def _x(self, day: date) -> float:
        first, last = self._days
        part = (day.toordinal() - first) / ((last - first) or 1)
        return self._left + 12 + part * (self._right - self._left - 24)

    def _y(self, value: float) -> float:
        low, high = self._ticks[0], self._ticks[-1]
        return _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)

    def _grid(self) -> None:
        for value, text in zip(self._ticks, self._tick_texts, strict=True):
            y = round(self._y(value))
            self._draw.line([(self._left, y), (self._right, y)], _GRID, 2)
            self._write((self._left - 14, y), text, _SMALL, _SOFT, "rm")
        first, last = self._chart.trend.days[0], self._chart.trend.days[-1]
        y = _H - 36
        self._write((self._left, y), self._say.day(first), _SMALL, _SOFT, "lm")
        self._write((self._right, y), self._say.day(last), _SMALL, _SOFT, "rm")

    def _head(self) -> None:
        """Title with its unit, and the legend of the dashed line."""
        chart = self._chart
        unit = "" if chart.unit in ("", "ratio") else f" [{chart.unit.replace('m3', 'm³')}]"
        self._write((_EDGE, 38), chart.title + unit, 32, _INK, "lm")
        if self._target is not None and chart.target_label:
            x = _W - _EDGE - _width(chart.target_label, _SMALL)
            self._write((x, 38), chart.target_label, _SMALL, _SOFT, "lm")
            self._dashes([(x - 76, 38), (x - 14, 38)], self._draw, 4)

    def _lines(self) -> None:
        """Both lines at twice the size, then reduced: Pillow does not smooth lines itself."""
        trend = self._chart.trend
        layer = Image.new("L", (_W * 2, (_BOTTOM - _TOP + 40) * 2), _PAPER)
        draw = ImageDraw.Draw(layer)

        def at(day: date, value: float) -> Point:
            return self._x(day) * 2, (self._y(value) - _TOP + 20) * 2

        for run in runs(trend.days, trend.targets) if trend.targets else ():
            self._dashes([at(*p) for p in run], draw, 8, 2)
        for run in runs(trend.days, trend.values):
            points = [at(*p) for p in run]
            draw.line(points, _INK, 13, joint="curve")
            for x, y in (points[0], points[-1]):
                draw.circle((x, y), 6, _INK)
        draw.circle(at(*self._last), 16, _INK)
        lines = layer.reduce(2)
        box = (0, _TOP - 20, _W, _TOP - 20 + lines.height)
        self._image.paste(ImageChops.darker(self._image.crop(box), lines), box)

    def _dashes(
        self, points: Sequence[Point], draw: ImageDraw.ImageDraw, width: int, scale: int = 1
    ) -> None:
        """A dashed line whose rhythm goes on around corners."""
        period, done = (_DASH + _GAP) * scale, 0.0
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            length = math.hypot(x2 - x1, y2 - y1)
            start = -(done % period)
            while length and start < length:
                a, b = max(start, 0.0) / length, min(start + _DASH * scale, length) / length
                if b > a:
                    ends = [(x1 + (x2 - x1) * p, y1 + (y2 - y1) * p) for p in (a, b)]
                    draw.line(ends, _SOFT, width)
                start += period
            done += length

    def _ends(self) -> None:
        """The last value and the target in figures, at their heights but not on each other."""
        heights = [self._y(self._last[1])]
        if self._target is not None:
            heights.append(self._y(self._target))
            apart = 40 - abs(heights[0] - heights[1])
            if apart > 0:
                up = 1 if heights[0] <= heights[1] else -1
                heights = [heights[0] - up * apart / 2, heights[1] + up * apart / 2]
        for y, (text, size, shade) in zip(heights, self._end_texts, strict=True):
            self._write((self._right + 14, y), text, size, shade, "lm")

    def _write(self, at: Point, text: str, size: int, shade: int, anchor: str) -> None:
        self._draw.text(at, text, shade, _font(size), anchor)


def _known(values: Sequence[float | None]) -> list[float]:
    return [v for v in values if v is not None]


def _width(text: str, size: int) -> float:
    return _font(size).getlength(text)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _paper() -> Image.Image:
    return Image.new("L", (_W, _H), _PAPER)


@cache
def _ramp() -> bytes:
    """Colours of the shades from ink (0) to paper (255)."""
    return bytes(
        round(ink + (paper - ink) * shade / 255)
        for shade in range(256)
        for ink, paper in zip(_INK_RGB, _PAPER_RGB, strict=True)
    )
