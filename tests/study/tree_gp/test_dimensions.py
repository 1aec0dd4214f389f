from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution

from tuner.runtime.kinds import is_same
from tuner.space import Space
from tuner.space.suggest import Known
from tuner.study.distributions import distribution_of
from tuner.study.tree_gp.dimensions import Dimension, Dimensions

TREE = """\
data: {type: digits, batch_size: {choice: [32, 64, 128]}}
model:
  choice:
    - type: MLP
      hidden: {list: {int: [8, 64], log: true}, length: {int: [1, 3]}}
      dropout: {float: [0, 0.5], step: 0.1}
    - {type: CNN, channels: {list: {int: [4, 16], step: 4}, length: {choice: [1, 3]}}}
    - {type: Linear}
optimizer: {type: Adam, lr: {float: [1e-5, 1e-1], log: true}, amsgrad: {choice: [true, false]}}
"""
SPACE = Space.parse(TREE)
DIMENSIONS = [Dimension(row.name, distribution_of(row.hole), row.when) for row in SPACE.parameters()]


@given(st.integers(0, 10_000))
def test_each_config_that_is_drawn_or_changed_is_one_of_the_space(seed: int) -> None:
    dimensions, chance = Dimensions(DIMENSIONS), np.random.default_rng(seed)
    configs = dimensions.drawn(8, chance)
    changed = dimensions.changed(configs, chance)

    kinds = {each.name: each.distribution for each in DIMENSIONS}
    for config in (*configs, *changed):
        params = dimensions.params(config)
        taken = Taking(params)
        SPACE.fill(taken)  # raises for a parameter that is missing
        assert taken.names == params.keys()  # and none is too many
        for name, value in params.items():
            assert is_same(kinds[name].to_external_repr(kinds[name].to_internal_repr(value)), value)
        again = dimensions.configs([params])[0]
        np.testing.assert_allclose(again, config, atol=1e-9)


class Taking(Known):
    """Gives the values, and notes which were wanted."""

    def __init__(self, values: dict[str, object]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def suggest_float(self, name: str, *_: object, **__: object) -> float:
        self.names.add(name)
        return float(self._values[name])

    def suggest_int(self, name: str, *_: object, **__: object) -> int:
        self.names.add(name)
        return int(self._values[name])

    def suggest_categorical(self, name: str, *_: object) -> object:
        self.names.add(name)
        return self._values[name]


def test_a_change_leaves_all_but_two_parameters_and_what_depends_on_them() -> None:
    dimensions, chance = Dimensions(DIMENSIONS), np.random.default_rng(0)
    configs = dimensions.drawn(200, chance)

    changed = dimensions.changed(configs, chance)

    both = ~np.isnan(configs) & ~np.isnan(changed)
    differing = (both & (np.abs(configs - changed) > 1e-9)).sum(axis=1)
    assert differing.max() <= 2
    assert (differing > 0).mean() > 0.9


def test_values_of_a_grid_are_equally_likely_and_whole_numbers_by_their_logarithm() -> None:
    dimensions = Dimensions(DIMENSIONS)
    drawn = [dimensions.params(config) for config in dimensions.drawn(6000, np.random.default_rng(1))]

    steps = [params["model.MLP.dropout"] for params in drawn if "model.MLP.dropout" in params]
    shares = [sum(abs(step - i / 10) < 1e-9 for step in steps) / len(steps) for i in range(6)]
    assert shares == pytest.approx([1 / 6] * 6, abs=0.03)
    widths = [params["model.MLP.hidden.0"] for params in drawn if "model.MLP.hidden.0" in params]
    middle = math.sqrt(7.5 * 64.5)
    assert sum(width < middle for width in widths) / len(widths) == pytest.approx(0.5, abs=0.05)


def test_labels_are_at_distance_1_and_what_is_absent_is_in_the_middle() -> None:
    dimensions = Dimensions(DIMENSIONS)
    params = {"data.batch_size": 32, "model": "Linear", "optimizer.lr": 1e-3, "optimizer.amsgrad": True}
    base, other = dimensions.features(dimensions.configs([params, {**params, "optimizer.amsgrad": False}]))

    assert ((base - other) ** 2).sum() == pytest.approx(1)
    owner = [each.name for each in DIMENSIONS].index("model.MLP.dropout")
    assert base[dimensions.owners == owner] == pytest.approx([0.5])


def test_true_is_not_1() -> None:
    assert not is_same(True, 1)
    assert is_same(math.nan, math.nan)


def test_a_choice_of_thousands_of_labels_takes_no_square_of_their_number() -> None:
    labels = CategoricalDistribution([str(i) for i in range(20_000)])
    dimensions = Dimensions([Dimension("label", labels)])
    configs = dimensions.configs([{"label": "7"}, {"label": "19999"}])

    tracemalloc.start()
    found = dimensions.features(configs)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert np.flatnonzero(found[0]).tolist() == [7]
    assert most < 10_000_000
