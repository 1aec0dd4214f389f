"""Studies of made-up trials, with all that may happen to one."""

from __future__ import annotations

import datetime
import random
from typing import Any

import optuna

from tuner.study import Study
from tuner.study.trial_attributes import HISTORY

STATES = optuna.trial.TrialState
NINE = datetime.datetime(2026, 3, 1, 9)


def study_of(trials: int, url: str | None = None) -> Study:
    """A study of made-up trials: a third pruned, some failed or diverged, one value far off."""
    study = optuna.create_study(study_name="<b>made</b> up", direction="minimize", storage=url)
    study.set_metric_names(["loss"])
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        "optimizer.lr": optuna.distributions.FloatDistribution(1e-5, 1, log=True),
        "optimizer": optuna.distributions.CategoricalDistribution(["SGD", "Adam"]),
    }
    for i in range(trials):
        rate = 10 ** -(1 + 4 * (i * 7 % 100) / 100)
        values = [abs(rate - 0.01) + 1 / epoch for epoch in range(1, 6)]
        state = STATES.PRUNED if i % 3 == 2 else STATES.FAIL if i % 10 == 9 else STATES.COMPLETE
        values = values[:2] if state is STATES.PRUNED else values
        attributes: dict[str, Any] = {"attempt": 1}
        if state is not STATES.COMPLETE:
            attributes |= {"cause": "<script>alert(1)</script>", "state": "diverged" if i % 2 else "pruned"}
        trial = optuna.trial.create_trial(
            state=state,
            value=None if state is STATES.FAIL else (1e6 if i == 10 else values[-1]),
            params={"optimizer.lr": rate, "optimizer": ["SGD", "Adam"][i % 2]},
            distributions=distributions,
            intermediate_values=dict(enumerate(values, start=1)),
            user_attrs=attributes | {"state": "complete"} if state is STATES.COMPLETE else attributes,
            system_attrs={HISTORY: {"loss": values, "seconds": [0.1] * len(values)}},
        )
        study.add_trial(trial)
    return Study(study)


def study_of_several(trials: int, objectives: int) -> Study:
    """A study that Optuna made, with trials out of bounds, pruned and failed."""
    up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
    study = optuna.create_study(directions=[up, *[down] * (objectives - 1)])

    def objective(trial: optuna.Trial) -> list[float]:
        x = trial.suggest_float("x", 0, 1)
        trial.set_constraint("size", x - 0.8)
        if trial.number % 7 == 3:
            raise optuna.TrialPruned
        return [x, *(abs(x - i / objectives) for i in range(objectives - 1))]

    study.optimize(objective, n_trials=trials)
    return Study(study)


def branched(trials: int, seed: int = 0) -> Study:
    """Two branches of an optimizer, each with a rate of its own; SGD's decides all there, and Adam's beta nothing.

    Every seventh trial is out of bounds and looks by far the best.
    """
    study = optuna.create_study(study_name="branched", direction="maximize")
    study.set_metric_names(["accuracy"])
    draw = random.Random(seed)
    for number in range(trials):
        name = ["SGD", "Adam"][number % 2]
        rate, beta = 10 ** draw.uniform(-4, -1), draw.uniform(0.5, 0.99)
        params = {"optimizer": name, f"optimizer.{name}.lr": rate}
        distributions: dict[str, optuna.distributions.BaseDistribution] = {
            "optimizer": optuna.distributions.CategoricalDistribution(["SGD", "Adam"]),
            f"optimizer.{name}.lr": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
        }
        if name == "Adam":
            params["optimizer.Adam.beta"] = beta
            distributions["optimizer.Adam.beta"] = optuna.distributions.FloatDistribution(0.5, 0.99)
        value = rate if name == "SGD" else 0.01 - rate / 20
        infeasible = number % 7 == 6
        study.add_trial(
            optuna.trial.create_trial(
                value=9.0 if infeasible else value,
                params=params,
                distributions=distributions,
                constraints={"size": 1.0 if infeasible else -1.0},
            )
        )
    return Study(study)


def large(trials: int, epochs: int) -> Study:
    """As many trials as a long search has, of ten parameters, some in branches; a third pruned, one in fifty failed."""
    study = optuna.create_study(study_name="large", direction="maximize")
    study.set_metric_names(["accuracy"])
    rate = optuna.distributions.FloatDistribution(1e-5, 1, log=True)
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        "optimizer": optuna.distributions.CategoricalDistribution(["SGD", "AdamW"]),
        **{f"model.{i}": optuna.distributions.FloatDistribution(0, 1) for i in range(6)},
        "model.units": optuna.distributions.IntDistribution(16, 512, log=True),
    }
    draw = random.Random(0)
    made = []
    for i in range(trials):
        state = STATES.PRUNED if i % 3 == 2 else STATES.FAIL if i % 50 == 1 else STATES.COMPLETE
        name = ["SGD", "AdamW"][i % 2]
        params: dict[str, Any] = {
            "optimizer": name,
            f"optimizer.{name}.lr": 10 ** draw.uniform(-5, 0),
            "model.units": draw.randint(16, 512),
        }
        params |= {f"model.{k}": draw.random() for k in range(6)}
        top = 1 - abs(params["model.0"] - 0.9) - 0.1 * draw.random()
        curve = [top * (1 - 0.7**epoch) for epoch in range(1, epochs + 1)][: 3 if state is STATES.PRUNED else epochs]
        start = NINE + datetime.timedelta(seconds=i)
        kept = dict.fromkeys(("accuracy", "f1", "loss", "train_loss", "lr"), curve)
        told = {"state": "failed", "cause": f"ValueError: row {i} is bad"} if state is STATES.FAIL else {}
        told = {"state": "pruned", "cause": f"MedianPruner at epoch 3, {i}"} if state is STATES.PRUNED else told
        made.append(
            optuna.trial.FrozenTrial(
                number=i,
                trial_id=i,
                state=state,
                value=None if state is STATES.FAIL else curve[-1],
                datetime_start=start,
                datetime_complete=start + datetime.timedelta(seconds=4 + 10 * params["model.1"]),
                params=params,
                distributions={**distributions, f"optimizer.{name}.lr": rate},
                user_attrs={
                    "attempt": 1,
                    "worker": str(i % 8),
                    "host": "here",
                    "state": "complete",
                    **told,
                },
                system_attrs={
                    HISTORY: {"epoch": list(range(1, len(curve) + 1)), **kept, "seconds": [0.4] * len(curve)}
                },
                intermediate_values=dict(enumerate(curve, start=1)),
            )
        )
    study.add_trials(made)
    return Study(study)
