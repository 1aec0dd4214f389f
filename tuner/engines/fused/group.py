"""Trials on their way together: each in a lane of one program, at an epoch of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.engines.fused.inspection.contents import Contents, Source
from tuner.engines.fused.lanes import Lanes
from tuner.engines.outcomes import failed
from tuner.engines.trial import Course
from tuner.protocol import Outcome, Port, Trial
from tuner.training import Job, Run, Weights, close_epoch


@dataclass(slots=True)
class Lane:
    """A trial in a lane, the last epoch that it has trained, and how to keep something of it."""

    course: Course
    lanes: Lanes
    run: Run
    epoch: int = 0

    def weights(self) -> Weights:
        """A copy of the lane's, on the CPU."""
        return self.lanes.weights(self._number)

    def state(self, progress: Mapping[str, float], best: Weights | None) -> bytes:
        """That of its run, once the lane's is in it."""
        self.lanes.settle(self._number)
        self.lanes.settle_optimizer(self._number)
        return self.run.state(progress, best)

    @property
    def _number(self) -> int:
        return next(i for i, run in enumerate(self.lanes.runs) if run is self.run)


@dataclass(frozen=True, slots=True)
class Trained:
    """One epoch of all lanes: the metrics of each, and the seconds that each has of it."""

    metrics: Sequence[Mapping[str, float]]
    seconds: float


class Changed(Exception):
    """Something that all lanes share has changed, so that their last epoch is not that of trials alone."""


class Together:
    """The trials of one signature that train as one program at this moment.

    Args:
        job: of the study.
        port: to the driver.
        interval: at least so often, in seconds, each has a checkpoint.
        source: where their models come from.
    """

    def __init__(self, job: Job, port: Port, interval: float, source: Source) -> None:
        self._job = job
        self._port = port
        self._interval = interval
        self._lanes: list[Lane] = []
        self._source = source
        self._program: Lanes | None = None
        self._shared: Contents | None = None

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def trials(self) -> list[Trial]:
        """Those in the lanes."""
        return [lane.course.trial for lane in self._lanes]

    def join(self, trials: Sequence[tuple[Trial, Run | None]]) -> None:
        """Put trials into lanes, with the run where it is built already; one that cannot begin has ended."""
        joined = [lane for trial, built in trials if (lane := self._begun(trial, built)) is not None]
        if joined:
            joined[0].lanes.join([lane.run for lane in joined])
            self._lanes += joined

    def _begun(self, trial: Trial, built: Run | None) -> Lane | None:
        course = Course(self._job, trial, self._port, self._interval)
        try:
            run, _ = course.begin(built)
        except BaseException as error:  # the trial's code may raise anything, and the others must go on
            self._port.done(failed(trial, error))
            return None
        if broken := course.broken_from_the_start():
            self._port.done(broken)
            return None
        if self._program is None:
            self._program = Lanes(run)
            self._shared = self._looked()
        return Lane(course, self._program, run)

    def train(self) -> Trained:
        """Train and score one epoch of each lane.

        Raises:
            Changed: the model did what no trial would have done alone; none of them has the epoch then.
            Exception: whatever the trials' code raises; likewise.
        """
        assert self._program is not None
        began = time.perf_counter()
        rates = [float(lane.run.optimizer.param_groups[0]["lr"]) for lane in self._lanes]
        losses: list[float] = self._program.train_epoch([lane.epoch + 1 for lane in self._lanes]).tolist()
        dataset, link = self._lanes[0].run.dataset, self._lanes[0].run.loss.link
        assert dataset.valid is not None, "a search has a validation split"
        outputs = self._program.outputs()
        self._refuse_changes()
        scores = self._job.scores.of_several(outputs, dataset.valid.targets, dataset.target_scale, link)
        for lane, loss, scored in zip(self._lanes, losses, scores, strict=True):
            lane.epoch += 1
            close_epoch(lane.run, scored.get(self._job.scores.objective, loss))
        seconds = (time.perf_counter() - began) / len(self._lanes)
        told = zip(losses, rates, scores, strict=True)
        return Trained([{"train_loss": loss, "lr": rate, **scored} for loss, rate, scored in told], seconds)

    def _looked(self) -> Contents | None:
        """What all lanes share, where any of it could change; the probe has seen a few steps only."""
        model = None if self._program is None else self._program.shared
        return None if model is None else self._source.template(model)

    def _refuse_changes(self) -> None:
        found = self._looked()
        if found is not None and self._shared is not None and (changed := self._shared.changed(found)):
            raise Changed(f"an epoch changed {changed}, of which each trial needs its own")

    def judge(self, trained: Trained) -> None:
        """Report the epoch of every lane; those that end by it leave."""
        assert self._program is not None
        outcomes = [
            self._judged(lane, found, trained) for lane, found in zip(self._lanes, trained.metrics, strict=True)
        ]
        self._program.leave([i for i, outcome in enumerate(outcomes) if outcome is not None])
        self._lanes = [lane for lane, outcome in zip(self._lanes, outcomes, strict=True) if outcome is None]
        for outcome in filter(None, outcomes):
            self._port.done(outcome)

    def _judged(self, lane: Lane, metrics: Mapping[str, float], trained: Trained) -> Outcome | None:
        outcome = lane.course.after(lane, lane.epoch, metrics, trained.seconds, len(trained.metrics))
        if outcome is None and (lane.epoch == lane.run.training.epochs or lane.run.patience.over):
            return lane.course.complete()
        return outcome
