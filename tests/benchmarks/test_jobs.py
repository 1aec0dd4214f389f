"""All contestants train the same trials: what a script says of a job is what its space says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from optuna.trial import FixedTrial

from benchmarks import models, sets
from benchmarks.contestants.race import Work
from benchmarks.jobs import JOBS, Config, Job
from tuner import models as ours
from tuner.config import Config as Ours
from tuner.space import Space

BY_HAND = [name for name, job in JOBS.items() if job.model in ("MLP", "CNN") and job.data != "coloured"]


def filled(job: Job, params: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The config that `tuner` makes of a trial's parameters, which the file enqueues."""
    space = Space.parse(job.space("data", folder, {"enqueue": [params]}), "race.yaml", str(folder))
    return space.fill(FixedTrial(params))


@pytest.mark.parametrize("name", BY_HAND)
def test_a_script_and_a_space_mean_the_same_optimizer_and_network(name: str, tmp_path: Path) -> None:
    job = JOBS[name]
    shape = {"mnist": (1, 28, 28), "digits": (1, 8, 8) if job.model == "CNN" else (64,), "table": (30,)}[job.data]
    for params in job.draws(5, seed=0):
        values = filled(job, params, tmp_path)
        config = job.suggest(FixedTrial(params))

        theirs = models.build(job.model, config, shape, 10)
        mine = ours.build(Ours.of(values, str(tmp_path)).model, shape, 10, str(tmp_path), None)

        assert values["optimizer"] == {"type": config.optimizer, **config.arguments}
        assert [tuple(p.shape) for p in theirs.parameters()] == [tuple(p.shape) for p in mine.parameters()]
        assert rates(theirs) == rates(mine)
        assert (values["data"]["batch_size"], values["training"]["epochs"]) == (job.batch, job.epochs)


def rates(model: torch.nn.Module) -> list[float]:
    return [module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)]


def test_the_same_seed_draws_the_same_trials_and_another_seed_others() -> None:
    job = JOBS["example"]

    assert job.draws(3, seed=0) == job.draws(3, seed=0)
    assert job.draws(3, seed=0) != job.draws(3, seed=1)


def test_a_contestant_reads_back_the_trials_that_were_drawn() -> None:
    job = JOBS["example"]
    drawn = job.draws(4, seed=0)
    work = Work("example", drawn, "", "", 0.0, 0, {})

    assert [config.arguments["lr"] for config in work.configs] == [
        next(value for key, value in params.items() if key.endswith(".lr")) for params in drawn
    ]
    assert all(isinstance(config, Config) for config in work.configs)


def test_the_held_out_rows_are_those_of_the_tuner(tmp_path: Path) -> None:
    sets.write_table(tmp_path / "table.csv")

    rows = sets.table(str(tmp_path / "table.csv"))

    tuned = 569 - math.ceil(569 * 0.2)
    assert len(rows["valid"][1]) == math.ceil(tuned * 0.2)
    assert len(rows["train"][1]) == tuned - math.ceil(tuned * 0.2)


@pytest.mark.parametrize("flat", [True, False])
def test_contestants_train_on_standardised_rows_as_the_tuner_does(flat: bool) -> None:
    inputs, _ = sets.digits(flat)["train"]

    columns = inputs if flat else inputs.reshape(-1, 1)
    varied = columns[:, columns.std(0) > 0]
    torch.testing.assert_close(varied.mean(0), torch.zeros(varied.shape[1]), atol=1e-4, rtol=0)
    torch.testing.assert_close(varied.std(0), torch.ones(varied.shape[1]), atol=1e-4, rtol=0)
