"""What passes at the broker, recorded by the program and brought in by it."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from app.embedded import Broker
from storage.db import Conn
from tests.acceptance.conftest import Program
from tests.conftest import REPO
from tests.integration.test_collector import wait_for

PARK = str(REPO / "tests" / "data" / "park.yaml")
TOPIC = "park/testpark/alpha/a-grid"


class Sender:
    """A meter, and a listener that knows when the broker has handed a message on."""

    def __init__(self, broker: Broker) -> None:
        self.heard: list[bytes] = []
        version = mqtt.MQTTv5 if broker.protocol == "5" else mqtt.MQTTv311
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=version)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()

    def send(self, payload: bytes, topic: str = TOPIC, *, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def item(minute: int, value: float) -> bytes:
    at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute)
    return json.dumps({"ts": at.isoformat(), "values": {"import_kwh": value}}).encode()


def listening(program: Program, process: subprocess.Popen[bytes]) -> None:
    def ready() -> bool:
        assert process.poll() is None, (program.folder / "capture.log").read_text()
        return b"listening to" in (program.folder / "capture.log").read_bytes()

    wait_for(ready, "capture is listening", 30)


def lines(path: Path) -> list[dict[str, Any]]:
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    with opened as file:
        return [json.loads(line) for line in file]


def whole_lines(path: Path) -> int:
    """Lines of a packed file that is still being written, in one or more members."""
    data, text = path.read_bytes(), b""
    while data:
        member = zlib.decompressobj(wbits=31)
        text += member.decompress(data)
        data = member.unused_data
    return text.count(b"\n")


def test_captured_messages_become_the_same_readings(
    program: Program, broker: Broker, conn: Conn, tmp_path: Path
) -> None:
    program("apply", PARK)
    sender = Sender(broker)
    sender.send(item(0, 100.0), retain=True)
    out = tmp_path / "traffic.jsonl"
    process = program.start("capture", "--out", str(out), "--topic", "park/#", "--count", "4")
    listening(program, process)
    sender.send(item(15, 101.5))
    sender.send(b"\xff\xfe broken")
    sender.send(b'{"ts": "2026-03-01T00:30:00Z", "values": {"import_kwh": "n/a"}}')
    sender.close()
    assert process.wait(20) == 0
    found = lines(out)
    assert [("retain" in m, "payload_b64" in m) for m in found] == [
        (True, False),
        (False, False),
        (False, True),
        (False, False),
    ]
    assert found[1]["payload"] == item(15, 101.5).decode()
    arrived = [datetime.fromisoformat(m["arrival_ts"]) for m in found]
    assert arrived == sorted(arrived)
    assert "captured 4 messages" in (tmp_path / "capture.log").read_text()

    with out.open("a") as file:
        file.write('{"arrival_ts": "2026-03-01T00:00:00Z", "topic"\n')
    rehearsed = program("import", "messages", str(out), "--dry-run", expect=1)
    assert "5 messages" not in rehearsed
    assert "4 readings: would be 2 stored, 2 quarantined" in rehearsed
    assert conn.execute("SELECT count(*) FROM reading").fetchone() == (0,)

    said = program("import", "messages", str(out), expect=1)
    assert "traffic.jsonl:5: line: got" in said
    assert "4 messages, 4 readings: 2 stored, 2 quarantined" in said
    assert "refused, not_a_number: 1" in said
    rows = conn.execute("SELECT value, received_at FROM reading ORDER BY ts").fetchall()
    assert rows == [(100.0, arrived[0]), (101.5, arrived[1])]
    kept = conn.execute("SELECT payload, first_received_at FROM quarantine ORDER BY 2").fetchall()
    assert [(bytes(p), at) for p, at in kept] == [
        (b"\xff\xfe broken", arrived[2]),
        (b'{"ts": "2026-03-01T00:30:00Z", "values": {"import_kwh": "n/a"}}', arrived[3]),
    ]
    again = program("import", "messages", str(out), expect=1)
    assert "4 readings: 2 duplicate, 2 quarantined" in again


def test_capture_to_a_packed_file_ends_by_signal_and_goes_on(
    program: Program, broker: Broker, tmp_path: Path
) -> None:
    out = tmp_path / "traffic.jsonl.gz"
    sender = Sender(broker)
    for number, more in enumerate(([], ["--append"])):
        process = program.start("capture", "--out", str(out), *more)
        (tmp_path / "capture.log").write_bytes(b"")
        listening(program, process)
        sender.send(item(number, float(number)))
        wanted = number + 1
        wait_for(lambda n=wanted: whole_lines(out) == n, "the line is in the file", 10)  # type: ignore[misc]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert b"captured" in (tmp_path / "capture.log").read_bytes()
    sender.close()
    assert [m["payload"].encode() for m in lines(out)] == [item(0, 0.0), item(1, 1.0)]
    said = program.refuses("capture", "--out", str(out))
    assert "exists already; use --append" in said


def test_capture_to_standard_output_and_a_torn_line(
    program: Program, broker: Broker, tmp_path: Path
) -> None:
    said = program("capture", "--seconds", "0.1", "--topic", "nothing/here")
    assert said == ""
    torn = tmp_path / "torn.jsonl"
    torn.write_text('{"arrival_ts": "2026-03')  # a capture that was killed
    sender = Sender(broker)
    process = program.start("capture", "--out", str(torn), "--append", "--count", "1")
    listening(program, process)
    sender.send(item(0, 1.0))
    sender.close()
    assert process.wait(20) == 0
    assert torn.read_text().splitlines()[0] == '{"arrival_ts": "2026-03'
    assert json.loads(torn.read_text().splitlines()[1])["payload"] == item(0, 1.0).decode()


def test_a_reader_that_has_enough_ends_the_capture(program: Program, broker: Broker) -> None:
    sender = Sender(broker)
    sender.send(item(0, 1.0), retain=True)  # is there when the capture is
    process = subprocess.Popen(
        program.command("capture"),
        env=program.environment,
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["retain"] is True
    process.stdout.close()  # as head does
    sender.send(item(15, 2.0))
    sender.close()
    assert process.wait(20) == 0
    said = process.stderr.read()
    process.stderr.close()
    assert "captured 1 messages" in said  # the second one could not be written
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--topic", "a/#/b"], "--topic 'a/#/b' is not a topic filter"),
        (["--out", "/nowhere/x.jsonl"], "cannot be written: No such file or directory"),
    ],
)
def test_capture_says_what_is_wrong(program: Program, arguments: list[str], message: str) -> None:
    said = program.refuses("capture", *arguments)
    assert message in said


def test_all_recordings_must_be_there_before_anything_is_stored(
    program: Program, conn: Conn, tmp_path: Path
) -> None:
    here = tmp_path / "a.jsonl"
    here.write_text("")
    said = program.refuses("import", "messages", str(here), str(tmp_path / "b.jsonl"), "c.jsonl")
    assert "2 fault(s)" in said
    assert "c.jsonl: no such file" in said


def test_capture_without_a_broker(program: Program, broker: Broker) -> None:
    broker.stop()
    said = program.refuses("capture")
    assert "cannot be reached" in said
