"""Each public function takes an enum's value as a string, and refuses any other before it does anything."""

from __future__ import annotations

import enum
import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tuner
from tuner.errors import UsageError
from tuner.space import Space
from tuner.study import load_study

FUNCTIONS = {name: getattr(tuner, name) for name in tuner.__all__ if inspect.isfunction(getattr(tuner, name))}


def enums_of(function: Callable[..., Any]) -> dict[str, type[enum.Enum]]:
    """The arguments of a function that take a member of an enum."""
    hints = typing.get_type_hints(function)
    return {
        name: kind
        for name in inspect.signature(function).parameters
        for kind in (hints[name], *typing.get_args(hints[name]))
        if inspect.isclass(kind) and issubclass(kind, enum.Enum)
    }


ARGUMENTS = [(name, argument) for name, function in FUNCTIONS.items() for argument in enums_of(function)]
FIRST: dict[str, tuple[object, ...]] = {
    "train": ("no.yaml",),
    "export": ("no",),
    "run": ("no.yaml",),
    "confirm": ("no",),
    "steer_trial": ("no", 0),
}
"""What each is called with: none of it exists, so that a refusal of the enum comes first."""


def test_enums_of_public_functions_are_found() -> None:
    assert {("train", "on"), ("export", "form"), ("run", "executor"), ("confirm", "executor")} <= set(ARGUMENTS)


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_an_enum_takes_its_string(name: str, argument: str) -> None:
    hint = typing.get_type_hints(FUNCTIONS[name])[argument]

    assert str in typing.get_args(hint)


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_another_string_is_refused_at_once_with_the_values(name: str, argument: str) -> None:
    values = [member.value for member in enums_of(FUNCTIONS[name])[argument]]
    near = values[0][:-1]

    with pytest.raises(UsageError) as raised:
        FUNCTIONS[name](*FIRST[name], **{argument: near})

    assert str(raised.value).endswith(f" {near}: must be {' or '.join(values)} (did you mean {values[0]}?)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fuse": "atuo"}, r"--fuse atuo: must be auto, off or a whole number of at least 2 \(did you mean auto\?\)"),
        ({"workers": "aut"}, r"--workers aut: must be auto or a whole number of at least 1 \(did you mean auto\?\)"),
        ({"device": "cpuu"}, r"--device cpuu: must be auto, cpu, cuda, cuda:N or mps \(did you mean cpu\?\)"),
    ],
)
def test_other_words_are_refused_in_the_same_way(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tuner.run("no.yaml", **arguments)


def test_strings_do_what_members_do(tiny: Path, url: str, tmp_path: Path) -> None:
    result = tuner.run(tiny, storage=url, n_trials=1, executor="processes", device="cpu")

    text = tuner.export(result.study.name, tmp_path / "best.json", form="json", storage=url)
    final = tuner.train(tmp_path / "best.json", tmp_path / "final", on="train", device="cpu")

    assert text.startswith("{")
    assert final.valid
    assert not final.test
    assert Space.load(tmp_path / "best.json").provenance.trial == 0
    assert load_study(result.study.optuna._storage, result.study.name).finished() == 1
