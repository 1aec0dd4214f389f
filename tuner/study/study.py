"""A study that is open: ask, report, tell, read, suspend.

`optuna.Trial` does not leave this file; training code sees a port, everyone else sees records.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import optuna
from optuna.trial import TrialState

from tuner import sampling
from tuner.errors import StudyError
from tuner.goal import Direction, Goal, Scope
from tuner.port import Epoch, Outcome, State, Trial
from tuner.seeds import derive
from tuner.space import Space
from tuner.storage import readable_errors
from tuner.study.record import FINISHED, Record, record_of, undominated

_TOLD_AS = {
    State.COMPLETE: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    State.DIVERGED: TrialState.PRUNED,  # a sampler learns from PRUNED and ignores FAIL
    State.OUT_OF_MEMORY: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
    State.LOST: TrialState.FAIL,
}

FACTS = "tuner"
"""The study's attribute with all that we know of it, written at once."""


class Study:
    """An Optuna study, with the space that it tunes where `tuner` made it.

    Args:
        study: as Optuna loaded or created it.
    """

    def __init__(self, study: optuna.Study) -> None:
        self.optuna = study
        self.name = study.study_name
        self._trials: dict[int, optuna.Trial] = {}
        self._reported: dict[int, int] = {}
        self._history: dict[int, dict[str, list[float]]] = {}
        self._facts: Mapping[str, Any] = study.user_attrs.get(FACTS, {})
        self.made_here = bool(self._facts)
        self.uid: str = self._facts.get("uid", "")

    @functools.cached_property
    def goal(self) -> Goal:
        """What its trials are compared by; bounds are known where `tuner` made it."""
        directions = tuple(Direction(direction.name.lower()) for direction in self.optuna.directions)
        unnamed = ["value"] if len(directions) == 1 else [f"value {i}" for i in range(len(directions))]
        metrics = self._facts.get("metrics") or self.optuna.metric_names or unnamed
        if not self.made_here:
            return Goal(tuple(metrics), directions, Scope.LAST, ())
        return Goal(tuple(metrics), directions, self.space.objective.scope, self.space.objective.bounds)

    @functools.cached_property
    def space(self) -> Space:
        """What the study tunes, where `tuner` made it."""
        return Space.parse(self._facts["space"], self._facts["file"], self._facts["base"])

    def records(self) -> list[Record]:
        """Every trial, by number."""
        with readable_errors():
            return [record_of(trial) for trial in self.optuna.get_trials(deepcopy=False)]

    def record(self, number: int) -> Record:
        """One trial.

        Raises:
            StudyError: the study has no trial of that number.
        """
        records = self.records()
        if not 0 <= number < len(records):
            raise StudyError(f"study {self.name} has no trial {number}: it has {len(records)} trials, counted from 0")
        return records[number]

    def best(self) -> Record | None:
        """The complete trial of the best value that keeps to the bounds.

        None before there is one, and with several objectives, which have a front.
        """
        if not self.goal.single:
            return None
        return next(iter(self.front()), None)

    def front(self, records: Iterable[Record] | None = None) -> list[Record]:
        """The complete trials that keep to the bounds and that none is better than in all objectives.

        The best in the first objective comes first. With one objective it is the best trial alone.

        Args:
            records: those to choose from; None is all.
        """
        candidates = [record for record in self.ranked(self.records() if records is None else records) if record.sound]
        return candidates[:1] if self.goal.single else undominated(candidates, self.goal.directions)

    def ranked(self, records: Iterable[Record]) -> list[Record]:
        """Complete trials from the best to the worst in the first objective, then the others.

        Those that break a bound come after those that do not.
        """
        sign = -1 if self.goal.direction is Direction.MAXIMIZE else 1

        def rank(record: Record) -> tuple[bool, bool, float]:
            return not record.complete, not record.feasible, math.inf if record.value is None else sign * record.value

        return sorted(records, key=rank)

    def finished(self) -> int:
        """How many trials have ended, however they did."""
        with readable_errors():
            return len(self.optuna.get_trials(deepcopy=False, states=FINISHED))

    def ask(self, facts: Mapping[str, Any]) -> Trial:
        """The next trial: one that waits, else a new one from the sampler.

        The sampler is seeded anew each time by how many trials there are, so that a study that was
        interrupted goes on as if it had not been, and never repeats its first trials.

        Args:
            facts: what to note on the trial about where it runs.
        """
        with readable_errors():
            self._seed_sampler()
            trial = self.optuna.ask()
            attempt = int(trial.user_attrs.get("attempt", 0)) + 1
            values = self.space.fill(trial)
            seed = derive(self.space.setting("study.seed"), "trial", trial.number)
            for key, value in {"attempt": attempt, "seed": seed, **facts}.items():
                trial.set_user_attr(key, value)
            self._trials[trial.number] = trial
            begins_anew = self.space.objective.function is not None  # it has no checkpoints
            self._history[trial.number] = {} if begins_anew else dict(trial.user_attrs.get("history", {}))
            self._reported[trial.number] = self.optuna._storage.get_trial(trial._trial_id).last_step or 0
        return Trial(trial.number, attempt, values, seed)

    def report(self, epoch: Epoch) -> bool:
        """Record an epoch and say whether the pruner would stop the trial here.

        Written through the storage, since a trial's own `report` ignores a step that it has seen. With
        several objectives Optuna knows no value of an epoch, and nothing is pruned.

        Nor does it learn the value of an epoch that breaks a bound.

        An epoch before the last that an earlier attempt has reported is not judged again: later ones
        are known to the pruner, which would compare those.
        """
        trial = self._trials[epoch.trial]
        history = self._history[epoch.trial]
        for name, value in {**epoch.metrics, "seconds": epoch.seconds}.items():
            history[name] = [*history.get(name, [])[: epoch.epoch - 1], value]
        with readable_errors():
            storage = self.optuna._storage
            storage.set_trial_user_attr(trial._trial_id, "history", history)
            if not self.goal.single or not self.goal.feasible(epoch.metrics):
                return False  # a trial that breaks a bound is no measure for those that do not
            storage.set_trial_intermediate_value(trial._trial_id, epoch.epoch, epoch.metrics[self.goal.metric])
            if epoch.epoch < self._reported[epoch.trial]:
                return False
            return self.optuna.pruner.prune(self.optuna, storage.get_trial(trial._trial_id))

    def tell(self, outcome: Outcome) -> bool:
        """Record how a trial ended, and say whether it has: a suspended one waits, as does a lost one.

        A trial that was lost with its worker too often has failed.
        """
        if outcome.state is State.SUSPENDED or (outcome.state is State.LOST and self._may_try_again(outcome)):
            self.suspend(outcome.trial)
            return False
        trial = self._trials[outcome.trial]
        cause = outcome.cause or self._pruned_by(outcome)
        facts = {"state": outcome.state.value, "epoch": outcome.epoch, "cause": cause, "traceback": outcome.traceback}
        with readable_errors():
            for key, fact in facts.items():
                if fact not in (None, "") or key in trial.user_attrs:  # an attempt that crashed may have left its own
                    trial.set_user_attr(key, fact)
            self._set_constraints(trial, outcome.violations)
            values = outcome.values if outcome.state is State.COMPLETE else None
            self.optuna.tell(trial, values, _TOLD_AS[outcome.state])
        del self._trials[outcome.trial]
        return True

    def _may_try_again(self, outcome: Outcome) -> bool:
        """Count a loss, and say whether another attempt is due."""
        trial = self._trials[outcome.trial]
        losses = int(trial.user_attrs.get("losses", 0)) + 1
        with readable_errors():
            trial.set_user_attr("losses", losses)
        return losses <= int(self.space.setting("search.retries"))

    def _set_constraints(self, trial: optuna.Trial, violations: Mapping[str, float]) -> None:
        """By name for Optuna, and as the list that the dashboard up to 0.21 reads."""
        for name, violation in violations.items():
            trial.set_constraint(name, violation)
        if violations:
            storage = self.optuna._storage
            storage.set_trial_system_attr(trial._trial_id, "constraints", list(violations.values()))

    def _seed_sampler(self) -> None:
        section = self.space.setting("search.sampler")
        if section["type"] not in sampling.CONTINUES_BY_ITSELF:
            position = len(self.optuna.get_trials(deepcopy=False))
            seed = derive(self.space.setting("study.seed"), "sampler", position)
            self.optuna.sampler = sampling.sampler(section, seed, self.goal.single)

    @property
    def exhausted(self) -> bool:
        """Whether the sampler has said that there is nothing left to try, as one over a grid does."""
        return bool(self.optuna._stop_flag)

    def _pruned_by(self, outcome: Outcome) -> str:
        if outcome.state is not State.PRUNED:
            return ""
        value = self._history[outcome.trial][self.goal.metric][-1]
        return f"{type(self.optuna.pruner).__name__} at epoch {outcome.epoch}, {self.goal.metric} {value:.4g}"

    def suspend(self, number: int) -> None:
        """Set a running trial back to waiting, under its own number; one that was just told has ended."""
        trial = self._trials.pop(number)
        with readable_errors():
            storage = self.optuna._storage
            if not storage.get_trial(trial._trial_id).state.is_finished():
                storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)

    @property
    def running(self) -> tuple[int, ...]:
        """The trials that were asked for and have not been told of."""
        return tuple(self._trials)

    def recover(self) -> int:
        """Set back every trial that a crash left running; how many there were.

        Only for a driver that has the database to itself.
        """
        with readable_errors():
            left = self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            for trial in left:
                self.optuna._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
        return len(left)
