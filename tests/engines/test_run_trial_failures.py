from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.ports import FakePort
from tests.support.spaces import FOUR_EPOCHS
from tests.support.trials import job_of, trial
from tuner.config import Config
from tuner.engines.run_trial import run_trial
from tuner.errors import Interrupted
from tuner.protocol import Epoch, Outcome, State, Trial, Verdict
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job, Run


@pytest.fixture(scope="module")
def job() -> Job:
    return job_of()


def run(job: Job, given: Trial, port: FakePort, interval: float = 10.0) -> Outcome:
    return run_trial(job, given, port, interval)


def test_a_loss_that_is_no_number_ends_the_trial_as_diverged_after_its_last_good_epoch(job: Job) -> None:
    port = FakePort()

    outcome = run(job, trial(optimizer__lr=1e38), port)

    assert outcome.state is State.DIVERGED
    assert (outcome.epoch or 0) == len(port.epochs)
    assert "train_loss is" in outcome.cause
    assert outcome.cause.endswith(f"at epoch {len(port.epochs) + 1}")


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


def test_what_the_port_raises_ends_the_run_and_is_not_the_trials_fault(job: Job) -> None:
    class Broken(FakePort):
        def report(self, epoch: Epoch) -> Verdict:
            raise RuntimeError("the driver's own")

    with pytest.raises(RuntimeError, match="the driver's own"):
        run(job, trial(), Broken())


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
