"""DL/T 645-2007 frames, worked by hand."""

from __future__ import annotations

import pytest

from gateway.dlt645 import NAMES, decode_frame
from models.errors import PayloadError

# Forward active energy 123456.78 kWh of meter 000012345678. Data identifier 00010000 and the
# digits 12 34 56 78 go low byte first, each plus 33H: 33 33 34 33, AB 89 67 45. The bytes from 68
# to 45 add up to 52AH, so CS is 2A.
ENERGY = "68 78 56 34 12 00 00 68 91 08 33 33 34 33 AB 89 67 45 2A 16"
# Power -12.3456 kW, identifier 02030000: 12 becomes 92 (sign), 56 34 92 plus 33H is 89 67 C5;
# the sum is 502H.
POWER = "68 78 56 34 12 00 00 68 91 07 33 33 36 35 89 67 C5 02 16"


def frame(data: bytes, control: int = 0x91) -> str:
    body = bytes.fromhex("68785634120000 68") + bytes([control, len(data)])
    body += bytes((b + 0x33) & 0xFF for b in data)
    return (body + bytes([sum(body) & 0xFF, 0x16])).hex()


@pytest.mark.parametrize(
    ("text", "address", "values"),
    [
        pytest.param(ENERGY, "000012345678", {"forward_active_energy": 123456.78}, id="energy"),
        pytest.param(POWER, "000012345678", {"active_power": -12.3456}, id="negative-power"),
        pytest.param(
            "FE FE FE FE " + ENERGY.replace(" ", "").lower(),
            "000012345678",
            {"forward_active_energy": 123456.78},
            id="wake-up-bytes",
        ),
        # published example of a single-phase meter: 231.4 V on phase A
        pytest.param(
            "68 60 64 02 09 22 04 68 91 0a 33 32 34 35 47 56 33 33 33 33 97 16",
            "042209026460",
            {"voltage_a": 231.4, "voltage_b": 0.0, "voltage_c": 0.0},
            id="voltage-block",
        ),
        # published example: combined active energy 317.76 kWh
        pytest.param(
            "fefefefe68292507072120689108 33333333 a94a3633 2e16",
            "202107072529",
            {"combined_active_energy": 317.76},
            id="combined-energy",
        ),
    ],
)
def test_frame(text: str, address: str, values: dict[str, float]) -> None:
    answer = decode_frame(text)
    assert answer is not None
    assert (answer.address, answer.values) == (address, values)


def test_block_of_energies_names_the_tariffs() -> None:
    # identifier 0001FF00; total 100.00, sharp 10.00, peak 20.00, flat 30.00, valley 40.00
    data = bytes.fromhex("00ff0100 00000100 00100000 00200000 00300000 00400000")
    answer = decode_frame(frame(data))
    assert answer is not None
    assert answer.values == {
        "forward_active_energy": 100.0,
        "forward_active_energy_t1": 10.0,
        "forward_active_energy_t2": 20.0,
        "forward_active_energy_t3": 30.0,
        "forward_active_energy_t4": 40.0,
    }


def test_a_value_the_meter_does_not_have_is_absent() -> None:
    data = bytes.fromhex("00ff0102 1423 ffff ffff")  # 0201FF00, phase A only
    answer = decode_frame(frame(data))
    assert answer is not None
    assert answer.values == {"voltage_a": 231.4}
    alone = decode_frame(frame(bytes.fromhex("00010102 ffff")))  # 02010100
    assert alone is not None
    assert alone.values == {}


def test_a_question_is_no_reading() -> None:
    assert decode_frame(frame(bytes.fromhex("00000100"), control=0x11)) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(ENERGY.replace("AB", "AC"), "checksum", id="flipped-bit"),
        pytest.param(ENERGY[:-3], "frame", id="cut"),
        pytest.param(ENERGY + " 00", "frame", id="too-long"),
        pytest.param("68", "frame", id="short"),
        pytest.param("", "frame", id="empty"),
        pytest.param("68 7", "frame", id="half-byte"),
        pytest.param("hello", "frame", id="text"),
        pytest.param(frame(b"\x02", control=0xD1), "meter_error", id="meter-says-no"),
        pytest.param(frame(b"", control=0x94), "frame", id="answer-to-writing"),
        pytest.param(frame(bytes.fromhex("0005040012")), "data_id", id="unknown-identifier"),
        pytest.param(frame(bytes.fromhex("000001007a563412")), "bcd", id="not-decimal"),
        pytest.param(frame(bytes.fromhex("00000100785634120000")), "frame", id="bytes-behind"),
        pytest.param(frame(bytes.fromhex("000001007856")), "frame", id="value-cut"),
    ],
)
def test_bad_frames(text: str, code: str) -> None:
    with pytest.raises(PayloadError) as caught:
        decode_frame(text)
    assert caught.value.code == code


def test_names_are_unique() -> None:
    assert len(NAMES) == 5 * 5 + 6 * 4 - 2 + 1
