"""A group of trials that train together: each in a lane of one program, at its own epoch."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.engines.fused.inspection.contents import Contents, Source
from tuner.engines.fused.lanes import Lanes
from tuner.engines.outcomes import failed
from tuner.engines.trial_run import TrialRun
from tuner.protocol import Outcome, Port, Trial
from tuner.training import Job, Run, Weights, close_epoch


@dataclass(frozen=True, slots=True)
class Lane:
    """The place of a run in a program, which holds the run's weights while it trains."""

    lanes: Lanes
    run: Run

    def weights(self) -> Weights:
        """Return a copy of the lane's weights, on the CPU."""
        return self.lanes.stack.weights(self._number)

    def state(self, progress: Mapping[str, float], best: Weights | None) -> bytes:
        """Return a checkpoint of the run, with the lane's numbers in it."""
        self.lanes.stack.settle(self._number, self.run)
        return self.run.state(progress, best)

    @property
    def _number(self) -> int:
        return next(i for i, run in enumerate(self.lanes.runs) if run is self.run)


@dataclass(frozen=True, slots=True)
class Trained:
    """One epoch of all lanes: the metrics of each, and its share of the seconds."""

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

    def join(self, trials: Sequence[tuple[Trial, Run | None]]) -> None:
        """Put trials into lanes, with their run if it is built; a trial that cannot start has ended."""
        joined = [begun for trial, built in trials if (begun := self._begun(trial, built)) is not None]
        if not joined:
            return
        if self._program is None:
            self._program = Lanes(joined[0].run)
            self._shared = self._looked()
        self._program.join([each.run for each in joined])
        for each in joined:
            each.holder = Lane(self._program, each.run)
        self._training += joined

    def _begun(self, trial: Trial, built: Run | None) -> TrialRun | None:
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
        """Train and score one epoch of each lane.

        Raises:
            Changed: the model did what no trial would have done alone; none of them has the epoch then.
            Exception: whatever the trials' code raises; likewise.
        """
        assert self._program is not None
        began = time.perf_counter()
        rates = [float(lane.run.optimizer.param_groups[0]["lr"]) for lane in self._training]
        losses: list[float] = self._program.train_epoch([lane.epoch + 1 for lane in self._training]).tolist()
        dataset, link = self._training[0].run.dataset, self._training[0].run.loss.link
        assert dataset.valid is not None, "a search has a validation split"
        outputs = self._program.outputs()
        self._refuse_changes()
        scores = self._job.scores.of_several(outputs, dataset.valid.targets, dataset.target_scale, link)
        for lane, loss, scored in zip(self._training, losses, scores, strict=True):
            close_epoch(lane.run, scored.get(self._job.scores.objective, loss))
        seconds = (time.perf_counter() - began) / len(self._training)
        told = zip(losses, rates, scores, strict=True)
        return Trained([{"train_loss": loss, "lr": rate, **scored} for loss, rate, scored in told], seconds)

    def _looked(self) -> Contents | None:
        """Return the shared state of all lanes, if it can change; the probe has seen only a few steps."""
        model = None if self._program is None else self._program.shared
        return None if model is None else self._source.template(model)

    def _refuse_changes(self) -> None:
        found = self._looked()
        if found is not None and self._shared is not None and (changed := self._shared.changed(found)):
            raise Changed(f"an epoch changed {changed}, of which each trial needs its own")

    def judge(self, trained: Trained) -> None:
        """Report the epoch of every lane; trials that end by it leave."""
        assert self._program is not None
        outcomes = [
            self._judged(lane, found, trained) for lane, found in zip(self._training, trained.metrics, strict=True)
        ]
        self._program.leave([i for i, outcome in enumerate(outcomes) if outcome is not None])
        self._training = [lane for lane, outcome in zip(self._training, outcomes, strict=True) if outcome is None]
        for outcome in filter(None, outcomes):
            self._port.done(outcome)

    def _judged(self, lane: TrialRun, metrics: Mapping[str, float], trained: Trained) -> Outcome | None:
        outcome = lane.after(lane.epoch + 1, metrics, trained.seconds, len(trained.metrics))
        return lane.complete() if outcome is None and lane.is_trained else outcome
