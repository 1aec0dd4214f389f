"""A thousand mutilated files give an error or a space, and never anything else."""

from __future__ import annotations

import random

import pytest

from tests.conftest import ROOT
from tuner.errors import SpaceError
from tuner.space import Space
from tuner.space.suggest import Random

TEXT = (ROOT / "search_spaces" / "cnn.yaml").read_text()
SCRAPS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    "- ",
    "\t",
    "#",
    "&a ",
    "*a",
    "!!str ",
    "'",
    '"',
    "|",
    ">",
    "null",
    "1e400",
    "\n",
    " ",
    "float",
    "ref",
]


def mutilate(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(text)), chance.choice([0, 1, 1, 5, 40])
        text = text[:at] + chance.choice([*SCRAPS, text[at : at + length] * 2, ""]) + text[at + length :]
    return text


@pytest.mark.parametrize(
    "seeds", [range(100), pytest.param(range(100, 1000), marks=pytest.mark.slow)], ids=["some", "the others"]
)
def test_a_mutilated_file_gives_an_error_and_never_a_traceback(seeds: range) -> None:
    outcomes = [outcome(mutilate(TEXT, random.Random(seed))) for seed in seeds]

    refusals = [text for text in outcomes if text]
    assert 0.3 * len(seeds) < len(refusals) < len(seeds)
    assert all(line.startswith("f:") for text in refusals for line in text.splitlines())


def outcome(text: str) -> str:
    """The faults of a text; nothing for a sound one, which then works."""
    try:
        space = Space.parse(text, "f")
    except SpaceError as error:
        return str(error)
    space.resolve(Random(0))
    space.identity()
    return ""
