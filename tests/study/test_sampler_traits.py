"""A sampler that Optuna lacks is a class and a line of the table: all that takes samplers takes it."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from tests.conftest import TINY
from tuner import preflight
from tuner.config import Component
from tuner.errors import BuildError, SpaceError
from tuner.schema import components
from tuner.space import Space
from tuner.study import optuna_classes, samplers
from tuner.study.sampler_traits import TRAITS, Traits, traits_of


class Corners(BaseSampler):
    """Choose the ends of ranges.

    Args:
        upper: whether to choose the upper end.
        seed: of nothing.
    """

    def __init__(self, upper: bool = True, seed: int | None = None) -> None:
        self.upper, self.seed = upper, seed

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return getattr(param_distribution, "high" if self.upper else "low")


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAITS, "Corners", Traits(own=Corners, learns=False))


def space(section: str) -> Space:
    return Space.parse(TINY.replace("trials: 3,", f"trials: 3, sampler: {section},"), "f")


@pytest.mark.usefixtures("listed")
def test_it_is_made_by_its_name_with_the_seed_of_the_study() -> None:
    made = samplers.sampler(Component("Corners", {"upper": False}), seed=7, single=True)

    assert isinstance(made, Corners)
    assert (made.upper, made.seed) == (False, 7)
    study = optuna.create_study(sampler=made)
    assert study.ask().suggest_float("x", 2, 3) == 2


@pytest.mark.usefixtures("listed")
def test_its_arguments_are_checked_at_their_place() -> None:
    preflight.check_names(space("{type: Corners, upper: false}"))

    with pytest.raises(
        SpaceError, match=r"f:2:\d+: search.sampler.uper: Corners takes no argument uper \(did you mean"
    ):
        preflight.check_names(space("{type: Corners, uper: false}"))


@pytest.mark.usefixtures("listed")
def test_it_is_in_the_schema_with_its_arguments() -> None:
    part = components.parts(())["sampler"]

    shape = part.shapes()["Corners"]

    assert shape["properties"]["upper"] == {
        "type": "boolean",
        "description": "whether to choose the upper end.",
        "default": True,
    }
    assert shape["description"] == "Choose the ends of ranges."


@pytest.mark.usefixtures("listed")
def test_a_misspelt_name_is_answered_with_it() -> None:
    with pytest.raises(BuildError, match=r"no Corner in optuna.samplers \(did you mean Corners\?\)"):
        list(optuna_classes.argument_faults({"type": "Corner"}, "sampler"))


@pytest.mark.usefixtures("listed")
def test_a_sampler_is_no_pruner() -> None:
    with pytest.raises(BuildError, match=r"search\.pruner"):
        list(optuna_classes.argument_faults({"type": "Corners"}, "pruner"))


@pytest.mark.usefixtures("listed")
def test_what_it_learns_is_on_its_line() -> None:
    assert not samplers.sampler_learns(space("{type: Corners}").search)
    assert samplers.sampler_learns(space("{type: TPESampler}").search)


def test_every_other_name_of_the_table_is_one_of_optunas() -> None:
    known = {**vars(optuna.samplers), **vars(optuna.pruners)}

    assert [name for name, traits in TRAITS.items() if traits.own is None and name not in known] == []
    assert traits_of("AnyOther") == Traits()
