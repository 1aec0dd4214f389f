from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import tuner
from tests.conftest import TINY
from tests.support.runs import run
from tuner.errors import Interrupted, NoTrialSucceeded, TunerError
from tuner.protocol import State, Verdict
from tuner.search.events import Ended, Event, Opened, Reported, Started
from tuner.space import Space
from tuner.storage import open_storage, study_folder
from tuner.study import Record, load_study


def test_a_study_runs_to_its_total_and_says_what_happens(tiny: Path, url: str) -> None:
    result, events = run(tiny, url)

    assert [type(event) for event in events] == [Opened, *[Started, Reported, Reported, Ended] * 3]
    records = result.study.records()
    assert [record.state for record in records] == ["complete"] * 3
    assert result.best.value == max(record.value or 0 for record in records)
    assert set(result.best.history) == {"train_loss", "lr", "accuracy", "precision", "recall", "f1", "loss", "seconds"}


def test_a_rerun_goes_on_up_to_the_total_of_all_runs(tiny: Path, url: str) -> None:
    run(tiny, url, n_trials=2)

    _, again = run(tiny, url, n_trials=2)
    result, more = run(tiny, url, n_trials=3)

    assert [type(event) for event in again] == [Opened]
    assert [event.trial.number for event in more if isinstance(event, Started)] == [2]
    assert len(result.study.records()) == 3


def test_the_same_seed_gives_the_same_study(tiny: Path, tmp_path: Path) -> None:
    studies = [run(tiny, f"sqlite:///{tmp_path}/{name}.db")[0].study.records() for name in ("a", "b")]

    def told(records: list[Record]) -> list[object]:
        return [(record.params, record.value, record.history["loss"]) for record in records]

    assert told(studies[0]) == told(studies[1])


def test_time_that_is_up_starts_no_trial_and_the_next_run_goes_on(tiny: Path, url: str) -> None:
    with pytest.raises(NoTrialSucceeded, match="no trial is complete yet"):
        run(tiny, url, timeout=1e-9)

    result, _ = run(tiny, url)
    assert result.study.finished() == 3


def test_flags_and_settings_replace_values_of_the_file(tiny: Path, url: str) -> None:
    result, _ = run(tiny, url, study_name="other", n_trials=1, epochs=1, seed=5, settings=[("model.hidden", [4])])

    study = load_study(open_storage(url), "other")
    assert study.space.study.seed == 5
    assert study.space.fixed["model"]["hidden"] == [4]
    assert len(result.best.history["loss"]) == 1


def test_a_pruned_trial_stops_at_its_epoch(tiny: Path, url: str) -> None:
    space = Space.load(tiny, [("search.pruner", {"type": "ThresholdPruner", "lower": 1.1}), ("training.epochs", 5)])

    with pytest.raises(NoTrialSucceeded, match="most common cause: ThresholdPruner at epoch 1"):
        run(space, url, n_trials=2)

    records = load_study(open_storage(url), "tiny").records()
    assert [(record.state, len(record.history["loss"])) for record in records] == [("pruned", 1)] * 2


def test_an_exception_in_a_trial_fails_it_and_the_study_goes_on(tmp_path: Path, url: str) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self, in_features, num_classes, broken):\n"
        "        super().__init__(in_features, num_classes)\n"
        "        self.broken, self.steps = broken, 0\n"
        "    def forward(self, images):\n"
        "        self.steps += self.training\n"
        "        if self.broken and self.steps > 5: raise ValueError('as asked')\n"
        "        return super().forward(images.flatten(1))\n"
    )
    text = TINY.replace(
        TINY[TINY.index("model:") : TINY.index("optimizer:")],
        "model: {type: net.py:Net, broken: {choice: [true, false]}}\n",
    )
    space = Space.parse(
        text, base=tmp_path, settings=[("search.trials", 8), ("search.sampler", {"type": "RandomSampler"})]
    )

    result, _ = run(space, url)

    states = {record.params["model.broken"]: record.state for record in result.study.records()}
    assert states == {True: "failed", False: "complete"}
    failed = next(record for record in result.study.records() if record.state == "failed")
    assert failed.cause == "ValueError: as asked"
    assert "net.py" in failed.attributes.named["traceback"]


def test_a_crashed_run_is_found_and_continued_under_its_own_numbers(tiny: Path, url: str) -> None:
    class Crash(BaseException):
        pass

    def crash(event: Event) -> None:
        if isinstance(event, Reported) and event.epoch.trial == 1:
            raise Crash

    with pytest.raises(Crash):
        tuner.run(tiny, storage=url, observe=crash)

    result, events = run(tiny, url)

    assert [event.trial.number for event in events if isinstance(event, Started)] == [1, 2]
    assert [record.attributes.attempt for record in result.study.records()] == [1, 2, 1]


def checkpoints_of(url: str) -> list[Path]:
    study = load_study(open_storage(url), "tiny")
    return sorted(study_folder(url, "tiny", study.uid).glob("checkpoints/*"))


