"""Mapping files: every fault named, the shipped examples valid."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.errors import ConfigError
from models.park import load_park
from simulators.mapping import load_mapping

EXAMPLES = Path(__file__).parents[3] / "examples"
GOOD: dict[str, Any] = {
    "park": "p",
    "source": "ours",
    "timezone": "Asia/Seoul",
    "step_s": 900,
    "stamp": "end",
    "files": [
        {
            "name": "a.csv",
            "time_column": "t",
            "time_format": "%Y",
            "columns": {"x": {"header": "X"}},
        }
    ],
    "channels": [{"enterprise": "e", "meter": "m", "channel": "c", "plus": ["x"]}],
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "replay.yaml"
    path.write_text(yaml.safe_dump(GOOD | changes), encoding="utf-8")
    return path


def test_defaults(tmp_path: Path) -> None:
    mapping = load_mapping(written(tmp_path))
    assert (mapping.midnight, mapping.first_of_duplicates) == ("next_date", False)
    assert mapping.channels[0].start == Decimal(0)
    assert str(mapping.zone) == "Asia/Seoul"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone: .*unknown time zone 'Mars/Olympus'"),
        ({"step_s": 0}, "step_s: .*greater than 0"),
        ({"stamp": "middle"}, "stamp: "),
        ({"source": ""}, "source: "),  # no data set without its origin and licence
        ({"colour": "red"}, "colour: Extra inputs"),
        ({"channels": []}, "channels: "),
        (
            {"channels": [{"enterprise": "e", "meter": "m", "channel": "c", "plus": ["y"]}]},
            "column 'y' is in no file; known: x",
        ),
        (
            {"trades": [{"enterprise": "e", "contract": "k", "column": "z"}]},
            "column 'z' is in no file",
        ),
    ],
)
def test_faults(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_mapping(written(tmp_path, **changes))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_mapping(tmp_path / "replay.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("park: [")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        load_mapping(broken)


@pytest.mark.parametrize("name", ["steel", "uiuc"])
def test_example_fits_its_park(name: str) -> None:
    mapping = load_mapping(EXAMPLES / name / "replay.yaml")
    park = load_park(EXAMPLES / name / "park.yaml")
    assert mapping.park == park.key
    channels = {
        (e.key, m.key, c): channel
        for e in park.enterprises
        for m in e.meters
        for c, channel in m.channels.items()
    }
    for made in mapping.channels:
        channel = channels[made.enterprise, made.meter, made.channel]
        assert channel.kind == "register"
        assert channel.multiplier == 1  # the registers of a replay show energy, not pulses
        assert channel.period_s == mapping.step_s
