from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.ports import FakePort
from tests.support.spaces import FOUR_EPOCHS
from tuner.config import Config
from tuner.engines.outcomes import BestEpoch
from tuner.engines.serial import Serial
from tuner.engines.trial import run_trial
from tuner.errors import Interrupted
from tuner.protocol import Epoch, Outcome, State, Trial, Verdict
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job, Run, evaluate


def trial(number: int = 0, **settings: Any) -> Trial:
    pairs = [(path.replace("__", "."), value) for path, value in settings.items()]
    return Trial(number, 1, Space.parse(FOUR_EPOCHS, settings=pairs).fill(Corner(False, {})), seed=number)


@pytest.fixture(scope="module")
def job() -> Job:
    return job_of()


def job_of(**settings: Any) -> Job:
    return Job.for_search(Config.of(trial(**settings).values, "."), 0, torch.device("cpu"))


def run(job: Job, given: Trial, port: FakePort, interval: float = 10.0) -> Outcome:
    return run_trial(job, given, port, interval)


def test_the_serial_engine_runs_all_that_the_port_has(job: Job) -> None:
    port = FakePort(trial(0), trial(1))

    Serial(job, 10.0)(port)

    assert [(outcome.trial, outcome.state) for outcome in port.outcomes] == [(0, State.COMPLETE), (1, State.COMPLETE)]
    assert [(epoch.trial, epoch.epoch) for epoch in port.epochs] == [(n, e) for n in (0, 1) for e in (1, 2, 3, 4)]


def test_the_value_is_the_best_epochs_or_the_lasts(job: Job) -> None:
    of_last = job_of(objective__scope="last")
    settings: dict[str, Any] = {"optimizer__lr": 2.0, "training__epochs": 8}
    best_port, last_port = FakePort(), FakePort()

    best = run(job, trial(**settings), best_port)
    last = run(of_last, trial(**settings), last_port)

    accuracies = [epoch.metrics["accuracy"] for epoch in best_port.epochs]
    assert best.values == (max(accuracies),)
    assert best.epoch == accuracies.index(max(accuracies)) + 1
    assert (last.values, last.epoch) == ((accuracies[-1],), 8)
    assert max(accuracies) != accuracies[-1]  # or the test tells nothing


def test_a_stopped_trial_ends_pruned_at_that_epoch(job: Job) -> None:
    port = FakePort(verdicts={2: Verdict.STOP})

    outcome = run(job, trial(), port)

    assert (outcome.state, outcome.epoch, outcome.values) == (State.PRUNED, 2, ())
    assert len(port.epochs) == 2


def test_a_suspended_trial_goes_on_from_its_checkpoint_to_the_same_end(job: Job) -> None:
    whole = FakePort()
    expected = run(job, trial(), whole)
    port = FakePort(verdicts={2: Verdict.SUSPEND})

    suspended = run(job, trial(), port)
    port.verdicts = {}
    outcome = run(job, trial(), port)

    assert suspended.state is State.SUSPENDED
    assert outcome == expected
    assert [epoch.metrics for epoch in port.epochs] == [epoch.metrics for epoch in whole.epochs]


def test_a_best_epoch_before_the_suspension_is_not_forgotten(job: Job) -> None:
    best = BestEpoch(job.scores.goal)
    best.see({"accuracy": 0.9}, 1)
    best.see({"accuracy": 0.5}, 2)

    resumed = BestEpoch(job.scores.goal)
    trained = resumed.restore(best.progress(2))
    resumed.see({"accuracy": 0.7}, 3)

    assert (trained, resumed.metrics, resumed.epoch) == (2, {"accuracy": 0.9}, 1)


def test_a_short_trial_saves_no_checkpoint_and_a_long_one_the_last_and_the_best(job: Job) -> None:
    short, long = FakePort(), FakePort()

    run(job, trial(), short)
    outcome = run(job, trial(), long, interval=0.0)

    assert (list(short.checkpoints), list(short.best)) == ([], [])
    last, best = (torch.load(io.BytesIO(kept[0]), weights_only=True) for kept in (long.checkpoints, long.best))
    assert last["progress"]["trained"] == 4
    assert best["progress"]["epoch"] == outcome.epoch
    assert best["progress"]["accuracy"] == outcome.values[0]


def test_the_best_weights_that_are_kept_score_what_the_trial_is_said_to_score(job: Job) -> None:
    port = FakePort()
    given = trial(optimizer__lr=2.0, training__epochs=8)

    outcome = run(job, given, port, interval=0.0)

    kept = Run.build(job, Config.of(given.values, "."), 0)
    kept.model.load_state_dict(torch.load(io.BytesIO(port.best[0]), weights_only=True)["model"])
    assert kept.dataset.valid is not None
    scores = evaluate(kept, kept.dataset.valid, job.scores)
    assert outcome.epoch != 8  # or the test tells nothing
    assert scores["accuracy"] == outcome.values[0]


def test_the_best_weights_survive_a_suspension(job: Job) -> None:
    whole, cut = FakePort(), FakePort(verdicts={6: Verdict.SUSPEND})
    given = trial(optimizer__lr=2.0, training__epochs=8)
    run(job, given, whole, interval=0.0)

    run(job, given, cut, interval=100.0)
    cut.verdicts = {}
    run(job, given, cut, interval=100.0)

    assert cut.best[0] == whole.best[0]


def test_a_loss_that_is_no_number_ends_the_trial_as_diverged_after_its_last_good_epoch(job: Job) -> None:
    port = FakePort()

    outcome = run(job, trial(optimizer__lr=1e38), port)

    assert outcome.state is State.DIVERGED
    assert (outcome.epoch or 0) == len(port.epochs)
    assert "train_loss is" in outcome.cause
    assert outcome.cause.endswith(f"at epoch {len(port.epochs) + 1}")


