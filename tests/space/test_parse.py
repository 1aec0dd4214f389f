from __future__ import annotations

import pytest

from tuner.errors import SpaceError
from tuner.space import Space

HEAD = "data: {type: digits}\noptimizer: {type: SGD}\nmodel: "


def faults(model: str) -> str:
    with pytest.raises(SpaceError) as caught:
        Space.parse(f"{HEAD}{{type: X, {model}}}", "f")
    return str(caught.value)


@pytest.mark.parametrize(
    ("hole", "message"),
    [
        ("a: {float: [1, 0]}", "model.a: low 1 is above high 0"),
        ("a: {float: [0, 1], log: true}", "model.a: a log range starts above 0"),
        ("a: {float: [0, 1], step: 0.3}", "model.a: step 0.3 does not divide"),
        ("a: {float: [1, 2], log: true, step: 0.5}", "model.a: log and step exclude each other"),
        ("a: {float: [0, x]}", "model.a: float takes a number, not x"),
        ("a: {float: [true, 1]}", "model.a: float takes a number, not true"),
        ("a: {float: 3}", "model.a: float takes [low, high]"),
        ("a: {float: [0, 1], log: maybe}", "model.a.log: log is true or false"),
        ("a: {float: [0, 1], step: -1}", "model.a.step: a step is above 0"),
        ("a: {int: [16, 250], step: 16}", "end it at 240 or 256"),
        ("a: {int: [1, 2.5]}", "model.a: int takes a whole number, not 2.5"),
        ("a: {int: [0, 4], log: true}", "starts at 1 or above"),
        ("a: {choice: []}", "model.a: choice takes a list of at least one value"),
        ("a: {choice: [1, 1]}", "two branches are called 1"),
        ("a: {choice: [{type: A}, {type: A}]}", "give one of them a name"),
        ("a: {choice: [{b: 1}, {type: A}]}", "a branch needs a type, or a name"),
        ("a: {list: 3}", "a list needs its length"),
        ("a: {list: 3, length: {float: [1, 2]}}", "a length is a whole number"),
        ("a: {list: 3, length: 2000}", "a length is a whole number from 0 to 1000"),
        ("a: {int: [0, 1], float: [0, 1]}", "one hole is either int or float, not both"),
        (
            "a: {int: [0, 1], stp: 2}",
            "stp does not belong to int, a reserved word that takes log, prior and step (did you mean step?)",
        ),
        ("a: {flaot: [0, 1]}", "flaot is not a kind of hole (did you mean float?)"),
        ("a: {ref: 3}", "ref takes a config path"),
        ("a: {ref: model.b}", "ref model.b: there is no model.b in every branch"),
        ("a: {ref: model.typo}", "did you mean type?"),
        ("a: {ref: model.b}, b: {ref: model.a}", "ref model.b leads back to itself"),
        ("a: {ref: model.b.²}, b: [1]", "there is no model.b.² in every branch"),
        ("a: {list: {u: 1, d: {ref: model.a.1.d}}, length: 2}", "leads back to itself"),
        ("a: {b.c: {float: [0, 1]}}", "a key has no dots"),
        ("a: {float: [0, 1], step: 1e-300}", "step 1e-300 is too fine"),
        ("a: {ref: model}", "ref model leads back to itself"),
    ],
)
def test_an_unsound_hole_is_refused_in_words(hole: str, message: str) -> None:
    assert message in faults(hole)


def test_every_fault_of_a_file_is_reported_at_once() -> None:
    text = faults("a: {float: [1, 0]}, b: {int: [1, x]}, c: {choice: []}")

    assert len(text.splitlines()) == 3
    assert [line.split(": ")[0] for line in text.splitlines()] == ["f:3:29", "f:3:51", "f:3:68"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("data: {type: {choice: [digits]}}", "it decides the splits"),
        ("data: {type: digits, valid: {float: [0.1, 0.2]}}", "it decides the splits"),
        ("study: {seed: {int: [0, 9]}}", "a study has one name and one seed"),
        ("search: {trials: {int: [1, 9]}}", "a search does not tune itself"),
        ("objective: {metric: {choice: [accuracy]}}", "trials are compared by it"),
    ],
)
def test_a_hole_where_none_may_stand_is_refused_with_the_reason(path: str, why: str) -> None:
    rest = "model: {type: MLP}\noptimizer: {type: SGD}\n" + (
        "" if path.startswith("data") else "data: {type: digits}\n"
    )

    with pytest.raises(SpaceError, match=why):
        Space.parse(rest + path)


def test_a_mapping_that_only_looks_like_a_hole_is_a_value() -> None:
    space = Space.parse(f"{HEAD}{{type: X, anchors: {{points: [1, 2]}}, b: {{lists: [1], other: 2}}}}")

    assert space.fixed["model"]["anchors"] == {"points": [1, 2]}


def test_a_ref_may_not_stand_for_a_number_that_tuner_counts_by() -> None:
    with pytest.raises(
        SpaceError, match=r"training\.epochs: must be a whole number of at least 1 or a hole of such, not a ref"
    ):
        Space.parse(f"{HEAD}{{type: X, a: 3}}\ntraining: {{epochs: {{ref: model.a}}}}")


def test_a_section_may_be_a_choice_and_its_branches_get_their_defaults() -> None:
    space = Space.parse(f"{HEAD}{{type: X}}\ntraining: {{choice: [{{name: short, epochs: 3}}, {{name: usual}}]}}")

    assert space.highest("training.epochs") == 10
