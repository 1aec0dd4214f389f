"""The JSON Schema of a whole space file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from tuner.schema import components, fragments, from_keys
from tuner.schema.components import Part
from tuner.schema.fragments import Shape, choice_of, defined, described, mapping, one_of
from tuner.space import validation
from tuner.space.key import Section
from tuner.space.sections import BRANCH_NAME, OWN_SECTIONS, SECTIONS, STAGE_EPOCHS

DRAFT = "http://json-schema.org/draft-07/schema#"
NESTED = mapping({"choice": {"type": "array"}, "name": {"type": "string"}}, ["choice", "name"])
"""A choice that is a branch of another choice, under a name."""

OWN_CODE = "file.py:name or package.module:name, code of your own"
LIBRARIES = ("torch", "torchvision", "optuna")


def text() -> str:
    """Return the schema as a file with a definition per line, so that diffs are short."""
    whole = space_schema()
    lines = [f"{json.dumps(name)}: {json.dumps(shape)}" for name, shape in whole.pop("definitions").items()]
    head = json.dumps(whole, indent=1).removesuffix("\n}")
    return head + ',\n "definitions": {\n  ' + ",\n  ".join(lines) + "\n }\n}\n"


def made_for() -> str:
    """Return the versions of the libraries whose classes the schema has."""
    return ", ".join(f"{name} {version(name).partition('+')[0]}" for name in LIBRARIES)


def space_schema() -> Shape:
    """Return the schema of a space file, with the classes of the libraries that are installed."""
    known = components.parts(SECTIONS["data"].keys)
    definitions = {**fragments.definitions(), **_components(known)}
    sections = {name: _section(name, section, SECTIONS) for name, section in SECTIONS.items()}
    own = {name: _section(name, section, OWN_SECTIONS) for name, section in OWN_SECTIONS.items()}
    needed = [name for name, section in SECTIONS.items() if section.required]
    function = {"properties": {"function": {"type": "string"}}, "required": ["function"]}
    remote = {"properties": {"remote": {"const": True}}, "required": ["remote"]}
    whole: Shape = {
        "$schema": DRAFT,
        "$comment": f"Written by `tuner schema` for {made_for()}.",
        "type": "object",
        "if": {"properties": {"objective": {"anyOf": [function, remote]}}, "required": ["objective"]},
        "then": {"properties": own, "additionalProperties": defined("value")},
        "else": mapping(sections, needed),
        "definitions": definitions,
    }
    definitions.update(sorted(fragments.definitions_in(whole).items()))
    return whole


def _section(name: str, section: Section, ruling: Mapping[str, Section]) -> Shape:
    empty: list[Shape] = [{"type": "null"}] if section.default is None or section.default == {} else []
    if name in ("model", "loss", "optimizer", "scheduler"):
        single = [*empty, defined(name)]
        several = [{"type": "array", "minItems": 1, "items": _branching("stage")}] if section.listed else []
        return described(one_of([*single, *several, choice_of(one_of([*single, *several, NESTED]))]), section.meaning)
    if name == "data":
        return described(defined(name), section.meaning)
    whole = _keyed(name, section, ruling)
    if empty:
        whole["type"] = ["null", "object"]
    return described(whole if section.closed else one_of([whole, choice_of(whole)]), section.meaning)


def _branching(name: str) -> Shape:
    return one_of([defined(name), choice_of(defined(name))])


def _keyed(name: str, section: Section, ruling: Mapping[str, Section]) -> Shape:
    """Return a section with known keys."""
    shape = mapping(_keys(name, section, ruling))
    if not section.closed:
        shape["properties"]["name"] = _name()
    return {**shape, "additionalProperties": section.open}


def _name() -> Shape:
    return from_keys.entry_of(BRANCH_NAME, from_keys.plain)


def _keys(name: str, section: Section, ruling: Mapping[str, Section]) -> dict[str, Shape]:
    """Return the keys of a section by their names, without the `type` of its class."""
    return {
        key: from_keys.shape_of(spec, not validation.closed(f"{name}.{key}", ruling))
        for key, spec in section.keys.items()
        if key != "type"
    }


def _components(known: Mapping[str, Part]) -> dict[str, Shape]:
    """Return a definition for each part, and one for each of its classes."""
    found: dict[str, Shape] = {}
    for name, part in known.items():
        classes = part.shapes()
        found[name] = _component(name, part, list(classes))
        found |= {f"{name}.{cls}": _refined(name, cls, shape) for cls, shape in classes.items()}
    bare = "transform" + from_keys.BARE
    return {**found, bare: {"enum": list(known["transform"].classes)}}


def _component(name: str, part: Part, classes: list[str]) -> Shape:
    """Return a mapping whose `type` decides on its other keys."""
    named: list[Shape] = [{"enum": classes}]
    if part.own:
        named.append({"type": "string", "pattern": from_keys.NAMED, "description": OWN_CODE})
    if part.holes and name != "data":
        named.append(choice_of(one_of(named)))
    beside = _keys(name, SECTIONS[name], SECTIONS) if name in SECTIONS else {}
    if name == "stage":
        beside["epochs"] = from_keys.entry_of(STAGE_EPOCHS)
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": one_of(named), **beside},
        "allOf": [_if_type(name, cls) for cls in classes],
    }


def _if_type(name: str, cls: str) -> Shape:
    is_it = {"properties": {"type": {"const": cls}}, "required": ["type"]}
    return {"if": is_it, "then": defined(f"{name}.{cls}")}


def _refined(name: str, cls: str, shape: Shape) -> Shape:
    """Return the schema of a class with what only its part knows of the arguments."""
    properties: dict[str, Any] = shape["properties"]
    if name not in ("data", "sampler", "pruner", "tokenizer"):
        properties.setdefault("name", _name())
    if name == "model" and (weights := components.weights_of(cls)) is not None:
        properties["weights"] = {**fragments.or_hole({"enum": weights}), "description": "Pretrained weights, or null."}
    if name == "transform" and "transforms" in properties:
        properties["transforms"] = {"type": "array", "items": _branching("transform")}
    return shape
