from __future__ import annotations

import pytest

from tuner.config import Folds
from tuner.errors import SpaceError
from tuner.space import Space

TEXT = """\
data: {type: digits, folds: 5}
model: {type: MLP}
optimizer: {type: Adam}
"""


@pytest.mark.parametrize(
    ("given", "folds"),
    [("5", Folds(5, 1)), ("{n: 4}", Folds(4, 1)), ("{n: 3, repeats: 2}", Folds(3, 2)), ("null", None)],
)
def test_folds_are_a_number_or_a_mapping(given: str, folds: Folds | None) -> None:
    space = Space.parse(TEXT.replace("5", given))

    assert space.folds == folds
    assert (space.fixed["data"]["valid"] is None) is (folds is not None)


FAULTS = {
    "a split beside folds": (
        "folds: 5}",
        "folds: 5, valid: 0.2}",
        "f.yaml:1:32: data.valid: with folds each row validates once: drop one of the two",
    ),
    "one fold": (
        "folds: 5",
        "folds: 1",
        "f.yaml:1:29: data.folds: must be a number of folds from 2 on, or {n: ..., repeats: ...}, not 1",
    ),
    "tuned folds": ("folds: 5", "folds: {choice: [3, 5]}", "f.yaml:1:29: data.folds: "),
    "tuned seeds": (
        "model:",
        "training: {seeds: {int: [1, 3]}}\nmodel:",
        "f.yaml:2:19: training.seeds: no hole may stand here: all trials train equally often, so that their values",
    ),
    "branches of unlike seeds": (
        "model:",
        "training: {choice: [{name: a, seeds: 2}, {name: b, epochs: 3}]}\nmodel:",
        "f.yaml:2:11: training: its branches train from unlike numbers of seeds, and their values would not compare",
    ),
    "new draws of rows": (
        "model:",
        "search: {confirm: {splits: true}}\nmodel:",
        "f.yaml:2:20: search.confirm.splits: with folds each row validates already: drop it",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), FAULTS.values(), ids=FAULTS)
def test_contradictions_are_named_at_their_place(old: str, new: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.parse(TEXT.replace(old, new), file="f.yaml")

    assert str(caught.value).startswith(message)
