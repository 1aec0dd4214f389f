"""A group of trials that train together: each in lanes of one program, at its own epoch."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from tuner.engines.fused.inspection.contents import Contents, Source
from tuner.engines.fused.lanes import Lanes
from tuner.engines.outcomes import failed
from tuner.engines.trial_run import TrialRun
from tuner.protocol import Outcome, Port, Trial
from tuner.training import Job, Replicates, Run, Weights, close_epoch
from tuner.training.replicates import mean_of, together


@dataclass(frozen=True, slots=True)
class TrialLanes:
    """The places of a trial's runs in a program, which holds their weights while it trains."""

    lanes: Lanes
    replicates: Replicates

    def weights(self) -> Weights:
        """Return a copy of the weights in the lanes, on the CPU."""
        return together([self.lanes.stack.weights(number) for number in self._numbers])

    def state(self, progress: Mapping[str, float], best: Weights | None) -> bytes:
        """Return a checkpoint of the runs, with the numbers of their lanes in it."""
        for number, run in zip(self._numbers, self.replicates, strict=True):
            self.lanes.stack.settle(number, run)
        return self.replicates.state(progress, best)

    @property
    def _numbers(self) -> list[int]:
        number = {id(run): i for i, run in enumerate(self.lanes.runs)}
        return [number[id(run)] for run in self.replicates]


@dataclass(frozen=True, slots=True)
class Trained:
    """One epoch of all trials: the metrics of each, and its share of the seconds."""

    metrics: Sequence[Mapping[str, float]]
    seconds: float


class Changed(Exception):
    """A state that all lanes share has changed, so their last epoch differs from that of trials alone."""


class Together:
    """The trials of one signature that train as one program now.

    Args:
        job: of the study.
        port: to the driver.
        interval: maximum seconds between two checkpoints of a trial.
        source: where their models come from.
    """

    def __init__(self, job: Job, port: Port, interval: float, source: Source) -> None:
        self._job = job
        self._port = port
        self._interval = interval
        self._training: list[TrialRun] = []
        self._source = source
        self._program: Lanes | None = None
        self._shared: Contents | None = None

    def __len__(self) -> int:
        return len(self._training)

    @property
    def trials(self) -> list[Trial]:
        """The trials in the lanes."""
        return [run.trial for run in self._training]

    def join(self, trials: Sequence[tuple[Trial, Replicates | None]]) -> None:
        """Put trials into lanes, with their runs if they are built; a trial that cannot start has ended."""
        joined = [begun for trial, built in trials if (begun := self._begun(trial, built)) is not None]
        if not joined:
            return
        if self._program is None:
            self._program = Lanes(joined[0].replicates.first)
            self._shared = self._looked()
        self._program.join([run for each in joined for run in each.replicates])
        for each in joined:
            each.holder = TrialLanes(self._program, each.replicates)
        self._training += joined

    def _begun(self, trial: Trial, built: Replicates | None) -> TrialRun | None:
        try:
            begun = TrialRun(self._job, trial, self._port, self._interval, built)
        except BaseException as error:  # the trial's code may raise anything, and the others must go on
            self._port.done(failed(trial, error))
            return None
        if broken := begun.broken_from_the_start():
            self._port.done(broken)
            return None
        return begun

    def train(self) -> Trained:
        """Train and score one epoch of each trial.

        Raises:
            Changed: the model did what no trial would have done alone; none of them has the epoch then.
            Exception: whatever the trials' code raises; likewise.
        """
        assert self._program is not None
        began = time.perf_counter()
        runs, objective = self._program.runs, self._job.scores.objective
        rates = [float(run.optimizer.param_groups[0]["lr"]) for run in runs]
        epochs = [trial.epoch + 1 for trial in self._training for _ in trial.replicates]
        losses: list[float] = self._program.train_epoch(epochs).tolist()
        outputs = self._program.outputs()
        self._refuse_changes()
        told = zip(losses, rates, self._scores(runs, outputs), strict=True)
        metrics = iter([{"train_loss": loss, "lr": rate, **scored} for loss, rate, scored in told])
        means = []
        for trial in self._training:
            own = [next(metrics) for _ in trial.replicates]
            close_epoch(trial.replicates.runs, [each.get(objective, each["train_loss"]) for each in own])
            means.append(mean_of(own, self._job.scores.goal.metrics))
        return Trained(means, (time.perf_counter() - began) / len(self._training))

    def _scores(self, runs: Sequence[Run], outputs: Tensor) -> Sequence[Mapping[str, float]]:
        """Return the metrics of each run, scored together with those of its fold."""
        folds: dict[int, list[int]] = {}
        for number, run in enumerate(runs):
            folds.setdefault(id(run.dataset), []).append(number)
        found: list[Mapping[str, float]] = [{}] * len(runs)
        for numbers in folds.values():
            run = runs[numbers[0]]
            assert run.dataset.valid is not None, "a search has a validation split"
            targets, scale = run.dataset.valid.targets, run.dataset.target_scale
            own = outputs if len(folds) == 1 else outputs[numbers]
            for number, scored in zip(
                numbers, self._job.scores.of_several(own, targets, scale, run.loss.link), strict=True
            ):
                found[number] = scored
        return found

    def _looked(self) -> Contents | None:
        """Return the shared state of all lanes, if it can change; the probe has seen only a few steps."""
        model = None if self._program is None else self._program.shared
        return None if model is None else self._source.template(model)

    def _refuse_changes(self) -> None:
        found = self._looked()
        if found is not None and self._shared is not None and (changed := self._shared.changed(found)):
            raise Changed(f"an epoch changed {changed}, of which each trial needs its own")

    def judge(self, trained: Trained) -> None:
        """Report the epoch of every trial; those that end by it leave."""
        assert self._program is not None
        outcomes = [
            self._judged(trial, found, trained) for trial, found in zip(self._training, trained.metrics, strict=True)
        ]
        ends = [outcome for trial, outcome in zip(self._training, outcomes, strict=True) for _ in trial.replicates]
        self._program.leave([lane for lane, outcome in enumerate(ends) if outcome is not None])
        self._training = [trial for trial, outcome in zip(self._training, outcomes, strict=True) if outcome is None]
        for outcome in filter(None, outcomes):
            self._port.done(outcome)

    def _judged(self, trial: TrialRun, metrics: Mapping[str, float], trained: Trained) -> Outcome | None:
        outcome = trial.after(trial.epoch + 1, metrics, trained.seconds, len(trained.metrics))
        return trial.complete() if outcome is None and trial.is_trained else outcome
