"""Relations between values: their words, their faults, and the configs that keep them."""

from __future__ import annotations

import pytest

from tuner.errors import Place, SpaceError
from tuner.space import Space
from tuner.space.draft import drafted
from tuner.space.relation_rules import broken
from tuner.space.relations import RelationFault, relation_of
from tuner.space.repair import Repair, share_that_holds
from tuner.space.suggest import Corner, Random

OWN = """\
search: {where: WHERE}
objective: {function: 'fit.py:fit', metric: score, direction: maximize}
width: {int: [16, 256], log: true}
depth: {int: [1, 8]}
rate: {float: [1e-5, 1e-1], log: true}
batch: {choice: [16, 32, 64]}
hidden: {list: {int: [4, 64]}, length: {int: [1, 3]}}
kind:
  choice:
    - {type: deep, layers: {int: [2, 9]}}
    - {type: flat}
limit: 100
"""


def space(*where: str, text: str = OWN) -> Space:
    return Space.parse(text.replace("WHERE", str(list(where))), "f.yaml")


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("a <= b", True),
        ("a >= b", False),
        ("a < 3", True),
        ("a < 2", False),
        ("2 * a + 1 <= b", True),
        ("a * b <= 10", True),
        ("a * b < 10", False),
        ("-(a - b) / 3 >= 1", True),
        ("1 <= a < b <= 5", True),
        ("1 <= b < a", False),
        ("a - b - 1 <= -4", True),
        ("a >= missing", True),
        ("1.5e0*a>=3", True),
    ],
)
def test_relations_compare_sums_and_products(text: str, held: bool) -> None:
    values = {"a": 2.0, "b": 5.0}

    assert (relation_of(text, Place(1, 1)).violation(values.get) == 0) is held


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("width", 0, "compares"),
        ("3 <= 4", 0, "names at least one path"),
        ("width <= ", 9, "the relation ends where a number or a path"),
        ("width <= * 3", 9, r"'\*' stands where"),
        ("width == depth", 6, "a ref makes two values equal"),
        ("width != depth", 6, "two ranges, or a choice"),
        ("width / depth <= 3", 8, "divides by a number other than 0"),
        ("width / 0 <= 3", 8, "divides by a number other than 0"),
        ("(width <= 3", 0, "never closed"),
        ("width <= 3 depth", 11, "'depth' is not expected"),
        ("width ** 2 <= 3", 7, r"'\*' stands where"),
        ("__import__('os') <= 3", 10, r"'\(' is not expected"),
        ("3x <= 4", 0, "stands where"),
    ],
)
def test_other_words_are_refused_at_their_place(text: str, at: int, message: str) -> None:
    with pytest.raises(RelationFault, match=message) as fault:
        relation_of(text, Place(1, 1))

    assert fault.value.at == at


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "width * dept <= 64",
            r"f.yaml:1:27: search.where.0: dept is no number .* \(did you mean depth\?\)",
        ),
        ("width <= kind", r"f.yaml:1:28: search.where.0: kind is no number"),
        ("width >= 300", r"f.yaml:1:18: search.where.0: width >= 300 never holds: one side is at least 300, the other"),
        ("kind.deep.layers > 9", "never holds"),
        ("width * depth < 16", "never holds"),
        ("hidden.3 <= 4", "hidden.3 is no number"),
    ],
)
def test_a_file_with_a_wrong_relation_is_refused_at_the_character(text: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        space(text)


def test_an_enqueued_config_that_breaks_a_relation_is_refused() -> None:
    text = OWN.replace("{where", "{enqueue: [{width: 64, depth: 1}, {width: 64, depth: 2}, {kind: flat}], where")

    with pytest.raises(SpaceError, match=r"f.yaml:1:\d+: search.enqueue.1: it breaks width \* depth <= 100") as error:
        space("width * depth <= 100", "kind.deep.layers <= 8", text=text)

    assert len(error.value.faults) == 1


HARD = [
    ("width * depth <= 64",),
    ("width * depth >= 1600", "depth <= 7"),
    ("hidden.0 >= hidden.1", "hidden.1 >= hidden.2", "hidden.0 + hidden.1 + hidden.2 <= 20"),
    ("rate * batch <= 0.001", "rate >= 3e-5"),
    ("kind.deep.layers <= depth - 4", "width <= kind.layers * 8"),
    ("width <= limit", "100 * depth >= width", "batch >= width"),
    ("rate <= 1.001e-3", "rate >= 0.999e-3"),
]


@pytest.mark.parametrize("where", HARD, ids=[where[0] for where in HARD])
def test_a_draft_is_mended_by_small_changes(where: tuple[str, ...]) -> None:
    given = space(*where)
    moved, changed = 0, 0
    for seed in range(25):
        draft = drafted(given, {}, Random(seed))

        found = Repair(given, seed).nearest(draft, {})

        assert found is not None
        assert not broken(given.relations, found.params, found.values)
        assert {row.name: row.hole for row in given.parameters()}["width"].holds(found.params["width"])
        if not broken(given.relations, draft.params, draft.values):
            assert found == draft
        moved += found != draft
        changed += sum(found.params.get(name) != value for name, value in draft.params.items())
    assert changed <= 3 * moved


def test_a_mended_number_is_the_nearest_that_holds() -> None:
    given = space("rate <= 1e-3")
    draft = drafted(given, {"rate": 0.05}, Corner(False, {}))

    found = Repair(given, 0).nearest(draft, {})

    assert found is not None
    assert found.params["rate"] == pytest.approx(1e-3, rel=0.01)


def test_what_is_kept_does_not_change() -> None:
    given = space("width * depth <= 128")
    draft = drafted(given, {"width": 64, "depth": 8}, Corner(False, {}))

    found = Repair(given, 0).nearest(draft, {"width": 64})

    assert found is not None
    assert (found.params["width"], found.params["depth"]) == (64, 2)


def test_the_share_of_the_space_is_estimated_and_an_empty_one_is_refused() -> None:
    assert 0.4 < share_that_holds(space("2 * depth <= 9")) < 0.6
    with pytest.raises(SpaceError, match="no config was found that keeps all of"):
        share_that_holds(space("width * depth <= 64", "width * rate >= 10", "depth * 2 >= width - 20"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width >= 1e999", "1e999 is too large for a number"),
        ("(" * 2000 + "width" + ")" * 2000 + " < 1", "a relation has at most 300 words"),
        ("width < 1 + " + "+".join(["depth"] * 2000), "a relation has at most 300 words"),
        (
            "kind.deep.layers <= kind.flat.wide",
            "compares nothing: no config has all of kind.deep.layers, kind.flat.wide",
        ),
        ("1 <= kind.layers + kind.wide", "compares nothing: no config has all of kind.layers, kind.wide"),
    ],
    ids=["infinite", "nested", "long", "branches", "paths"],
)
def test_a_relation_that_decides_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        space(text, text=OWN.replace("{type: flat}", "{type: flat, wide: {int: [1, 9]}}"))


def test_a_long_relation_that_is_taken_is_judged() -> None:
    brackets, terms = "(" * 140 + "a" + ")" * 140 + " < 1", "a < " + "+".join(["b"] * 140)

    assert [relation_of(text, Place(1, 1)).violation({"a": 0.5, "b": 1.0}.get) for text in (brackets, terms)] == [0, 0]


def test_products_beyond_all_numbers_are_compared() -> None:
    look = {"a": 1.0, "b": 1e200}.get

    assert [bool(relation_of(text, Place(1, 1)).violation(look)) for text in ("a <= b * b", "a >= b * b")] == [0, 1]


def test_paths_of_a_shared_branch_and_of_long_lists_are_compared() -> None:
    space("kind.layers >= hidden.2", "kind.deep.layers >= depth", "hidden.0 <= hidden.1 <= hidden.2")
