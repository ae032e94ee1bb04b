"""Device templates: what a YAML file below `collectors/templates/` may say."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    model_validator,
)

from collectors.formats.paths import Pattern, names_in, path, pattern
from collectors.formats.template_time import PathField, Time
from models.errors import ConfigError
from models.quantities import QUANTITIES

_TEMPLATES = files("collectors") / "templates"


def _pattern(text: Any) -> Pattern:
    if not isinstance(text, str):
        msg = f"a topic is text, got {text!r}"
        raise ValueError(msg)  # noqa: TRY004
    return pattern(text)


def _filled(text: str) -> str:
    names_in(text)
    return text


def _encoding(name: str) -> str:
    try:
        b"{}".decode(codecs.lookup(name).name)
    except LookupError:
        msg = f"unknown text encoding {name!r}; expected e.g. gbk"
        raise ValueError(msg) from None
    return name


PatternField = Annotated[Pattern, PlainValidator(_pattern)]
Filled = Annotated[str, AfterValidator(_filled)]
Word = str | int | bool


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class Value(_Model):
    """One value of a row.

    Attributes:
        path: where it is, seen from the row; empty: the row itself is the value.
        channel: name for `channels` in park.yaml.
        factor: the value times this is in `unit`.
    """

    path: PathField = path("")
    channel: Annotated[Filled, StringConstraints(min_length=1)]
    quantity: str | None = None
    unit: str | None = None
    kind: Literal["register", "gauge"] | None = None
    factor: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _known_unit(self) -> Value:
        if self.quantity is None and self.unit is None and self.kind is None:
            return self
        quantity = QUANTITIES.get(self.quantity or "")
        if quantity is None:
            msg = f"unknown quantity {self.quantity!r}; expected one of: {', '.join(QUANTITIES)}"
            raise ValueError(msg)
        if self.unit not in quantity.accepted:
            known = ", ".join(quantity.accepted)
            msg = f"unit {self.unit!r} does not measure {quantity.key}; expected one of: {known}"
            raise ValueError(msg)
        if self.kind is None or (self.kind == "register" and not quantity.is_flow):
            msg = f"kind of {quantity.key} is {self.kind!r}; a state is a gauge, a count a register"
            raise ValueError(msg)
        return self


class Rule(_Model):
    """What one kind of message holds; all rules of the topic are applied.

    Attributes:
        topics: ends of topics; the most precise one of the template decides.
        rows: where the rows are; empty: the payload is the row, or a list of them.
        names: further names from a row, e.g. the device.
        only: path -> words; other rows hold no readings.
        good: path -> words; the sender itself says that other rows are not good.
        optional: a message without any of the values is in order.
        key, value, keys, other: rows of the form {name, value}: name, path of the value (the
            first that is there), what the names mean, what any other name means.
        unit, units: where a row names its unit, and what the texts mean.
    """

    topics: tuple[PatternField, ...] = Field(min_length=1)
    rows: PathField = path("")
    names: dict[str, PathField] = {}
    only: dict[PathField, tuple[Word, ...]] = {}
    good: dict[PathField, tuple[Word, ...]] = {}
    optional: bool = False
    device: Filled = "{device}"
    time: tuple[Time, ...] = ()
    values: tuple[Value, ...] = ()
    key: Filled | None = None
    value: tuple[PathField, ...] = ()
    keys: dict[str, Value] = {}
    other: Value | None = None
    unit: PathField | None = None
    units: dict[str, str] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Rule:
        keyed = bool(self.keys) or self.other is not None
        if keyed != (self.key is not None) or keyed != bool(self.value):
            msg = "key and value go with keys or other, and with nothing else"
            raise ValueError(msg)
        if keyed == bool(self.values):
            msg = "a rule has either values, or key, value and keys or other"
            raise ValueError(msg)
        known = {u for q in QUANTITIES.values() for u in q.accepted}
        unknown = sorted(set(self.units.values()) - known)
        if unknown:
            msg = f"units {unknown} are not in the catalogue, see docs/park.md"
            raise ValueError(msg)
        self._check_names()
        return self

    def _check_names(self) -> None:
        given = self.rows.names | self.names.keys()
        given |= frozenset.intersection(*(topic.names for topic in self.topics))
        for value in (*self.values, *self.keys.values(), *([self.other] if self.other else [])):
            here = given | value.path.names | ({"key"} if self.key is not None else set())
            self._check_given(value.channel, here)
        self._check_given(self.device, given)
        self._check_given(self.key or "", given)

    def _check_given(self, text: str, given: frozenset[str]) -> None:
        missing = sorted(names_in(text) - given)
        if missing:
            msg = f"{text!r}: nothing gives {', '.join(missing)}"
            raise ValueError(msg)


class Title(_Model):
    """Name of the device type for people."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Template(_Model):
    """A device type.

    Attributes:
        source: where the facts come from.
        notes: what its users have to know, known defects included.
        numbers_as_text: numbers may come as "12.3".
        no_value: values that mean "there is none" and are passed over in silence.
        time: for the rules that have none of their own.
        ignore: ends of topics that hold no readings.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    title: Title
    source: str = Field(min_length=10)
    notes: str = ""
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    numbers_as_text: bool = False
    no_value: tuple[str | None, ...] = ()
    time: tuple[Time, ...] = ()
    rules: tuple[Rule, ...] = Field(min_length=1)
    ignore: tuple[PatternField, ...] = ()

    @model_validator(mode="after")
    def _timed(self) -> Template:
        for number, rule in enumerate(self.rules):
            if not (rule.time or self.time):
                msg = f"rules.{number}: neither the rule nor the template has a time"
                raise ValueError(msg)
        return self

    @cached_property
    def patterns(self) -> tuple[tuple[Pattern, tuple[Rule, ...]], ...]:
        """Every end of a topic with its rules (none: ignored), the most precise first."""
        made: dict[str, tuple[Pattern, list[Rule]]] = {}
        for rule in self.rules:
            for topic in rule.topics:
                made.setdefault(topic.text, (topic, []))[1].append(rule)
        for topic in self.ignore:
            made.setdefault(topic.text, (topic, []))
        ordered = sorted(made.values(), key=lambda pair: -pair[0].weight)
        return tuple((topic, tuple(rules)) for topic, rules in ordered)


@cache
def load_templates() -> dict[str, Template]:
    """The templates of the package, by name.

    Raises:
        ConfigError: with every fault of every file and the place of each.
    """
    found = [f for f in _TEMPLATES.iterdir() if f.name.endswith(".yaml")]
    return read_templates(
        {f.name: f.read_text(encoding="utf-8") for f in sorted(found, key=lambda f: f.name)}
    )


def read_templates(texts: Mapping[str, str]) -> dict[str, Template]:
    """Templates of YAML texts by file name.

    Raises:
        ConfigError: with every fault of every file and the place of each.
    """
    made: dict[str, Template] = {}
    faults: list[str] = []
    for file, text in texts.items():
        try:
            template = Template.model_validate(yaml.safe_load(text))
        except yaml.YAMLError as exc:
            faults.append(f"{file}: is not valid YAML: {exc}")
        except ValidationError as exc:
            faults += [
                f"{file}: {'.'.join(map(str, e['loc'])) or 'template'}: {e['msg']}"
                f" (got {e['input']!r:.80})"
                for e in exc.errors()
            ]
        else:
            if f"{template.name}.yaml" != file:
                faults.append(f"{file}: name: {template.name!r} is not the name of the file")
            made[template.name] = template
    if faults:
        raise ConfigError("device templates", faults)
    return made
