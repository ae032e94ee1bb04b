"""Texts, numbers and times in the reader's language."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from gettext import NullTranslations
from importlib.resources import files
from io import BytesIO
from types import MappingProxyType
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations

CATALOGUES: Mapping[str, str] = MappingProxyType({"zh-CN": "zh_CN"})
_LOCALES: Mapping[str, str] = MappingProxyType({"zh-CN": "zh_CN", "en": "en_GB"})
_MISSING = "–"


def N_(msgid: str) -> str:
    """Mark a text for translation; it is translated where it is used."""
    return msgid


@cache
def translations(language: str) -> NullTranslations:
    """The texts of a language, read from its .po file; English is the source itself."""
    if language not in CATALOGUES:
        return NullTranslations()
    po = (
        files("alerts")
        .joinpath("locale", CATALOGUES[language], "LC_MESSAGES", "greenpark.po")
        .read_bytes()
    )
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(po)))
    compiled.seek(0)
    return Translations(compiled)


@dataclass(frozen=True)
class Speech:
    """How to say things in one language; an unknown language is English."""

    language: str

    @property
    def locale(self) -> Locale:
        """Locale of numbers and dates."""
        return _locale(_LOCALES.get(self.language, _LOCALES["en"]))

    def text(self, msgid: str, **values: str) -> str:
        """The translation of `msgid` with its placeholders filled."""
        found = translations(self.language).gettext(msgid)
        return found % values if values else found

    def percent(self, ratio: float | None) -> str:
        """A ratio as percent with one decimal."""
        if ratio is None:
            return _MISSING
        return f"{format_decimal(_decimal(ratio) * 100, '#,##0.0', locale=self.locale)} %"

    def amount(self, value: float | None, unit: str, beside: float | None = None) -> str:
        """A value with its unit, four significant digits; `beside` gets as many decimals."""
        if unit == "ratio":
            return self.percent(value)
        if value is None:
            return _MISSING
        largest = max(abs(value), abs(beside or 0.0))
        decimals = min(3, max(0, 3 - math.floor(math.log10(largest)))) if largest else 0
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        number = format_decimal(_decimal(value), pattern, locale=self.locale)
        return f"{number} {unit.replace('m3', 'm³')}"

    def ticks(self, values: Sequence[float], unit: str) -> list[str]:
        """Numbers of an axis with as many decimals as its step needs; ratios as percent."""
        scale = 100 if unit == "ratio" else 1
        step = _decimal(float(f"{(values[1] - values[0]) * scale:.6g}"))
        decimals = max(0, -int(step.normalize().as_tuple().exponent))
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        texts = [format_decimal(_decimal(v) * scale, pattern, locale=self.locale) for v in values]
        return [f"{_minus(text)} %" if unit == "ratio" else _minus(text) for text in texts]

    def gap(self, value: float | None, target: float | None, unit: str) -> str:
        """How far the value is from its target: percentage points, or relative to the target."""
        if value is None or not target:
            return _MISSING
        if unit == "ratio":
            points = format_decimal(
                (_decimal(value) - _decimal(target)) * 100, "+0.0;-0.0", locale=self.locale
            )
            return self.text(N_("%(points)s percentage points"), points=_minus(points))
        relative = format_decimal(
            (_decimal(value) / _decimal(target) - 1) * 100, "+0.0;-0.0", locale=self.locale
        )
        return f"{_minus(relative)} %"

    def day(self, day: date) -> str:
        """A calendar day."""
        return format_date(day, "long", locale=self.locale)

    def instant(self, instant: datetime, zone: ZoneInfo) -> str:
        """An instant on the park's wall clock, with the offset from UTC."""
        local = instant.astimezone(zone)
        return self.text(
            N_("%(day)s, %(time)s (UTC%(offset)s)"),
            day=self.day(local.date()),
            time=format_datetime(local, "HH:mm", locale=self.locale),
            offset=format_datetime(local, "xxx", locale=self.locale),
        )


@cache
def _locale(name: str) -> Locale:
    """Parsed once: babel looks for its file at every use of a name."""
    return Locale.parse(name)


def _decimal(value: float) -> Decimal:
    """The number as people write it, so that 0.43125 is not rounded from 0.43124999."""
    return Decimal(str(value))


def _minus(number: str) -> str:
    return number.replace("-", "−")
