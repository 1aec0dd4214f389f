"""A trial of four epochs, and the job that it is of."""

from __future__ import annotations

from typing import Any

import torch

from tests.support.spaces import FOUR_EPOCHS
from tuner.config import Config
from tuner.protocol import Trial
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job


def trial(number: int = 0, **settings: Any) -> Trial:
    pairs = [(path.replace("__", "."), value) for path, value in settings.items()]
    return Trial(number, 1, Space.parse(FOUR_EPOCHS, settings=pairs).fill(Corner(False, {})), seed=number)


def job_of(**settings: Any) -> Job:
    return Job.for_search(Config.of(trial(**settings).values, "."), 0, torch.device("cpu"))