@pytest.mark.parametrize(("epochs", "verdicts", "foreseen"), [(4, {}, 1), (1, {}, 0), (4, {3: Verdict.STOP}, 0)])
def test_the_next_trial_is_looked_for_before_the_last_epoch_of_a_short_one(
    job: Job, epochs: int, verdicts: dict[int | tuple[int, int], Verdict], foreseen: int
) -> None:
    port = FakePort(trial(training__epochs=epochs), verdicts=verdicts)

    Serial(job, 10.0)(port)

    assert port.foreseen == foreseen


OWN = """\
import torch
from torch import nn

class Net(nn.Linear):
    how = "{how}"

    def __init__(self, in_features, num_classes):
        super().__init__(in_features, num_classes)

    def forward(self, images):
        if self.training:
            if self.how == "raise":
                raise KeyError("of my own")
            if self.how == "cpu memory":
                torch.empty(2 ** 50)
            if self.how == "gpu memory":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().forward(images.flatten(1))
"""


@pytest.mark.parametrize(
    ("how", "state", "cause"),
    [
        ("raise", State.FAILED, "KeyError: 'of my own'"),
        ("cpu memory", State.OUT_OF_MEMORY, "can't allocate memory"),
        ("gpu memory", State.OUT_OF_MEMORY, "CUDA out of memory"),
    ],
)
def test_a_trial_ends_by_its_cause(job: Job, tmp_path: Path, how: str, state: State, cause: str) -> None:
    (tmp_path / "net.py").write_text(OWN.format(how=how))

    beside = Job(job.splits, job.scores, job.device, str(tmp_path))

    outcome = run(beside, trial(model={"type": "net.py:Net"}), FakePort())

    assert outcome.state is state
    assert cause in outcome.cause
    assert ("net.py" in outcome.traceback) == (state is State.FAILED)


def test_an_interruption_ends_the_run_and_not_the_trial(job: Job) -> None:
    class Interrupting(FakePort):
        def report(self, epoch: Epoch) -> Verdict:
            raise Interrupted(2)

    with pytest.raises(Interrupted):
        run(job, trial(), Interrupting())


def test_what_crosses_to_another_process_can_be_pickled(job: Job) -> None:
    import pickle

    port = FakePort(trial())
    outcome = run(job, trial(), port)

    for crossing in (trial(), port.epochs[0], outcome):
        assert pickle.loads(pickle.dumps(crossing)) == crossing
    assert sys.getsizeof(pickle.dumps(trial())) < 4096


def test_what_the_port_raises_ends_the_run_and_is_not_the_trials_fault(job: Job) -> None:
    class Broken(FakePort):
        def report(self, epoch: Epoch) -> Verdict:
            raise RuntimeError("the driver's own")

    with pytest.raises(RuntimeError, match="the driver's own"):
        run(job, trial(), Broken())


def test_a_damaged_checkpoint_begins_the_trial_anew(job: Job) -> None:
    whole, port = FakePort(), FakePort()
    port.checkpoints[0] = b"these are not the bytes of a checkpoint"

    assert run(job, trial(), port) == run(job, trial(), whole)
    assert [epoch.metrics for epoch in port.epochs] == [epoch.metrics for epoch in whole.epochs]


FAULTY = """
from torch import nn

class Net(nn.Linear):
    def __init__(self, in_features, out_features, at):
        super().__init__(in_features, out_features)
        self.at, self.calls = at, 0

    def forward(self, inputs):
        return super().forward(inputs.flatten(1))

    def state_dict(self, *args, **kwargs):
        self.calls += 1
        if self.calls >= self.at:
            raise KeyError("lost")
        return super().state_dict(*args, **kwargs)

class Extra(nn.Linear):
    def forward(self, inputs):
        return super().forward(inputs.flatten(1))

    def get_extra_state(self):
        return {"version": 2}

    def set_extra_state(self, state):
        self.version = state["version"]

class Opaque(Extra):
    def get_extra_state(self):
        return object()
"""


def own_trial(folder: Path, **model: Any) -> tuple[Job, Trial]:
    (folder / "net.py").write_text(FAULTY)
    space = Space.parse(FOUR_EPOCHS, base=folder, settings=[("model", model)])
    values = space.fill(Corner(False, {}))
    return Job.for_search(Config.of(values, str(folder)), 0, torch.device("cpu")), Trial(0, 1, values, seed=0)


@pytest.mark.parametrize(("at", "interval"), [(1, 10.0), (2, 0.0)])
def test_a_state_dict_that_raises_is_the_trials_failure(tmp_path: Path, at: int, interval: float) -> None:
    """At the best weights, or at a checkpoint."""
    job, given = own_trial(tmp_path, type="net.py:Net", at=at)

    outcome = run(job, given, FakePort(), interval)

    assert (outcome.state, outcome.cause) == (State.FAILED, "KeyError: 'lost'")
    assert "raise KeyError" in outcome.traceback


def test_extra_state_outlives_a_checkpoint(tmp_path: Path) -> None:
    job, given = own_trial(tmp_path, type="net.py:Extra")
    port = FakePort()

    outcome = run(job, given, port, 0.0)

    assert outcome.state is State.COMPLETE
    again = Run.build(job, Config.of(given.values, str(tmp_path)), 0)
    again.restore(port.checkpoints[0])
    assert again.model.version == 2


def test_extra_state_that_only_a_pickle_brings_back_is_the_trials_failure(tmp_path: Path) -> None:
    outcome = run(*own_trial(tmp_path, type="net.py:Opaque"), FakePort())

    assert outcome.state is State.FAILED
    assert outcome.cause.startswith("TunerError: the model's state has _extra_state, a object that only a pickle")
