"""Lines of a recording: byte by byte what was sent, and every fault has its line number."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.files.recording import Recording, read_line, read_recording, recorded
from models.errors import ConfigError, PayloadError

AT = datetime(2026, 3, 1, 0, 15, 0, 123_456, tzinfo=UTC)
BEIJING = timezone(timedelta(hours=8))


def test_the_line_of_the_public_contract() -> None:
    line = recorded(AT.astimezone(BEIJING), "park/p/e/m", '{"v": "表"}'.encode())
    assert line == (
        '{"arrival_ts": "2026-03-01T00:15:00.123456Z", "topic": "park/p/e/m", '
        '"payload": "{\\"v\\": \\"表\\"}"}'
    )
    assert json.loads(recorded(AT, "t", b"\xff\x00", retain=True)) == {
        "arrival_ts": "2026-03-01T00:15:00.123456Z",
        "topic": "t",
        "payload_b64": "/wA=",
        "retain": True,
    }


@given(st.binary() | st.text().map(str.encode), st.text(min_size=1), st.booleans())
def test_what_is_recorded_comes_back_exactly(payload: bytes, topic: str, retain: bool) -> None:
    line = recorded(AT, topic, payload, retain=retain)
    assert "\n" not in line
    message = read_line(line.encode())
    assert (message.topic, message.payload, message.received_at) == (topic, payload, AT)
    assert message.fresh is not retain
    assert message.mid == 0  # nothing to acknowledge


def test_more_keys_are_welcome() -> None:
    message = read_line(
        b'{"arrival_ts": "2026-03-01T08:15:00+08:00", "topic": "t", "payload": "x", "qos": 1}'
    )
    assert message.received_at == datetime(2026, 3, 1, 0, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"arrival_ts": "2026-03-01T00:15:00Z", "topic": "t", "payl', "json"),
        ('{"arrival_ts": "2026-03-01T00:15:00Z", "payload": "x"}', "json"),
        ('{"arrival_ts": "2026-03-01T00:15:00", "topic": "t", "payload": "x"}', "no_zone"),
        ('{"arrival_ts": "yesterday", "topic": "t", "payload": "x"}', "time_format"),
        ('{"arrival_ts": "2026-03-01T00:15:00Z", "topic": "t"}', "schema"),
        (
            '{"arrival_ts": "2026-03-01T00:15:00Z", "topic": "t", "payload": "", '
            '"payload_b64": ""}',
            "schema",
        ),
        ('{"arrival_ts": "2026-03-01T00:15:00Z", "topic": "t", "payload_b64": "?"}', "schema"),
        ('"\\ud800"', "json"),
    ],
)
def test_bad_lines(line: str, code: str) -> None:
    with pytest.raises(PayloadError) as caught:
        read_line(line.encode())
    assert caught.value.code == code


def test_bad_lines_are_told_by_number_and_the_rest_goes_on() -> None:
    good = recorded(AT, "t", b"1").encode()
    bad: list[tuple[int, str]] = []
    lines = [good, b"\n", b"no\n", good, b"\xff\xfe\n", good]
    found = list(read_recording(lines, lambda n, fault: bad.append((n, fault.code))))
    assert [m.payload for m in found] == [b"1"] * 3
    assert bad == [(3, "json"), (5, "json")]


def read(path: Path) -> tuple[list[bytes], list[int]]:
    recording, bad = Recording(path), list[int]()
    found = [m.payload for m in read_recording(recording.lines, lambda n, _: bad.append(n))]
    assert recording.size == recording.position == path.stat().st_size
    recording.close()
    return found, bad


def test_packed_files_and_those_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    lines = [recorded(AT, "t", f"{n * n} {n**9}".encode()) for n in range(3000)]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    assert read(path) == ([f"{n * n} {n**9}".encode() for n in range(3000)], [])
    path.write_bytes(path.read_bytes()[:-2000])  # the machine lost power
    found, bad = read(path)
    assert 100 < len(found) < 3000
    assert bad == [len(found) + 1]


def test_a_file_that_is_not_packed(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_text(recorded(AT, "t", b"1"))
    recording, bad = Recording(path), list[int]()
    assert list(read_recording(recording.lines, lambda n, _: bad.append(n))) == []
    assert bad == [1]
    recording.close()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.jsonl: 1 fault.*\n.*cannot be read: No such file"):
        Recording(tmp_path / "no.jsonl")
