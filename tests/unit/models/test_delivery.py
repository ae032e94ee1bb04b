"""The channels file: all faults at once, no secret in any of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.delivery import load_channels, parse_channels
from models.errors import ConfigError
from tests.unit.alerts.channel_support import (
    SECRET,
    TOKEN,
    channels,
)


def test_all_faults_of_the_file_at_once_and_no_secret() -> None:
    document = {
        "a": {"kind": "webhook", "url": f"ftp://{TOKEN}", "secret": TOKEN},
        "b": {"kind": "chat", "url": TOKEN},
        "c": {"kind": "fax", "url": TOKEN},
        "d": {"kind": "chat", "url": f"x://{TOKEN}", "colour": TOKEN},
        "e": {"kind": "webhook", "url": f"https://u:{TOKEN}@h", "secret": "whsec_" + TOKEN[:8]},
        "f": {"kind": "webhook", "url": "https://h"},
        "Not a name": {"kind": "chat", "url": f"x://{TOKEN}"},
        "g": TOKEN,
    }
    with pytest.raises(ConfigError) as caught:
        parse_channels(document, "channels.yaml")
    places = [fault.split(":")[0] for fault in caught.value.faults]
    assert " ".join(places) == (
        "a.url a.secret b.url c d.colour e.url e.secret f.secret Not a name g"
    )
    assert TOKEN not in str(caught.value)
    assert "openssl rand" in str(caught.value)


@pytest.mark.parametrize("text", [f"a: {{kind: chat, url: '{TOKEN}", f"a: [{TOKEN}", "- 1"])
def test_a_file_that_cannot_be_read_as_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "channels.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"channels\.yaml") as caught:
        load_channels(file)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_missing_file_reserved_name_and_empty_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_channels(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="email: is built in"):
        parse_channels({"email": {"kind": "chat", "url": "x://y"}}, "c")
    (tmp_path / "empty.yaml").write_text("", encoding="utf-8")
    assert load_channels(tmp_path / "empty.yaml") == {}


def test_secrets_are_not_in_the_repr() -> None:
    targets = channels(
        a={"kind": "webhook", "url": f"https://h/{TOKEN}", "secret": SECRET},
        b={"kind": "chat", "url": f"dingtalk://{TOKEN}"},
    ).targets
    assert TOKEN not in repr(targets)
    assert SECRET not in repr(targets)
