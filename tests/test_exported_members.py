"""Everything that a caller catches, compares or receives is a member of `tuner` itself."""

from __future__ import annotations

import enum
import importlib.metadata
import inspect
import subprocess
import sys
import typing
from collections.abc import Iterator
from typing import Any

import pytest

import tuner
from tuner import errors
from tuner.search import events

FUNCTIONS = [getattr(tuner, name) for name in tuner.__all__ if inspect.isfunction(getattr(tuner, name))]
HEAVY = ("torch", "ray", "plotly", "optuna", "pandas", "ruamel")


def parts_of(hint: Any) -> Iterator[Any]:
    """What a type is made of: of `list[Record] | None` the list, Record and None."""
    yield typing.get_origin(hint) or hint
    for part in typing.get_args(hint):
        yield from parts_of(part)


def classes_of(hint: Any) -> Iterator[type]:
    """The classes of this package in a type."""
    for part in parts_of(hint):
        if inspect.isclass(part) and part.__module__.startswith("tuner."):
            yield part


@pytest.mark.parametrize("name", tuner.__all__)
def test_each_name_is_there(name: str) -> None:
    assert getattr(tuner, name) is not None
    assert name in dir(tuner)


def test_names_are_sorted_and_stand_once() -> None:
    assert sorted(set(tuner.__all__)) == tuner.__all__


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_what_a_function_takes_and_returns_is_exported(function: Any) -> None:
    for hint in typing.get_type_hints(function).values():
        for found in classes_of(hint):
            assert getattr(tuner, found.__name__, None) is found


def test_every_error_is_exported() -> None:
    for name, found in vars(errors).items():
        if inspect.isclass(found) and issubclass(found, BaseException) and found.__module__ == errors.__name__:
            assert getattr(tuner, name) is found


def test_every_event_is_exported() -> None:
    for found in typing.get_args(events.Event):
        assert getattr(tuner, found.__name__) is found


def test_enums_in_what_is_exported_are_exported() -> None:
    for name in tuner.__all__:
        exported = getattr(tuner, name)
        if not (inspect.isclass(exported) and exported.__dict__.get("__dataclass_fields__")):
            continue
        try:
            hints = typing.get_type_hints(exported)
        except NameError:  # a name of TYPE_CHECKING
            continue
        for hint in hints.values():
            for found in classes_of(hint):
                if issubclass(found, enum.Enum):
                    assert getattr(tuner, found.__name__, None) is found, f"{name} has a {found.__name__}"


def test_enums_compare_with_the_text_that_people_write() -> None:
    for kind in vars(tuner)["__all__"]:
        member = getattr(tuner, kind)
        if isinstance(member, type) and issubclass(member, enum.Enum):
            assert issubclass(member, enum.StrEnum), kind


def test_the_version_is_that_of_the_package() -> None:
    assert tuner.__version__ == importlib.metadata.version("tuner")


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'tuner' has no attribute 'rum'"):
        _ = tuner.rum


def test_importing_tuner_loads_nothing_heavy() -> None:
    probe = f"import sys, tuner; dir(tuner); tuner.__version__; print([m for m in {HEAVY!r} if m in sys.modules])"

    told = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"


def test_errors_load_nothing_heavy() -> None:
    probe = f"import sys; from tuner import TunerError; print([m for m in {HEAVY!r} if m in sys.modules])"

    told = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
