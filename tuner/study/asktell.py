"""The writing side of a study: ask for a trial, report its epochs, tell how it ended, take over what was left.

Optuna's trials do not leave this package; training code sees a port, everyone else sees records.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from optuna.study._constrained_optimization import _CONSTRAINTS_KEY
from optuna.trial import FrozenTrial, TrialState

from tuner import sampling
from tuner.port import Epoch, Outcome, State, Trial
from tuner.seeds import derive
from tuner.storage import Ledger, Turns, readable_errors
from tuner.study.record import STOPPED
from tuner.study.study import Study

_TOLD_AS = {
    State.COMPLETE: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    State.DIVERGED: TrialState.PRUNED,  # a sampler learns from PRUNED and ignores FAIL
    State.OUT_OF_MEMORY: TrialState.PRUNED,
    State.TIMED_OUT: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
    State.LOST: TrialState.FAIL,
}


@dataclass(slots=True)
class _Running:
    """A trial that was asked for, by its id in the database.

    `judged` is the last epoch that the pruner has judged, in any attempt.
    """

    id: int
    history: dict[str, list[float]]
    judged: int


class AskTell:
    """A study that a driver works on, as the only one to do so at any moment.

    Args:
        study: opened for its space.
        turns: the driver's right to it; None where there is no other.
    """

    def __init__(self, study: Study, turns: Turns | None = None) -> None:
        self.study = study
        self.optuna = study.optuna
        self._ledger = Ledger(study.optuna._storage, turns)
        self.optuna._storage = self._ledger
        self._running: dict[int, _Running] = {}

    def in_progress(self) -> int:
        """How many trials are running, whichever driver's they are."""
        with readable_errors():
            return len(self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))

    def waiting(self) -> int:
        """How many trials were enqueued or set back."""
        with readable_errors():
            return len(self.optuna.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    @property
    def upcoming(self) -> int:
        """The number of the trial that is asked for next."""
        with readable_errors():
            trials = self.optuna.get_trials(deepcopy=False)
        return next((trial.number for trial in trials if trial.state is TrialState.WAITING), len(trials))

    def ask(self) -> Trial:
        """The next trial: one that waits, else a new one from the sampler.

        The sampler is seeded anew each time by the trial's number, so that a study that was interrupted
        goes on as if it had not been, and never repeats its first trials.
        """
        with readable_errors():
            self._seed_sampler()
            trial = self.optuna.ask()
            attempt = int(trial.user_attrs.get("attempt", 0)) + 1
            values = self.study.space.fill(trial)
            seed = trial.user_attrs.get("seed")  # of an earlier attempt, or as it was enqueued
            if seed is None:
                seed = derive(self.study.space.setting("study.seed"), "trial", trial.number)
            self._ledger.record(trial._trial_id, {"seed": seed, "attempt": attempt})  # with all of its parameters
            history: dict[str, list[float]] = trial.user_attrs.get("history", {})
            judged = int(trial.user_attrs.get("judged", 0))
            begins_anew = self.study.space.objective.function is not None  # it has no checkpoints
            self._running[trial.number] = _Running(trial._trial_id, {} if begins_anew else dict(history), judged)
        return Trial(trial.number, attempt, values, seed)

    def judged(self, number: int) -> int:
        """The last epoch of a running trial that was judged, in any attempt."""
        return self._running[number].judged

    def note(self, number: int, facts: Mapping[str, Any]) -> None:
        """Write down what is known of a running trial besides its epochs."""
        with readable_errors():
            self._ledger.record(self._running[number].id, facts)

    def report(self, epoch: Epoch) -> bool:
        """Record an epoch and say whether the pruner stops the trial here.

        With several objectives Optuna knows no value of an epoch, and nothing is pruned; nor does it learn
        the value of an epoch that breaks a bound.

        An epoch that an earlier attempt has reported is not judged again: the pruner knows more by now,
        and the verdict would depend on where the attempt ended. The epoch, its verdict and what the pruner
        noted are written at once.
        """
        running = self._running[epoch.trial]
        with readable_errors():
            told = self.study.goal.single and self.study.goal.feasible(epoch.metrics)
            values = {epoch.epoch: epoch.metrics[self.study.goal.metric]} if told else {}
            stop, notes = self._judge(running.id, values) if values and epoch.epoch > running.judged else (False, {})
            judged = max(running.judged, epoch.epoch)
            facts = {"epoch": epoch.epoch, **epoch.metrics, "seconds": epoch.seconds, STOPPED: int(stop)}
            kept = sum(number < epoch.epoch for number in running.history.get("epoch", []))
            history = {name: [*running.history.get(name, [])[:kept], fact] for name, fact in facts.items()}
            self._ledger.record(running.id, {"history": history, "judged": judged}, notes, values)
            running.judged, running.history = judged, history  # not before it is written
        return stop

    def _judge(self, trial_id: int, values: Mapping[int, float]) -> tuple[bool, dict[str, Any]]:
        """Whether the pruner stops the trial with these new values, and what it notes on it."""
        trial = copy.copy(self._ledger.get_trial(trial_id))
        trial.intermediate_values = {**trial.intermediate_values, **values}
        with self._ledger.deferring() as notes:
            return self.optuna.pruner.prune(self.optuna, trial), notes

    def tell(self, outcome: Outcome) -> bool:
        """Record how a trial ended, and say whether it has: a suspended one waits, as does a lost one.

        A trial that was lost with its worker too often has failed. One that the pruner had stopped waits
        for nothing: it is pruned.
        """
        with readable_errors():
            trial_id = self._running[outcome.trial].id
            if self._ledger.holds(trial_id):
                return self._tell(outcome)
            del self._running[outcome.trial]  # it was told, and the answer lost with the connection
            return self._ledger.get_trial(trial_id).state.is_finished()

    def _tell(self, outcome: Outcome) -> bool:
        running = self._running[outcome.trial]
        stopped = _stopped_at(running.history)
        there = self._ledger.get_trial_user_attrs(running.id)  # an attempt that crashed may have left its own
        losses = {"losses": int(there.get("losses", 0)) + 1} if outcome.state is State.LOST else {}
        if stopped is None and (outcome.state is State.SUSPENDED or self._may_try_again(losses)):
            self._ledger.set_back(running.id, losses)
            del self._running[outcome.trial]
            return False
        if stopped is not None and outcome.state in (State.SUSPENDED, State.LOST):
            outcome = self._pruned(outcome, running.history, stopped)
        cause = outcome.cause or (self._pruned_by(running) if outcome.state is State.PRUNED else "")
        facts = {"state": outcome.state.value, "epoch": outcome.epoch, "cause": cause, "traceback": outcome.traceback}
        kept = {key: fact for key, fact in facts.items() if fact not in (None, "") or key in there}
        self._ledger.record(running.id, kept, _constraints(outcome.violations))
        values = outcome.values if outcome.state is State.COMPLETE else None
        self.optuna.tell(outcome.trial, values, _TOLD_AS[outcome.state])
        del self._running[outcome.trial]
        return True

    def _pruned(self, outcome: Outcome, history: Mapping[str, list[float]], epoch: int) -> Outcome:
        """What a trial that was stopped at an epoch would have told of itself."""
        at = history["epoch"].index(epoch)
        goal = self.study.goal
        violations = goal.violations({name: history[name][at] for name in goal.names})
        return Outcome(outcome.trial, outcome.attempt, State.PRUNED, epoch=epoch, violations=violations)

    def _may_try_again(self, losses: Mapping[str, int]) -> bool:
        return bool(losses) and losses["losses"] <= int(self.study.space.setting("search.retries"))

    def _seed_sampler(self) -> None:
        section = self.study.space.setting("search.sampler")
        if section["type"] not in sampling.CONTINUES_BY_ITSELF:
            seed = derive(self.study.space.setting("study.seed"), "sampler", self.upcoming)
            self.optuna.sampler = sampling.sampler(section, seed, self.study.goal.single)

    @property
    def exhausted(self) -> bool:
        """Whether the sampler has said that there is nothing left to try, as one over a grid does."""
        return bool(self.optuna._stop_flag)

    def _pruned_by(self, running: _Running) -> str:
        pruner = type(self.optuna.pruner).__name__
        history, at = running.history, running.history[STOPPED].index(1)
        metric = self.study.goal.metric
        return f"{pruner} at epoch {history['epoch'][at]}, {metric} {history[metric][at]:.4g}"

    def leave(self, number: int) -> None:
        """Set a running trial back, as a suspended one is; one that was just told has ended."""
        self.tell(Outcome(number, 0, State.SUSPENDED))

    @property
    def running(self) -> tuple[int, ...]:
        """The trials that were asked for and have not been told of."""
        return tuple(self._running)

    def recover(self, alive: Set[str] = frozenset()) -> int:
        """Set back every trial that a driver left running when it died; how many there were.

        Args:
            alive: the other drivers that may be running trials; what this one runs is left alone anyhow.
        """
        with readable_errors():
            left = [trial for trial in self._others() if trial.user_attrs.get("driver", "") not in alive]
            for trial in left:
                self._set_back(trial)
        return len(left)

    def _others(self) -> list[FrozenTrial]:
        there = self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [trial for trial in there if trial.number not in self._running]

    def _set_back(self, trial: FrozenTrial) -> None:
        if (stopped := _stopped_at(trial.user_attrs.get("history", {}))) is None:
            self._ledger.set_back(trial._trial_id, {})
            return
        self._running[trial.number] = _Running(trial._trial_id, trial.user_attrs["history"], stopped)
        try:
            self._tell(Outcome(trial.number, trial.user_attrs["attempt"], State.LOST))
        finally:
            self._running.pop(trial.number, None)  # it is not this driver's if that failed


def _constraints(violations: Mapping[str, float]) -> dict[str, Any]:
    """By name as `Trial.set_constraint` writes them, and as the list that the dashboard up to 0.21 reads."""
    named = {f"{_CONSTRAINTS_KEY}:{name}": violation for name, violation in violations.items()}
    return {**named, _CONSTRAINTS_KEY: list(violations.values())} if violations else {}


def _stopped_at(history: Mapping[str, list[float]]) -> int | None:
    """The epoch at which the pruner stopped a trial."""
    stops = history.get(STOPPED, [])
    return int(history["epoch"][stops.index(1)]) if 1 in stops else None
