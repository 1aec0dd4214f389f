"""Changes of a space's text by path, as for `--set`. The rest of the text stays the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from tuner.errors import SpaceError, UsageError, did_you_mean, listing
from tuner.space import yaml_document, yaml_writer
from tuner.space.parse import COMPANIONS
from tuner.space.tree import is_index
from tuner.space.yaml_document import Node, Scalar, Sequence, Span, Table

FLAGS = {
    "study_name": "study.name",
    "n_trials": "search.trials",
    "timeout": "search.timeout",
    "seed": "study.seed",
    "epochs": "training.epochs",
    "keep": "search.keep",
}
"""The arguments and options that replace a value of the file, with its path."""


Settings: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]
"""Values that replace those of a file: `{"search.trials": 10}`, or (path, value) pairs."""


def pairs_of(settings: Settings) -> list[tuple[str, Any]]:
    """Return settings as (path, value) pairs, in their order."""
    return list(settings.items() if isinstance(settings, Mapping) else settings)


def settings_of(**flags: Any) -> list[tuple[str, Any]]:
    """Return (path, value) of each flag that is given; None is not given."""
    return [(FLAGS[name], value) for name, value in flags.items() if value is not None]


def value_of(assignment: str) -> tuple[str, Any]:
    """Read `path=value`, the value as YAML.

    Raises:
        UsageError: there is no `=`, no path, or the value is not YAML.
    """
    path, equals, text = assignment.partition("=")
    path = path.strip()
    if not equals or not path:
        raise UsageError(f"--set {assignment}: write path=value, such as optimizer.lr=1e-3")
    try:
        return path, yaml_document.plain(yaml_document.read(text, "value")) if text.strip() else None
    except SpaceError as error:
        raise UsageError(f"--set {assignment}: {error.faults[0].message}") from None


def assign(text: str, path: str, value: Any, file: str) -> str:
    """Return the text with the node at `path` replaced, or added if its section can take it.

    Args:
        text: a document.
        path: dotted; inside a choice of mappings it names the branch (`optimizer.AdamW.lr`).
        value: a plain value; a hole is its mapping.
        file: the name of the document in messages.

    Raises:
        SpaceError: the text is not a document.
        UsageError: the path leads into a scalar, a hole or past the end of a list.
    """
    root = yaml_document.read(text, file)
    return yaml_writer.splice(text, [_edit(root, path, path, value, text)])


def _edit(node: Node, rest: str, path: str, value: Any, text: str) -> tuple[Span, str]:
    if not rest:
        return node.span, yaml_writer.render(value, node.span)
    if node.span.alias:
        where = _above(path, rest)
        raise UsageError(f"--set {path}: {where} is an alias of what stands elsewhere; set {where} as a whole")
    if isinstance(node, Table):
        hole = next((key for key in node.entries if key in COMPANIONS), None)
        if hole == "choice":
            return _into_choice(node, rest, path, value, text)
        if hole is not None:
            raise UsageError(f"--set {path}: {_above(path, rest)} is a hole ({hole}); set it as a whole")
        key = _longest_prefix(rest, list(node.entries))
        if key is not None:
            return _edit(node.entries[key], rest[len(key) + 1 :], path, value, text)
        return _insertion(node, rest.split("."), value, text)
    if isinstance(node, Sequence):
        head, _, tail = rest.partition(".")
        if is_index(head) and int(head) < len(node.items):
            return _edit(node.items[int(head)], tail, path, value, text)
        raise UsageError(f"--set {path}: {_above(path, rest)} is a list of {len(node.items)}, with no {head}")
    if node.value is None:
        return node.span, yaml_writer.flow(_nested(rest.split("."), value))
    raise UsageError(f"--set {path}: {_above(path, rest)} is a single value, nothing stands inside it")


def _into_choice(node: Table, rest: str, path: str, value: Any, text: str) -> tuple[Span, str]:
    items = node.entries["choice"].items if isinstance(node.entries["choice"], Sequence) else ()
    branches = {label: item for item in items if (label := _label(item))}
    label = _longest_prefix(rest, list(branches))
    if label is None:
        where = _above(path, rest)
        names = listing(branches) if branches else "single values"
        hint = did_you_mean(rest.partition(".")[0], branches)
        raise UsageError(
            f"--set {path}: {where} is a choice of {names}; name the branch or set {where} as a whole{hint}"
        )
    return _edit(branches[label], rest[len(label) + 1 :], path, value, text)


def _label(branch: Node) -> str | None:
    if not isinstance(branch, Table):
        return None
    named = branch.entries.get("name", branch.entries.get("type"))
    return named.value if isinstance(named, Scalar) and isinstance(named.value, str) else None


def _longest_prefix(rest: str, keys: list[str]) -> str | None:
    """Return the longest key that the path starts with; a key may contain dots (`net.py:Net`)."""
    fitting = [key for key in keys if rest == key or rest.startswith(f"{key}.")]
    return max(fitting, key=len, default=None)


def _insertion(node: Table, parts: list[str], value: Any, text: str) -> tuple[Span, str]:
    """Return a new entry for the end of a mapping; in a block it follows the last line's comment."""
    entry = f"{yaml_writer.flow(parts[0])}: {yaml_writer.flow(_nested(parts[1:], value))}"
    if node.span.flow:
        at = node.span.end - 1
        comma = "" if not node.entries or text[:at].rstrip().endswith(",") else ", "
        return Span(node.span.place, at, at, True), comma + entry
    end_of_line = text.find("\n", node.span.end)
    at = len(text) if end_of_line < 0 else end_of_line
    return Span(node.span.place, at, at), "\n" + " " * (node.span.place.column - 1) + entry


def _nested(parts: list[str], value: Any) -> Any:
    for part in reversed(parts):
        value = {part: value}
    return value


def _above(path: str, rest: str) -> str:
    return path[: len(path) - len(rest)].rstrip(".") or "the file"