def test_a_signal_suspends_the_trial_at_its_epochs_end_and_a_rerun_ends_as_if_nothing_had_happened(
    tiny: Path, tmp_path: Path
) -> None:
    import os
    import signal

    whole, _ = run(tiny, f"sqlite:///{tmp_path}/whole.db")
    url = f"sqlite:///{tmp_path}/cut.db"

    def interrupt(event: Event) -> None:
        if isinstance(event, Started) and event.trial.number == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted) as caught:
        tuner.run(tiny, storage=url, observe=interrupt)
    checkpoints = checkpoints_of(url)
    waiting = load_study(open_storage(url), "tiny").record(1)
    events: list[Event] = []
    tuner.run(tiny, storage=url, observe=events.append)

    assert caught.value.exit_code == 130
    assert [file.name for file in checkpoints] == ["1.pt"]
    assert (waiting.state, len(waiting.history["loss"])) == ("waiting", 1)
    assert [event.epoch.epoch for event in events if isinstance(event, Reported) and event.epoch.trial == 1] == [2]
    cut = load_study(open_storage(url), "tiny").records()
    assert [(r.params, r.value, r.history["loss"]) for r in cut] == [
        (r.params, r.value, r.history["loss"]) for r in whole.study.records()
    ]
    assert [file.name for file in checkpoints_of(url)] == ["1.best.pt", "1.pt"]  # it is among the best three


def test_events_are_frozen(tiny: Path, url: str) -> None:
    _, events = run(tiny, url, n_trials=1)

    with pytest.raises(dataclasses.FrozenInstanceError):
        events[0].total = 7  # type: ignore[union-attr, misc]  # a frozen dataclass refuses it
    assert [event.verdict for event in events if isinstance(event, Reported)] == [Verdict.GO, Verdict.GO]
    assert [event.outcome.state for event in events if isinstance(event, Ended)] == [State.COMPLETE]


def test_a_grid_ends_when_it_is_used_up(tiny: Path, url: str) -> None:
    space = Space.load(
        tiny,
        [
            ("optimizer", {"type": "SGD", "lr": {"choice": [0.1, 0.2]}}),
            ("model.hidden", [4]),
            ("search.sampler", {"type": "GridSampler", "search_space": {"optimizer.lr": [0.1, 0.2]}}),
        ],
    )

    result, _ = run(space, url, n_trials=9)

    assert sorted(record.params["optimizer.lr"] for record in result.study.records()) == [0.1, 0.2]


def test_another_study_of_the_same_name_does_not_go_on_from_the_ones_checkpoint(tiny: Path, tmp_path: Path) -> None:
    import os
    import signal

    url = f"sqlite:///{tmp_path}/studies.db"

    def interrupt(event: Event) -> None:
        if isinstance(event, Started):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        tuner.run(tiny, storage=url, observe=interrupt)
    assert len(checkpoints_of(url)) == 1
    for file in tmp_path.glob("studies.db*"):
        file.unlink()

    _, events = run(tiny, url, n_trials=1)

    assert [event.epoch.epoch for event in events if isinstance(event, Reported)] == [1, 2]


def test_a_study_goes_on_from_wherever_its_file_has_moved(tiny: Path, url: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self, in_features, num_classes): super().__init__(in_features, num_classes)\n"
        "    def forward(self, images): return super().forward(images.flatten(1))\n"
    )
    settings = [("model", {"type": "net.py:Net"})]
    run(tiny, url, n_trials=1, settings=settings)
    (tmp_path / "moved").mkdir()
    (tmp_path / "net.py").rename(tmp_path / "moved" / "net.py")
    moved = tiny.rename(tmp_path / "moved" / "tiny.yaml")

    result, _ = run(moved, url, n_trials=2, settings=settings)

    assert [record.state for record in result.study.records()] == ["complete", "complete"]


def test_a_run_whose_trials_all_fail_is_given_up_and_can_go_on(tmp_path: Path, url: str) -> None:
    net = "class Net(nn.Linear):\n    def forward(self, x):\n        {}\n        return super().forward(x.flatten(1))\n"
    failing = "if self.training and len(x) > 10: raise KeyError('of my own')"
    head = "from torch import nn\n\n"
    (tmp_path / "net.py").write_text(head + net.format(failing))
    text = TINY.replace("{type: MLP, hidden: {list: {int: [8, 16]}, length: {int: [1, 2]}}}", "{type: 'net.py:Net'}")
    (tmp_path / "failing.yaml").write_text(text.replace("trials: 3", "trials: 20, max_failures: 4"))

    with pytest.raises(
        TunerError, match=r"4 trials failed in a row; the most common cause: KeyError: 'of my own'"
    ) as given_up:
        tuner.run(tmp_path / "failing.yaml", storage=url)
    (tmp_path / "net.py").write_text(head + net.format("pass"))
    result = tuner.run(tmp_path / "failing.yaml", storage=url, n_trials=6)

    assert given_up.value.exit_code == 1
    states = [record.state for record in result.study.records()]
    assert states == ["failed"] * 4 + ["complete"] * 2
