"""The JSON Schema of a whole space file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from tuner.goal import DIRECTIONS
from tuner.schema import components, fragments, from_validators
from tuner.schema.components import Part
from tuner.schema.descriptions import MEANINGS
from tuner.schema.fragments import Shape, choice_of, defined, mapping, one_of
from tuner.space import validation
from tuner.space.sections import OWN_SECTIONS, SECTIONS, Key, Section

DRAFT = "http://json-schema.org/draft-07/schema#"
TITLES: Mapping[str, str] = {
    "provenance": "The origin of an exported config.",
    "study": "The name of the study, and the seed that decides everything random in it.",
    "search": "The number of trials, how they are chosen and when they are stopped.",
    "objective": "The metrics that compare trials.",
    "data": "The rows, and how they are split and prepared.",
    "model": "The network. The data decide its input and output sizes.",
    "loss": "The loss to minimize: a class of torch.nn; by default the task's own.",
    "optimizer": "A class of torch.optim.",
    "scheduler": "A class of torch.optim.lr_scheduler, or a list of them, one after the other.",
    "training": "The training loop.",
}
"""One sentence about each section."""

NESTED = mapping({"choice": {"type": "array"}, "name": {"type": "string"}}, ["choice", "name"])
"""A choice that is a branch of another, under a name."""

OWN_CODE = "file.py:name or package.module:name, code of your own"
LIBRARIES = ("torch", "torchvision", "optuna")


def text() -> str:
    """The schema as a file, a definition on a line, so that a change of one is seen as one."""
    whole = space_schema()
    lines = [f"{json.dumps(name)}: {json.dumps(shape)}" for name, shape in whole.pop("definitions").items()]
    head = json.dumps(whole, indent=1).removesuffix("\n}")
    return head + ',\n "definitions": {\n  ' + ",\n  ".join(lines) + "\n }\n}\n"


def made_for() -> str:
    """The versions whose classes the schema knows."""
    return ", ".join(f"{name} {version(name).partition('+')[0]}" for name in LIBRARIES)


def space_schema() -> Shape:
    """The schema of a space file, with the classes of the libraries that are installed."""
    known = components.parts(SECTIONS["data"].keys)
    definitions = {**fragments.definitions(), **_components(known)}
    sections = {name: _section(name, section, SECTIONS) for name, section in SECTIONS.items()}
    own = {name: _section(name, section, OWN_SECTIONS) for name, section in OWN_SECTIONS.items()}
    needed = [name for name, section in SECTIONS.items() if section.required]
    function = {"properties": {"function": {"type": "string"}}, "required": ["function"]}
    whole: Shape = {
        "$schema": DRAFT,
        "$comment": f"Written by `tuner schema` for {made_for()}.",
        "type": "object",
        "if": {"properties": {"objective": function}, "required": ["objective"]},
        "then": {"properties": own, "additionalProperties": defined("value")},
        "else": mapping(sections, needed),
        "definitions": definitions,
    }
    definitions.update(sorted(fragments.definitions_in(whole).items()))
    return whole


def _section(name: str, section: Section, ruling: Mapping[str, Section]) -> Shape:
    title = {"description": TITLES[name]}
    empty: list[Shape] = [{"type": "null"}] if section.default is None or section.default == {} else []
    if name in ("model", "loss", "optimizer", "scheduler"):
        single = [*empty, defined(name)]
        several = [{"type": "array", "minItems": 1, "items": _branching("stage")}] if section.listed else []
        return {**one_of([*single, *several, choice_of(one_of([*single, *several, NESTED]))]), **title}
    if name == "data":
        return _with(defined(name), title)
    whole = _keyed(name, section, ruling)
    if empty:
        whole["type"] = ["null", "object"]
    return {**(whole if section.closed else one_of([whole, choice_of(whole)])), **title}


def _with(shape: Shape, more: Shape) -> Shape:
    """A reference with more said of it, which draft-07 would not look at beside a bare one."""
    return {"allOf": [shape], **more}


def _branching(name: str) -> Shape:
    return one_of([defined(name), choice_of(defined(name))])


def _keyed(name: str, section: Section, ruling: Mapping[str, Section]) -> Shape:
    """A section whose keys are ours."""
    properties = {key: _key(f"{name}.{key}", spec, ruling) for key, spec in section.keys.items()}
    if name == "search":
        properties["sampler"] = _with(defined("sampler"), properties["sampler"])
        properties["pruner"] = {**one_of([defined("pruner"), {"type": "null"}]), **properties["pruner"]}
    if name == "objective":
        properties["metric"]["examples"] = list(DIRECTIONS)
    shape = mapping(properties)
    if not section.closed:
        shape["properties"]["name"] = {"type": "string", "description": "What to call this branch of a choice."}
    return {**shape, "additionalProperties": section.open}


def _key(path: str, spec: Key, ruling: Mapping[str, Section]) -> Shape:
    return from_validators.shape_of(spec, not validation.closed(path, ruling), MEANINGS.get(path, ""))


def _components(known: Mapping[str, Part]) -> dict[str, Shape]:
    """A definition for each part, and one for each of its classes."""
    found: dict[str, Shape] = {}
    for name, part in known.items():
        classes = part.shapes()
        found[name] = _component(name, part, list(classes), list(known["transform"].classes))
        found |= {f"{name}.{cls}": _refined(name, cls, shape) for cls, shape in classes.items()}
    return found


def _component(name: str, part: Part, classes: list[str], transforms: list[str]) -> Shape:
    """A mapping whose `type` decides on its other keys."""
    named: list[Shape] = [{"enum": classes}]
    if part.own:
        named.append({"type": "string", "pattern": from_validators.NAMED, "description": OWN_CODE})
    if part.holes and name != "data":
        named.append(choice_of(one_of(named)))
    section = SECTIONS.get(name)
    known = {} if section is None else section.keys
    beside = {key: _key(f"{name}.{key}", spec, SECTIONS) for key, spec in known.items() if key != "type"}
    if name == "data":
        beside["transforms"] = _transforms(beside["transforms"], transforms)
        beside["tokenizer"] = {**one_of([{"type": "null"}, _branching("tokenizer")]), **_said(beside["tokenizer"])}
    if name == "stage":
        beside["epochs"] = {
            **fragments.or_hole({"type": "integer", "minimum": 1}),
            "description": "For how many epochs it is.",
        }
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": one_of(named), **beside},
        "allOf": [_if_type(name, cls) for cls in classes],
    }


def _said(shape: Shape) -> Shape:
    return {key: shape[key] for key in ("description", "default") if key in shape}


def _transforms(shape: Shape, names: list[str]) -> Shape:
    """A list of transforms, each by its name alone or with its arguments."""
    items = {"type": "array", "items": one_of([_branching("transform"), {"enum": names}])}
    return {**one_of([items, defined("list"), choice_of(items)]), **_said(shape)}


def _if_type(name: str, cls: str) -> Shape:
    is_it = {"properties": {"type": {"const": cls}}, "required": ["type"]}
    return {"if": is_it, "then": defined(f"{name}.{cls}")}


def _refined(name: str, cls: str, shape: Shape) -> Shape:
    """What only the part knows of a class's arguments."""
    properties: dict[str, Any] = shape["properties"]
    if name not in ("data", "sampler", "pruner", "tokenizer"):
        properties.setdefault("name", {"type": "string", "description": "What to call this branch of a choice."})
    if name == "model" and (weights := components.weights_of(cls)) is not None:
        properties["weights"] = {**fragments.or_hole({"enum": weights}), "description": "Pretrained weights, or null."}
    if name == "transform" and "transforms" in properties:
        properties["transforms"] = {"type": "array", "items": _branching("transform")}
    return shape
