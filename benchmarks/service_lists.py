"""How soon a server lists many studies, and a page of the trials of a large one."""

from __future__ import annotations

import datetime
import random
import statistics
import time
from collections.abc import Iterator

import httpx
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, create_trial

from tuner.goal import Task, goal_of
from tuner.optuna_internals import id_of
from tuner.space import Space
from tuner.storage import open_storage
from tuner.storage.coordination import Sole
from tuner.storage.tables import found
from tuner.study.registry import create_study, facts_of, new_uid
from tuner.study.study import FACTS
from tuner.study.trial_attributes import HISTORY

ROUNDS = 7
"""Requests of which the median counts."""

EPOCHS = 5
NAME = "optimizer.lr"


def write_study(url: str, name: str, trials: int) -> None:
    """Write a study with complete trials."""
    text = f"study: {{name: {name}}}\nsearch: {{trials: {trials}}}\ndata: {{type: digits}}\nmodel: {{type: MLP}}\n"
    space = Space.parse(f"{text}optimizer: {{type: Adam, lr: {{float: [1e-3, 1e-1], log: true}}}}\n")
    goal = goal_of(space.objective, Task.CLASSIFICATION)
    storage = open_storage(url, create=True)
    study = create_study(storage, name, goal)
    facts = facts_of(space, goal, None, new_uid())
    found(storage, Sole(), id_of(study), {FACTS: facts}, [_trial(i) for i in range(trials)])


def seconds_of(client: httpx.Client, path: str) -> tuple[float, float]:
    """Return the seconds of the first request, and the median of those after it."""
    taken = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        client.get(path).raise_for_status()
        taken.append(time.perf_counter() - began)
    return taken[0], statistics.median(taken[1:])


def measured(client: httpx.Client, studies: int, large: str) -> Iterator[str]:
    """Yield a line for each list."""
    paths = {
        f"the list of {studies} studies": "/studies?limit=1000",
        "a page of 100 trials": f"/studies/{large}/trials?limit=100&history=false",
        "the best 100 trials": f"/studies/{large}/trials?limit=100&sort=value&descending=true",
        "the study itself": f"/studies/{large}",
        "its course": f"/studies/{large}/course",
    }
    for what, path in paths.items():
        first, later = seconds_of(client, path)
        yield f"{what}: {later:.3f} s; the first time {first:.3f} s"


def _trial(number: int) -> FrozenTrial:
    rng = random.Random(number)
    values = [rng.random() for _ in range(EPOCHS)]
    history = {"epoch": list(range(1, EPOCHS + 1)), "accuracy": values, "seconds": [0.1] * EPOCHS}
    trial = create_trial(
        params={NAME: rng.uniform(1e-3, 1e-1)},
        distributions={NAME: FloatDistribution(1e-3, 1e-1, log=True)},
        value=max(values),
        user_attrs={"attempt": 1, "seed": number, "epoch": 1, "state": "complete"},
        system_attrs={HISTORY: history},
        intermediate_values=dict(enumerate(values, 1)),
    )
    began = datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=number)
    trial.number, trial.datetime_start, trial.datetime_complete = number, began, began + datetime.timedelta(seconds=1)
    return trial
