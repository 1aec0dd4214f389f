from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tests.support.runs import run
from tuner.errors import StudyError, UsageError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([("optimizer", {"type": "Adm"})], "optimizer.type: there is no Adm in torch.optim (did you mean Adam?)"),
        ([("optimizer.Adam.lrr", 1)], "optimizer.Adam.lrr: Adam takes no argument lrr"),
        ([("model.width", 3)], "model.width: MLP takes no argument width"),
        ([("model", {"type": "CNN", "channels": [4, 4, 4, 4]})], "model.channels: images of 8x8 can be halved 3 times"),
        ([("loss.type", "MSE")], "loss.type: there is no MSE in torch.nn (did you mean MSELoss?)"),
        ([("scheduler.type", "StepLR")], "scheduler: StepLR needs step_size"),
        ([("data.type", "digit")], "data.type: there is no dataset digit (did you mean digits?)"),
        ([("data.size", 3)], "data.size: digits takes no argument size"),
        ([("objective.metric", "rmse")], "rmse does not fit classification"),
        ([("search.sampler.type", "TPE")], "search.sampler.type: there is no TPE in optuna.samplers"),
        (
            [("search.pruner", {"type": "HyperbandPruner", "min": 1})],
            "search.pruner.min: HyperbandPruner takes no argument min",
        ),
        ([("search.pruner", {"type": "SuccessiveHalvingPruner", "reduction_factor": 1})], "reduction_factor"),
        ([("optimizer.Adam.lr", -1.0)], "Invalid learning rate: -1.0"),
        ([("optimizer.SGD.nesterov", "no")], "nesterov is true or false, not a word"),
        ([("optimizer.Adam.lr", "1e-3")], "lr is a number, and '1e-3' is text: write it without quotes"),
        ([("optimizer.Adam.lr", True)], "lr is a number, not true or false"),
        ([("optimizer", {"type": "SparseAdam"})], "SparseAdam fails in its first step"),
        ([("optimizer", {"type": "Adam", "betas": [0.9]})], "Adam refuses its arguments"),
        ([("loss", {"type": "CrossEntropyLoss", "weight": [1.0, 2.0]})], "CrossEntropyLoss fails in its first step"),
        ([("loss", {"type": "CrossEntropyLoss", "label_smoothing": {"float": [0.0, 5.0]}})], "label_smoothing"),
        ([("loss", {"type": "CrossEntropyLoss", "weight": ["a"]})], "CrossEntropyLoss refuses its arguments"),
        ([("scheduler", {"type": "StepLR", "step_size": 0})], "scheduler: StepLR"),
        (
            [("objective", {"metric": "MulticlassROC", "direction": "maximize"})],
            "MulticlassROC gives more than one number",
        ),
        ([("search.sampler", {"type": "TPESampler", "n_startup_trials": "abc"})], "it cannot sample this space"),
        ([("search.sampler", {"type": "BruteForceSampler"})], "it cannot sample this space"),
        ([("search.pruner", {"type": "HyperbandPruner", "reduction_factor": "a"})], "search.pruner"),
        ([("model.type", "math:pi")], "math:pi is a float, not a class"),
        ([("training", {"choice": [{"name": "a", "epochs": 0}]})], "training.a.epochs: must be a whole number"),
        (
            [("data.batch_size", 1), ("model", {"type": "MLP", "batch_norm": True})],
            "MLP fails in its first step: ValueError: Expected more than 1 value per channel",
        ),
        ([("data.batch_size", 4000)], "a batch of 4000 is larger than the training split"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(
    tiny: Path, url: str, tmp_path: Path, settings: list[tuple[str, object]], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        run(tiny, url, settings=settings)

    assert message in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_faults_of_several_sections_are_reported_together_each_at_its_place(tiny: Path, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(tiny, url, settings=[("model.width", 3), ("optimizer.SGD.momentun", 1), ("loss.type", "MSE")])

    lines = str(caught.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["model.width", "optimizer.SGD.momentun", "loss.type"]
    assert all(line.startswith(f"given beside {tiny}: ") for line in lines)


def test_another_space_under_the_same_name_is_refused(tiny: Path, url: str) -> None:
    run(tiny, url, n_trials=1)

    with pytest.raises(StudyError, match=r"training\.epochs: 2 in the study, 3 now"):
        run(tiny, url, n_trials=2, epochs=3)


def test_a_space_for_remote_workers_names_the_service(tmp_path: Path) -> None:
    text = "objective: {remote: true, metric: error, direction: minimize}\nnet: {units: {int: [1, 9]}}"

    with pytest.raises(UsageError, match="remote workers train its trials; start `tuner serve`"):
        tuner.run(tuner.Space.parse(text), storage=f"sqlite:///{tmp_path}/s.db")

    assert not list(tmp_path.iterdir())
