from __future__ import annotations

from tests.conftest import TINY
from tuner.space import Space
from tuner.space.diff import Source, differences
from tuner.space.suggest import Random


def test_configs_differ_where_trials_may_and_not_in_the_search_or_where_data_lie() -> None:
    one = Space.parse(TINY, settings=[("optimizer", {"type": "SGD", "lr": 0.1}), ("data.root", "here")])
    other = Space.parse(TINY, settings=[("optimizer", {"type": "SGD"}), ("search.trials", 9), ("data.batch_size", 64)])

    found = differences(one, one.fill(Random(0)), other.fill(Random(0)))

    assert list(found) == ["data.batch_size", "optimizer.lr"]


def test_a_config_remembers_the_branches_that_were_chosen_for_it() -> None:
    params = {"model.hidden.length": 1, "model.hidden.0": 8, "optimizer": "Adam", "optimizer.Adam.lr": 0.01}

    source = Source.of(Space.parse(TINY), params)

    assert source.labels == {"optimizer": ("Adam",)}
    assert source.values["optimizer"] == {"type": "Adam", "lr": 0.01}
