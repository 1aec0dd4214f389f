from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest

import tuner
from tests.conftest import ROOT
from tuner.config import Component
from tuner.errors import BuildError
from tuner.study import optuna_classes, pruners, samplers


def test_tpe_samples_by_groups_and_says_nothing_of_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sampler = samplers.sampler(Component("TPESampler"), seed=1, single=True)

    assert sampler._group is True  # type: ignore[attr-defined]  # private to Optuna


def test_arguments_reach_the_class() -> None:
    # private to Optuna
    halving = pruners.pruner(Component("SuccessiveHalvingPruner", {"reduction_factor": 7}), 3, 0)
    assert halving._reduction_factor == 7  # type: ignore[attr-defined]
    # private to Optuna
    assert samplers.sampler(Component("TPESampler", {"multivariate": False}), 0, True)._group is False  # type: ignore[attr-defined]


def test_hyperband_is_laid_out_for_the_most_epochs_that_a_trial_may_train() -> None:
    # private to Optuna
    assert pruners.pruner(Component("HyperbandPruner"), 27, 0)._max_resource == 27  # type: ignore[attr-defined]


def test_hyperbands_brackets_come_from_the_seed_and_not_from_the_name_of_the_study() -> None:
    def brackets(name: str, seed: int) -> list[int]:
        study = optuna.create_study(study_name=name)
        pruner: Any = pruners.pruner(Component("HyperbandPruner"), 27, seed)
        pruner._try_initialization(study)
        trials = [optuna.trial.create_trial(value=0.0) for _ in range(40)]
        for number, trial in enumerate(trials):
            trial.number = number
        return [pruner._get_bracket_id(study, trial) for trial in trials]

    assert brackets("one", 0) == brackets("other", 0) != brackets("one", 1)
    assert len(set(brackets("one", 0))) > 2


def test_a_wrapped_pruner_is_made_too() -> None:
    section = {"type": "PatientPruner", "patience": 2, "wrapped_pruner": {"type": "MedianPruner"}}

    # private to Optuna
    assert isinstance(pruners.pruner(Component.of(section), 3, 0)._wrapped_pruner, optuna.pruners.MedianPruner)  # type: ignore[attr-defined]


def test_no_pruner_prunes_nothing() -> None:
    assert isinstance(pruners.pruner(None, 3, 0), optuna.pruners.NopPruner)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"type": "TPESampler", "n_startup": 3}, "did you mean n_startup_trials"),
        ({"type": "TPESampler", "seed": 3}, "seed is filled in by tuner"),
        ({"type": "GridSampler"}, "GridSampler needs search_space"),
    ],
)
def test_arguments_that_the_class_refuses_are_named(section: dict[str, object], message: str) -> None:
    assert message in " ".join(text for _, text in optuna_classes.argument_faults(section, "sampler"))


@pytest.mark.parametrize("section", [{"type": "TPE"}, {"type": 3}, {}, 7, {"type": "MedianPruner"}])
def test_what_is_no_sampler_is_refused(section: object) -> None:
    with pytest.raises(BuildError, match=r"search\.sampler"):
        list(optuna_classes.argument_faults(section, "sampler"))


NEEDED: dict[str, dict[str, Any]] = {
    "GridSampler": {"search_space": {"x": [0.1, 0.2, 0.3], "n": [1, 2]}},
    "PartialFixedSampler": {"fixed_params": {"x": 0.5}, "base_sampler": {"type": "TPESampler"}},
    "PatientPruner": {"wrapped_pruner": {"type": "MedianPruner"}, "patience": 2},
    "PercentilePruner": {"percentile": 50.0},
    "ThresholdPruner": {"upper": 100.0},
}
"""The arguments without which a class cannot be made."""
STEPS = """\
def fit(config, report):
    for epoch in (1, 2, 3):
        report(epoch, score=(config["x"] - 0.3) ** 2 + config["n"] / epoch)
"""


def named(kind: str) -> list[str]:
    """The classes that the schema offers."""
    schema = json.loads((ROOT / "docs/space.schema.json").read_text())
    named, code = schema["definitions"][kind]["properties"]["type"]["anyOf"]
    assert code["pattern"], "or code of one's own"
    names: list[str] = named["enum"]
    return names


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in ("sampler", "pruner") for name in named(kind)])
def test_whatever_the_schema_names_works_after_a_plain_install(kind: str, name: str, tmp_path: Path, url: str) -> None:
    (tmp_path / "fit.py").write_text(STEPS)
    x = "[0, 1], step: 0.1" if name == "BruteForceSampler" else "[0, 1]"
    (tmp_path / "steps.yaml").write_text(
        "objective: {function: 'fit.py:fit', metric: score, direction: minimize}\n"
        f"x: {{float: {x}}}\n"
        "n: {int: [1, 2]}\n"
    )

    found = tuner.run(
        tmp_path / "steps.yaml",
        storage=url,
        n_trials=6,
        settings=[(f"search.{kind}", {"type": name, **NEEDED.get(name, {})})],
    )

    assert {record.state for record in found.study.records()} <= {"complete", "pruned"}


def test_a_package_that_is_missing_is_named_before_the_first_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(BuildError, match="CmaEsSampler needs the package cmaes: pip install cmaes"):
        samplers.sampler(Component("CmaEsSampler"), 0, True)


def test_a_base_of_samplers_is_refused() -> None:
    with pytest.raises(BuildError, match="only a base of samplers"):
        list(optuna_classes.argument_faults({"type": "BaseGASampler", "population_size": 4}, "sampler"))


HUNGRY = """\
def fit(config, report):
    if config["width"] > 2 / 3:
        raise MemoryError("a third of the space")
    return -((config["x"] - 0.3) ** 2)
"""


def test_a_sampler_keeps_away_from_where_memory_runs_out(tmp_path: Path, url: str) -> None:
    (tmp_path / "fit.py").write_text(HUNGRY)
    (tmp_path / "hungry.yaml").write_text(
        "search: {trials: 60}\n"
        "objective: {function: 'fit.py:fit', metric: score, direction: maximize}\n"
        "width: {float: [0, 1]}\n"
        "x: {float: [0, 1]}\n"
    )

    records = tuner.run(tmp_path / "hungry.yaml", storage=url).study.records()

    ran_out = [record.state == "out of memory" for record in records]
    assert sum(ran_out[:20]) >= 3  # or there was nothing to learn from
    assert sum(ran_out[20:]) <= 40 / 6  # by chance it were a third
    assert all(record.state != "failed" for record in records)
