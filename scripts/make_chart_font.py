"""Make the font of the charts in e-mails: a small part of Noto Sans CJK SC.

usage: python scripts/make_chart_font.py NotoSansCJK-Regular.ttc

The font is that of Debian's package `fonts-noto-cjk` (SIL Open Font License 1.1, see
alerts/fonts/OFL.txt). Run it again after a rule was added or renamed;
`tests/unit/alerts/test_chart.py` tells when it is needed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection

REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO))

from alerts.chart import FONT  # noqa: E402
from alerts.language import CATALOGUES, Speech  # noqa: E402
from alerts.wording import wording  # noqa: E402
from models.rules import rule_definitions  # noqa: E402

_ALWAYS = "".join(map(chr, range(0x20, 0x7F))) + "–−·…°²³年月日（）、，："
_NAMES = {1: "Greenpark Charts", 3: "Greenpark Charts", 4: "Greenpark Charts", 6: "GreenparkCharts"}


def needed() -> str:
    """Every character that a chart can show."""
    texts = [_ALWAYS]
    for code, definition in rule_definitions().items():
        words = wording(code)
        for language in ("en", *CATALOGUES):
            say = Speech(language)
            texts += [definition.name.get(language), definition.unit]
            texts += [say.text(t) for t in (words.indicator, words.target) if t]
    return "".join(sorted(set("".join(texts))))


def main() -> None:
    """Cut the font down and give it a name of its own."""
    fonts = TTCollection(sys.argv[1]).fonts
    font = next(f for f in fonts if f["name"].getDebugName(4) == "Noto Sans CJK SC")
    options = Options(hinting=False, layout_features=[], name_IDs=[0, 1, 2, 3, 4, 6, 13, 14])
    options.recalc_timestamp = False
    subsetter = Subsetter(options)
    subsetter.populate(text=needed())
    subsetter.subset(font)
    for record in font["name"].names:
        if record.nameID in _NAMES:
            record.string = _NAMES[record.nameID]
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(FONT)
    print(
        f"{FONT.relative_to(REPO)}: {FONT.stat().st_size} bytes, {len(font.getBestCmap())} glyphs"
    )


if __name__ == "__main__":
    main()
