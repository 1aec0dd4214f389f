"""The JSON Schema as a page for readers: a template has its words, the schema its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from tuner.data import SOURCES
from tuner.models import MODELS, sizes
from tuner.schema import space_file
from tuner.schema.fragments import Shape
from tuner.space.yaml_writer import flow
from tuner.study.deprecated import DEPRECATED, Deprecation

OURS: Mapping[str, Iterable[str]] = {"data": SOURCES, "model": MODELS}
"""The built-in classes of a part. Each has its own table."""

SAID_ONCE = {"type", "name", *sizes((1,), 1, 1)}
"""Keys that the page describes once for all classes, and arguments that the data fill in."""


def text() -> str:
    """Return the page as Markdown."""
    environment = Environment(
        loader=PackageLoader("tuner.schema"), undefined=StrictUndefined, keep_trailing_newline=True
    )
    page = Page(space_file.space_schema())
    return environment.get_template("language.md.j2").render(page=page, libraries=space_file.made_for())


@dataclass(frozen=True, slots=True)
class Entry:
    """A key or an argument; `default` is in YAML, or empty; `tuned` is whether a hole may stand there."""

    name: str
    default: str
    needed: bool
    tuned: bool
    words: str
    deprecated: bool


class Page:
    """The parts of the page that its template asks for, as Markdown.

    Args:
        whole: the schema of a space file.
    """

    def __init__(self, whole: Shape) -> None:
        self._sections: Mapping[str, Shape] = whole["else"]["properties"]
        self._definitions: Mapping[str, Shape] = whole["definitions"]

    def keys(self, section: str) -> str:
        """Return a table of the keys of a section."""
        shape = self._definitions.get(section, self._sections[section])
        keyed = next(part for part in (shape, *shape.get("anyOf", ())) if "properties" in part)
        return _table(self._entries(keyed, {"type"}), "key")

    def ours(self, part: str) -> Iterator[tuple[str, str, str]]:
        """Yield each built-in class: its name, its description, and a table of its arguments if it has any."""
        for name in OURS[part]:
            shape = self._definitions[f"{part}.{name}"]
            entries = self._entries(shape)
            yield name, shape.get("description", ""), _table(entries, "argument") if entries else ""

    def names(self, part: str) -> str:
        """Return the library's classes of a part."""
        return ", ".join(f"`{name}`" for name in self._classes(part) if name not in OURS.get(part, ()))

    def classes(self, part: str) -> str:
        """Return a table of a library's classes with their arguments, the required ones first."""
        lines = [f"| `{name}` | {_signature(self._entries(shape))} |" for name, shape in self._classes(part).items()]
        return "\n".join(["| class | its arguments |", "|---|---|", *lines])

    def deprecated(self) -> str:
        """Return a table of the arguments that a later Optuna drops, a line for those that share class and release."""
        rows: dict[tuple[str, Deprecation], list[str]] = {}
        for name, arguments in DEPRECATED.items():
            for argument, deprecation in arguments.items():
                rows.setdefault((name, deprecation), []).append(f"`{argument}`")
        lines = [
            f"| `{name}` | {', '.join(arguments)} | {one.since} | {one.until} | {one.instead and f'`{one.instead}`'} |"
            for (name, one), arguments in sorted(rows.items(), key=lambda row: (row[0][0], row[0][1].since))
        ]
        head = "| class | arguments | deprecated since Optuna | gone in Optuna | instead |"
        return "\n".join([head, "|---|---|---|---|---|", *lines])

    def _classes(self, part: str) -> dict[str, Shape]:
        prefix = f"{part}."
        named = {name: shape for name, shape in self._definitions.items() if name.startswith(prefix)}
        return {name.removeprefix(prefix): shape for name, shape in named.items()}

    def _entries(self, shape: Shape, left_out: Set[str] = SAID_ONCE) -> list[Entry]:
        """Return the keys of a mapping, without those that are described elsewhere."""
        needed = shape.get("required", ())
        given = {name: entry for name, entry in shape["properties"].items() if isinstance(entry, dict)}
        return [
            Entry(
                name,
                _default(entry),
                name in needed,
                self._may_be_hole(entry),
                entry.get("description", ""),
                entry.get("deprecated", False),
            )
            for name, entry in given.items()
            if name not in left_out
        ]

    def _may_be_hole(self, shape: Shape) -> bool:
        """Return whether a shape may be a choice, and so any hole."""
        if "$ref" in shape:
            name = shape["$ref"].removeprefix("#/definitions/")
            return name == "value" or self._may_be_hole(self._definitions[name])
        alternatives = [*shape.get("anyOf", ()), *shape.get("allOf", ())]
        return "choice" in shape.get("properties", {}) or any(map(self._may_be_hole, alternatives))


def _table(entries: Iterable[Entry], title: str) -> str:
    lines = [
        f"| `{entry.name}` | {'must be given' if entry.needed else entry.default} | {'yes' if entry.tuned else ''} "
        f"| {_cell(entry.words)} |"
        for entry in entries
    ]
    return "\n".join([f"| {title} | default | hole | what it is |", "|---|---|---|---|", *lines])


def _signature(entries: Sequence[Entry]) -> str:
    needed = [f"**`{entry.name}`**" for entry in entries if entry.needed]
    others = [_argument(entry) for entry in entries if not entry.needed and not entry.deprecated]
    return ", ".join([*needed, *others])


def _argument(entry: Entry) -> str:
    return f"`{entry.name}: {entry.default.strip('`')}`" if entry.default else f"`{entry.name}`"


def _default(shape: Shape) -> str:
    return f"`{flow(shape['default'])}`" if "default" in shape else ""


def _cell(words: str) -> str:
    return words.replace("|", "\\|")
