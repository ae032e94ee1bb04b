"""Messages of devices that are described by a template, see `collectors/templates/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from collectors.formats.base import Decoded, Incoming, Options, RawValue
from collectors.formats.loose import check_items, check_values, is_state, number, parse
from collectors.formats.paths import Names, Path, fill, names_in
from collectors.formats.template_model import Rule, Template, Value, Word
from collectors.formats.template_model import load_templates as load_templates
from collectors.formats.template_time import time_us
from models.errors import PayloadError

_UNIT_LENGTH = 40


def decode(template: Template, message: Incoming, options: Options) -> Decoded:
    """Decode a message of a device type.

    Raises:
        PayloadError: nothing of the message can be used.
    """
    found = _rules(template, message.topic)
    if found is None:
        raise PayloadError(
            "template", "topic", message.topic, f"an end of a topic of template {template.name}"
        )
    names, rules = found
    reader = _Reader(template, message, options, Decoded())
    if rules:
        root = parse(message.payload, options.encoding or template.encoding)
        known = [reader.read(rule, names, root) for rule in rules]
        if not any(known):
            raise PayloadError(
                "template", "payload", message.payload[:80], f"values of template {template.name}"
            )
    return reader.out


def _rules(template: Template, topic: str) -> tuple[Names, tuple[Rule, ...]] | None:
    for pattern, rules in template.patterns:
        names = pattern.match(topic)
        if names is not None:
            return names, rules
    return None


@dataclass(slots=True)
class _Reader:
    """One message on its way through the rules of its topic."""

    template: Template
    message: Incoming
    options: Options
    out: Decoded
    items: int = 0

    def read(self, rule: Rule, names: Names, root: Any) -> bool:
        """Add what a rule finds; False when the message is of no known shape."""
        known = rule.optional
        for given, row in _rows(rule, root):
            self.items += 1
            check_items(self.items)
            try:
                known |= self._read_row(rule, {**names, **given}, root, row)
            except PayloadError as exc:
                known = True
                self.out.problems.append(exc)
            check_values(len(self.out.values) + len(self.out.problems))
        return known

    def _read_row(self, rule: Rule, names: Names, root: Any, row: Any) -> bool:
        if not _holds(rule.only, root, row):
            return True
        names |= _named(rule, root, row)
        there = list(_found(rule, names, root, row))
        found = [one for one in there if not self._is_none(one[2])]
        if not found:
            return bool(there) or rule.key is not None
        bad = _first_bad(rule.good, root, row)
        if bad is not None:
            raise bad
        unit = _unit(rule, root, row)
        ts_us = time_us(rule.time or self.template.time, root, row, self.message, self.options)
        device = fill(rule.device, names)
        for value, channel, got in found:
            try:
                self._add(device, channel, ts_us, got, value, unit)
            except PayloadError as exc:
                self.out.problems.append(exc)
        return True

    def _is_none(self, got: Any) -> bool:
        return type(got) in (str, type(None)) and got in self.template.no_value

    def _add(
        self, device: str, channel: str, ts_us: int, got: Any, value: Value, unit: str | None
    ) -> None:
        if value.quantity is None and is_state(got):
            return  # a property that the template does not know: switches and words, too
        measured = number(got, channel, as_text=self.template.numbers_as_text)
        if value.factor != 1:
            measured = number(measured * value.factor, channel)
        self.out.values.append(RawValue(device, channel, ts_us, measured, unit=unit or value.unit))


def _rows(rule: Rule, root: Any) -> Iterator[tuple[Names, Any]]:
    """Rows of a payload; a list of payloads is as good as one."""
    if not rule.rows.steps and isinstance(root, list):
        return iter([({}, row) for row in root])
    return rule.rows.walk(root, root)


def _named(rule: Rule, root: Any, row: Any) -> Names:
    names: Names = {}
    for name, where in rule.names.items():
        found = where.find(root, row)
        if not found or type(found[0]) not in (str, int) or found[0] == "":
            code = "no_meter" if name in names_in(rule.device) else "schema"
            got = found[0] if found else None
            raise PayloadError(code, where.text, got, f"the {name} of the row")
        names[name] = str(found[0])
    return names


def _found(rule: Rule, names: Names, root: Any, row: Any) -> Iterator[tuple[Value, str, Any]]:
    """Values of a row with their channels. A list or object is no value of a rule without key."""
    if rule.key is None:
        for value in rule.values:
            for given, got in value.path.walk(root, row):
                if not isinstance(got, list | dict):
                    yield value, fill(value.channel, {**names, **given}), got
        return
    key = fill(rule.key, names)
    keyed = rule.keys.get(key, rule.other)
    places = [place for where in rule.value for place in where.find(root, row)[:1]]
    if keyed is not None and places:
        yield keyed, fill(keyed.channel, {**names, "key": key}), places[0]


def _holds(words: Mapping[Path, tuple[Word, ...]], root: Any, row: Any) -> bool:
    return _first_bad(words, root, row) is None


def _first_bad(words: Mapping[Path, tuple[Word, ...]], root: Any, row: Any) -> PayloadError | None:
    """The first condition that a row breaks; what is absent breaks none."""
    for where, wanted in words.items():
        found = where.find(root, row)
        if found and not any(type(found[0]) is type(w) and found[0] == w for w in wanted):
            expected = " or ".join(map(repr, wanted))
            return PayloadError("quality", where.text, found[0], expected)
    return None


def _unit(rule: Rule, root: Any, row: Any) -> str | None:
    """Unit that a row names, in the catalogue's spelling if it is known; None: the template's."""
    found = rule.unit.find(root, row) if rule.unit is not None else ()
    if not found or found[0] in (None, ""):
        return None
    text = found[0][:_UNIT_LENGTH] if isinstance(found[0], str) else type(found[0]).__name__
    return rule.units.get(text, text)
