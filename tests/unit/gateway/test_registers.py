"""Registers to values, and which requests read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.registers import FOLDER, Register, Template, decode, load_template
from models.errors import ConfigError

HERE = Path()


def register(kind: str, **more: object) -> Register:
    return Register.model_validate(
        {"address": 0, "type": kind, "unit": "kWh", "quantity": "active_energy", **more}
    )


@pytest.mark.parametrize(
    ("kind", "words", "scale", "value"),
    [
        pytest.param("uint16", [2304], 0.1, 230.4, id="uint16"),
        pytest.param("uint16", [3], 0.1, 0.3, id="not-0.30000000000000004"),
        pytest.param("uint16", [0xFFFF], 1, 65535, id="uint16-has-no-sign"),
        pytest.param("int16", [0xFFFE], 1, -2, id="int16"),
        pytest.param("uint32", [0x0001, 0x0002], 1, 65538, id="uint32"),
        pytest.param("int32", [0xFFFF, 0xFF38], 1, -200, id="int32"),
        # 0x00BC614E = 12345678
        pytest.param("int32", [0x00BC, 0x614E], 0.01, 123456.78, id="scaled-exactly"),
        pytest.param("uint64", [0, 0, 0x0001, 0], 0.001, 65.536, id="uint64"),
        # 0x43661999 is the float32 next to 230.1; its double is 230.10000610...
        pytest.param("float32", [0x4366, 0x199A], 1, 230.1, id="float32-shortest"),
        pytest.param("float32", [0xC2ED, 0x4000], 0.1, -11.8625, id="float32-scaled"),  # -118.625
        pytest.param("float64", [0x4059, 0, 0, 0], 1, 100.0, id="float64"),
    ],
)
def test_value(kind: str, words: list[int], scale: float, value: float) -> None:
    assert register(kind, scale=scale).value(words, "big") == value
    assert register(kind, scale=scale).value(words[::-1], "little") == value


def test_no_value_is_absent_never_zero() -> None:
    nan, inf = [0x7FC0, 0], [0x7F80, 0]
    assert register("float32").value(nan, "big") is None
    assert register("float32").value(inf, "big") is None
    assert register("float64", scale=10).value([0x7FEF, 0xFFFF, 0, 0], "big") is None
    assert register("uint16", absent=[0xFFFF]).value([0xFFFF], "big") is None
    template = Template.model_validate(
        {"device": "x", "source": "x", "registers": {"a": register("float32").model_dump()}}
    )
    assert decode(template.blocks(["a"])[0], nan, "big") == {}


def template(addresses: dict[str, int], **more: object) -> Template:
    registers = {
        n: {"address": a, "type": "int32", "unit": "W", "quantity": "active_power"}
        for n, a in addresses.items()
    }
    return Template.model_validate({"device": "x", "source": "x", "registers": registers, **more})


def spans(made: Template, *names: str) -> list[tuple[int, int, int]]:
    return [(b.function, b.address, b.length) for b in made.blocks(names)]


def test_near_registers_are_read_together() -> None:
    made = template({"c": 30, "a": 0, "b": 2, "far": 200})
    assert spans(made, "a", "b", "c", "far") == [(3, 0, 4), (3, 30, 2), (3, 200, 2)]
    assert spans(made, "b") == [(3, 2, 2)]  # only what is wanted
    assert spans(template({"a": 0, "b": 18}), "a", "b") == [(3, 0, 20)]  # a gap of 16
    assert spans(template({"a": 0, "b": 19}), "a", "b") == [(3, 0, 2), (3, 19, 2)]
    assert spans(template({"a": 0, "b": 3}, max_gap=0), "a", "b") == [(3, 0, 2), (3, 3, 2)]


def test_a_request_has_120_registers_at_most() -> None:
    made = template({f"r{n}": 2 * n for n in range(100)})
    assert spans(made, *made.registers) == [(3, 0, 120), (3, 120, 80)]
    small = template({f"r{n}": 2 * n for n in range(4)}, max_registers=6)
    assert spans(small, *small.registers) == [(3, 0, 6), (3, 6, 2)]


def test_function_codes_are_not_mixed() -> None:
    made = template({"a": 0, "b": 2})
    both = made.model_copy(
        update={
            "registers": {
                "a": made.registers["a"],
                "b": made.registers["b"].model_copy(update={"function": 4}),
            }
        }
    )
    assert spans(both, "a", "b") == [(3, 0, 2), (4, 2, 2)]


def test_shipped_templates_name_their_source() -> None:
    names = sorted(p.stem for p in FOLDER.glob("*.yaml"))
    assert {"acrel-adw300", "eastron-sdm630", "chint-dtsu666"} <= set(names)
    for name in names:
        assert len(load_template(name, HERE).source) > 30, name


def test_a_missing_or_wrong_template_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="shipped are: acrel-adw300"):
        load_template("acrel", HERE)
    (tmp_path / "own.yaml").write_text(
        "device: x\nsource: x\nregisters:\n  a: {address: 1, type: int8, unit: W, quantity: heat}\n"
        "  b: {address: 1, type: int16, unit: L, quantity: heat}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_template("own.yaml", tmp_path)
    assert "registers.a.type" in str(caught.value)
    assert "'L' does not measure 'heat'" in str(caught.value)
