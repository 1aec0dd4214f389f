from __future__ import annotations

import pytest

from tuner.errors import SpaceError
from tuner.space import Space

SOUND = {"data": "{type: digits}", "model": "{type: MLP}", "optimizer": "{type: SGD}"}


def parse(**sections: str) -> Space:
    return Space.parse("\n".join(f"{name}: {text}" for name, text in {**SOUND, **sections}.items()), "f")


@pytest.mark.parametrize(
    ("section", "text", "message"),
    [
        ("studdy", "{}", "studdy: no such section (did you mean study?)"),
        ("search", "{trails: 3}", "search.trails: no such key (did you mean trials?)"),
        ("search", "{trials: 0}", "search.trials: must be a whole number of at least 1, not 0"),
        ("search", "{trials: true}", "search.trials: must be a whole number of at least 1, not true"),
        ("search", "{trials: '3'}", 'not "3"'),
        ("search", "{timeout: soon}", "search.timeout: must be a duration"),
        ("search", "{enqueue: [{optimizer.lr: 1}]}", "optimizer.lr is no parameter of this space"),
        ("search", "{enqueue: 3}", "search.enqueue: must be a list"),
        ("search", "{enqueue: [3]}", "search.enqueue.0: must be a mapping"),
        ("study", "{seed: -1}", "study.seed: must be a whole number of at least 0"),
        ("study", "{name: ''}", "study.name: must be a name"),
        ("study", "7", "study: this section is a mapping"),
        ("objective", "{direction: up}", "objective.direction: must be minimize or maximize, not up"),
        ("objective", "{scope: first}", "objective.scope: must be best or last"),
        ("data", "{type: digits, valid: 1.5}", "data.valid: must be a share between 0 and 1, or a number of rows"),
        (
            "data",
            "{type: digits, batch_size: {choice: [0, 32]}}",
            "data.batch_size: must be a whole number of at least 1, not 0",
        ),
        ("data", "[1]", "data: this section is a mapping"),
        ("model", "{hidden: 3}", "model: type is missing"),
        ("model", "null", "model: this section is a mapping"),
        ("training", "{epochs: {int: [0, 3]}}", "training.epochs: must be a whole number of at least 1, not 0"),
        ("training", "{epochs: 1.5}", "training.epochs: must be a whole number"),
    ],
)
def test_what_a_section_cannot_take_is_refused(section: str, text: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        parse(**{section: text})

    assert message in str(caught.value)


def test_only_three_sections_are_required() -> None:
    with pytest.raises(SpaceError) as caught:
        Space.parse("study: {seed: 1}", "f")

    assert [fault.path for fault in caught.value.faults] == ["data", "model", "optimizer"]


def test_the_rest_has_defaults() -> None:
    space = parse()

    assert (space.study.seed, space.search.trials) == (0, 20)
    assert (space.fixed["training"]["epochs"], space.fixed["data"]["valid"], space.fixed["loss"]) == (10, 0.2, None)
