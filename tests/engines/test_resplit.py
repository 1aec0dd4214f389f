from __future__ import annotations

import torch

from tests.support.ports import FakePort
from tests.support.spaces import FOUR_EPOCHS
from tuner import data
from tuner.engines.run_trial import run_trial
from tuner.engines.serial import SerialOverSplits
from tuner.protocol import Trial
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job


def test_each_trial_trains_on_the_rows_of_its_seed_and_the_others_on_the_usual_ones() -> None:
    space = Space.parse(FOUR_EPOCHS)
    config = space.resolve(Corner(False, {}))
    usual, drawn = (
        Job.over(data.for_search(config.data, config.base, 0, draw), config, torch.device("cpu")) for draw in (None, 7)
    )
    trials = [Trial(i, 1, space.fill(Corner(False, {})), seed) for i, seed in enumerate((1, 2))]
    port = FakePort(*trials)

    SerialOverSplits(usual, {2: drawn}, 1e9).at(torch.device("cpu"), ".")(port)

    alone = [run_trial(job, trial, FakePort(), 1e9) for job, trial in zip((usual, drawn), trials, strict=True)]
    assert port.outcomes == alone
    assert alone[1] != run_trial(usual, trials[1], FakePort(), 1e9)
