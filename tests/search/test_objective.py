from __future__ import annotations

from pathlib import Path

import optuna
import pytest

import tuner
from tuner.errors import UsageError


def test_an_optuna_script_of_ones_own_tunes_a_space(tiny: Path, url: str) -> None:
    study = optuna.create_study(direction="maximize", storage=url, sampler=optuna.samplers.RandomSampler(seed=0))

    study.optimize(tuner.objective(tiny), n_trials=2)

    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE"]
    for trial in study.trials:
        assert trial.value == max(trial.intermediate_values.values())
        assert list(trial.intermediate_values) == [1, 2]
        assert trial.system_attrs["tuner:history"]["accuracy"] == list(trial.intermediate_values.values())


def test_it_gives_what_tuner_itself_would_for_the_same_parameters(tiny: Path, url: str) -> None:
    ours = tuner.run(tiny, storage=url, n_trials=1).best
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial(dict(ours.params))

    study.optimize(tuner.objective(tiny), n_trials=1)

    assert study.best_value == ours.value


def test_the_studys_pruner_stops_it(tiny: Path) -> None:
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.ThresholdPruner(lower=1.1))

    study.optimize(tuner.objective(tiny), n_trials=1)

    assert study.trials[0].state is optuna.trial.TrialState.PRUNED
    assert list(study.trials[0].intermediate_values) == [1]


def test_a_study_of_the_other_direction_is_refused(tiny: Path) -> None:
    with pytest.raises(UsageError, match=r"create_study\(direction='maximize'\)"):
        optuna.create_study().optimize(tuner.objective(tiny), n_trials=1)
