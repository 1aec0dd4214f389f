"""Write docs/api.md, the page of the Python API, from docstrings: `python -m tuner.schema.api_page > docs/api.md`."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import tuner

FUNCTIONS = (
    "run",
    "check",
    "status",
    "steer_trial",
    "confirm",
    "export",
    "report",
    "load_study",
    "train",
    "load_model",
    "predict",
    "objective",
)
"""The public functions in the order of use. Each example continues those before it."""

HEAD = """\
# The Python API

Every function that `tuner` has, and what it takes, returns and raises. This page is generated from the docstrings
(`python -m tuner.schema.api_page > docs/api.md`). `import tuner` loads nothing heavy. The examples go on from each
other.

```python
import tuner
```
"""
SERVED = "tuner.Client("
"""What an example has that needs a server, which a test of the client runs."""

SECTIONS = re.compile(r"^(Args|Attributes|Returns|Raises|Example):\n((?:    .*\n|\n)+)", re.MULTILINE)


def page() -> str:
    """Return the page: functions, then classes, enums, events, errors and warnings."""
    parts = [HEAD, "## Functions\n", *(_function(name) for name in FUNCTIONS)]
    for title, names in _groups().items():
        parts += [f"## {title}\n", *(_class(name) for name in names)]
    return "\n".join(parts)


def _groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {"Classes": [], "Enums": [], "Events": [], "Errors and warnings": []}
    events = {kind.__name__ for kind in tuner.Event.__args__}
    for name in tuner.__all__:
        found = getattr(tuner, name)
        if inspect.isclass(found):
            groups[_group(found, name in events)].append(name)
    return groups


def _group(found: type, is_event: bool) -> str:
    if issubclass(found, BaseException):
        return "Errors and warnings"
    if issubclass(found, enum.Enum):
        return "Enums"
    return "Events" if is_event else "Classes"


def _function(name: str) -> str:
    found = getattr(tuner, name)
    return f"### `tuner.{name}`\n\n```text\n{_signature(found)}\n```\n\n{_body(found)}"


def _class(name: str) -> str:
    found = getattr(tuner, name)
    members = list(_members(found))
    listed = "\n" + "\n".join(members) + "\n" if members else ""
    return f"### `tuner.{name}`\n\n{_constructor(found)}{_body(found)}{listed}"


def _constructor(found: type) -> str:
    """Return how a class that users make is called; empty for one that they are given."""
    if "\nArgs:\n" not in (inspect.getdoc(found) or "") or issubclass(found, BaseException):
        return ""
    return f"```text\n{_signature(found)}\n```\n\n"


def _members(found: type) -> Iterator[str]:
    """Yield a line for each value of an enum, field of a dataclass, and public property or method."""
    if issubclass(found, enum.Enum):
        yield from (f"- `{member.name}` is `{member.value!r}`" for member in found)
        return
    if dataclasses.is_dataclass(found):
        yield from (f"- `{field.name}: {field.type}`" for field in dataclasses.fields(found) if field.repr)
    if issubclass(found, BaseException):
        return
    members = {name: member for each in found.__mro__[::-1] if _is_ours(each) for name, member in vars(each).items()}
    for name, member in members.items():
        if name.startswith("_"):
            continue
        if isinstance(member, property) or hasattr(member, "func"):
            yield f"- `{name}`: {_first_line(member)}"
        elif inspect.isfunction(member):
            yield f"- `{name}{_short_signature(member)}`: {_first_line(member)}"


def _is_ours(found: type) -> bool:
    return found.__module__.partition(".")[0] == tuner.__name__


def _short_signature(method: Any) -> str:
    """Return the arguments of a method with their defaults, without types."""
    given = [each for name, each in inspect.signature(method).parameters.items() if name != "self"]
    return str(inspect.Signature([each.replace(annotation=each.empty, default=_value(each.default)) for each in given]))


class _Function:
    """Stands for a default that is a function."""

    def __repr__(self) -> str:
        return "..."


def _value(default: Any) -> Any:
    if inspect.isfunction(default):
        return _Function()
    return default.value if isinstance(default, enum.Enum) else default


def _first_line(member: Any) -> str:
    return (inspect.getdoc(getattr(member, "func", member)) or "").partition("\n\n")[0].replace("\n", " ")


def _signature(function: Any) -> str:
    lines: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        keyword_only = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        if keyword_only and "    *," not in lines:
            lines.append("    *,")
        default = "" if parameter.default is inspect.Parameter.empty else f" = {_value(parameter.default)!r}"
        lines.append(f"    {parameter.name}: {parameter.annotation}{default},")
    returned = inspect.signature(function).return_annotation
    return "\n".join([f"{function.__name__}(", *lines, f") -> {returned}"])


def _body(found: Any) -> str:
    """Return a docstring as Markdown: prose, then its sections."""
    text = (inspect.getdoc(found) or "") + "\n"
    prose = SECTIONS.sub("", text).strip()
    parts = [prose + "\n"]
    for title, body in SECTIONS.findall(text):
        parts.append(_section(title, textwrap.dedent(body).strip()))
    return "\n".join(parts)


def _section(title: str, body: str) -> str:
    match title:
        case "Example":
            runs = "" if SERVED not in body else " no-run"
            return f"```python{runs}\n{body}\n```\n"
        case "Returns":
            return f"Returns: {_joined(body.splitlines())}\n"
        case _:
            entries = re.split(r"\n(?=\S)", body)
            return f"{title}:\n\n" + "".join(f"- {_entry(entry)}\n" for entry in entries)


def _entry(entry: str) -> str:
    name, colon, told = entry.partition(":")
    return f"`{name}`: {_joined(told.splitlines())}" if colon else _joined(entry.splitlines())


def _joined(lines: Sequence[str]) -> str:
    return " ".join(line.strip() for line in lines if line.strip())


if __name__ == "__main__":
    print(page(), end="")
