from __future__ import annotations

from typing import Any

import pytest

from tuner.errors import SpaceError
from tuner.space import Space

TEXT = """\
data: {type: digits, valid: 0.2, batch_size: -3}
model:
  type: MLP
  hidden: {list: {int: [16, 64]}, length: {int: [1, 2]}}
optimizer: {type: AdamW, lr: 1e-3}
training: {epochs: 0}
"""
SOUND = TEXT.replace("-3", "3").replace("epochs: 0", "epochs: 1")


def faults(settings: list[tuple[str, Any]], text: str = TEXT) -> list[str]:
    with pytest.raises(SpaceError) as caught:
        Space.parse(text, "tiny.yaml", settings=settings)
    return str(caught.value).splitlines()


def test_a_value_that_was_given_has_no_place_in_the_file() -> None:
    (fault,) = faults([("search.trials", -3)], SOUND)

    assert fault == "given beside tiny.yaml: search.trials: must be a whole number of at least 1, not -3"


@pytest.mark.parametrize(
    "settings",
    [
        [],
        [("model", {"type": "CNN", "channels": [8, 16], "dropout": 0.1})],  # a block of another length
        [("model.dropout", 0.25), ("model.batch_norm", True)],  # further lines
        [("data.valid", 0.12345)],  # a longer value before what is wrong
        [("data.type", "MNIST"), ("data.valid", 0.3)],
        [("study.name", "moved"), ("optimizer.lr", 0.5)],
    ],
)
def test_what_the_file_has_is_where_the_file_has_it(settings: list[tuple[str, Any]]) -> None:
    places = [fault.split(" ")[0] for fault in faults(settings)]

    assert places == ["tiny.yaml:1:46:", "tiny.yaml:6:20:"]


def test_a_part_that_cannot_be_built_is_where_the_file_has_it() -> None:
    space = Space.parse(
        SOUND,
        "tiny.yaml",
        settings=[("model.dropout", 0.5), ("optimizer.weight_decay", -1)],
    )

    told = str(space.faulty([("optimizer", "refuses"), ("optimizer.weight_decay", "below 0")]))

    assert told.splitlines() == [
        "given beside tiny.yaml: optimizer.weight_decay: below 0",
        "tiny.yaml:5:1: optimizer: refuses",
    ]
