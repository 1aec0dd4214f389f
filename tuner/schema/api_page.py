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
    return f"### `tuner.{name}`\n\n{_body(found)}{listed}"


def _members(found: type) -> Iterator[str]:
    """Yield a line for each value of an enum, field of a dataclass, and public property or method."""
    if issubclass(found, enum.Enum):
        yield from (f"- `{member.name}` is `{member.value!r}`" for member in found)
        return
    if dataclasses.is_dataclass(found):
        yield from (f"- `{field.name}: {field.type}`" for field in dataclasses.fields(found) if field.repr)
    for name, member in vars(found).items():
        if name.startswith("_") or issubclass(found, BaseException):
            continue
        if isinstance(member, property) or hasattr(member, "func") or inspect.isfunction(member):
            call = "()" if inspect.isfunction(member) else ""
            yield f"- `{name}{call}`: {_first_line(member)}"


def _first_line(member: Any) -> str:
    return (inspect.getdoc(getattr(member, "func", member)) or "").partition("\n\n")[0].replace("\n", " ")


def _signature(function: Any) -> str:
    lines = []
    for parameter in inspect.signature(function).parameters.values():
        keyword_only = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        if keyword_only and "    *," not in lines:
            lines.append("    *,")
        default = "" if parameter.default is inspect.Parameter.empty else f" = {_default(parameter.default)}"
        lines.append(f"    {parameter.name}: {parameter.annotation}{default},")
    returned = inspect.signature(function).return_annotation
    return "\n".join([f"{function.__name__}(", *lines, f") -> {returned}"])


def _default(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return repr(value.value)
    return "..." if callable(value) else repr(value)


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
