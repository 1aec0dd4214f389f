"""The writing side of a study: ask for a trial, report its epochs, tell how it ended, take over what was left.

Optuna's trials do not leave this package; training code sees a port, everyone else sees records.
"""

from __future__ import annotations

import collections
import copy
from collections.abc import Mapping, Set
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from tuner.optuna_internals import id_of, is_stopped, put_storage, storage_of, tell, trial_id_of
from tuner.protocol import Epoch, Fixed, Outcome, State, Trial
from tuner.runtime.seeds import derive
from tuner.storage import DRIVER, TrialUpdate, Turns, WriteBehindStorage, readable_errors
from tuner.study import samplers
from tuner.study.attempt import TOLD_AS, Attempt, constraints, stopped_at
from tuner.study.lost_trials import BEGUN, WITH_THE_RUN, died, epochs_of, has_begun, process_of
from tuner.study.record import HISTORY, TRACEBACK, Record, record_of
from tuner.study.study import Study


class AskTell:
    """A study that a driver works on, as the only one to do so at any moment.

    Args:
        study: opened for its space.
        turns: the driver's right to it; None where there is no other.
        delay: how many seconds what is reported of running trials may be unwritten; with 0 it never is.
    """

    def __init__(self, study: Study, turns: Turns | None = None, delay: float = 0.0) -> None:
        self.study = study
        self.optuna = study.optuna
        self._storage = WriteBehindStorage(storage_of(study.optuna), turns, delay)
        put_storage(self.optuna, self._storage)
        self._running: dict[int, Attempt] = {}
        self.lost: list[Outcome] = []

    def in_progress(self) -> int:
        """How many trials are running, whichever driver's they are."""
        return self._count(TrialState.RUNNING)

    def waiting(self) -> int:
        """How many trials were enqueued or set back."""
        return self._count(TrialState.WAITING)

    def _count(self, state: TrialState | None) -> int:
        with readable_errors():
            return self._storage.get_n_trials(id_of(self.optuna), state)

    def _there(self, *states: TrialState) -> list[FrozenTrial]:
        with readable_errors():
            return self.optuna.get_trials(deepcopy=False, states=states)

    @property
    def unfinished(self) -> list[int]:
        """The numbers of the trials that run or wait."""
        return [trial.number for trial in self._there(TrialState.RUNNING, TrialState.WAITING)]

    @property
    def upcoming(self) -> int:
        """The number of the trial that is asked for next."""
        waiting = self._there(TrialState.WAITING)
        return waiting[0].number if waiting else self._count(None)

    def ended(self) -> list[Record]:
        """The trials that ended since this was asked last, whoever ran them; at first all that have."""
        with readable_errors():
            return [record_of(trial) for trial in self._storage.ended(id_of(self.optuna))]

    def ask(self, place: Mapping[str, Any] | None = None) -> Trial:
        """The next trial: one that waits, else a new one from the sampler.

        It is written where it is (`place`) if it begins there at once; else see `begin`.

        The sampler is seeded anew each time by the trial's number, so that a study that was interrupted
        goes on as if it had not been, and never repeats its first trials.
        """
        with readable_errors(), self._storage.together() as written:
            self._seed_sampler()
            trial = self.optuna.ask()
            waiting = self._storage.get_trial(trial_id_of(trial))
            there = waiting.user_attrs
            attempt = int(there.get("attempt", 0)) + 1
            values = self.study.space.fill(trial)
            seed = there.get("seed")  # of an earlier attempt, or as it was enqueued
            if seed is None:
                seed = self._chance("trial", trial.number)
            own = self.study.space.objective.function is not None
            seed = seed % 2**32 if own else seed  # a function gets it as it is, and libraries take no larger ones
            begun = {} if place is None else {**place, BEGUN: attempt}
            self._storage.note(trial_id_of(trial), TrialUpdate({"seed": seed, "attempt": attempt, **begun}))
        history: dict[str, list[float]] = waiting.system_attrs.get(HISTORY, {})
        interrupted = HISTORY in waiting.system_attrs or "losses" in there
        before = epochs_of(trial.number, history) if own else ()
        asked = Trial(trial.number, attempt, values, seed, interrupted, Fixed.of(there), before)
        self._running[trial.number] = Attempt(
            written.begun,
            history,
            judged=int(there.get("judged", 0)),
            attempt=attempt,
            lanes=int(there.get("lanes", 1)),
            last=None if own else asked.epochs,  # of its own, it has as many epochs as it likes
            losses=int(there.get("losses", 0)),
            worker="" if place is None else place["worker"],
            begun=place is not None,
        )
        return asked

    def judged(self, number: int) -> int:
        """The last epoch of a running trial that was judged, in any attempt."""
        return self._running[number].judged

    def note(self, number: int, facts: Mapping[str, Any]) -> None:
        """Know of a running trial what it does not tell by its epochs."""
        with readable_errors():
            self._storage.note(self._running[number].id, TrialUpdate(facts))

    def place(self, number: int, place: Mapping[str, Any]) -> None:
        """Note where a running trial is."""
        self._running[number].worker = place["worker"]
        self.note(number, place)

    def begin(self, number: int) -> None:
        """Write that the code of a running trial runs from now on: with its process it may end this one."""
        running = self._running[number]
        if not running.begun:
            with readable_errors():
                self._storage.note(running.id, TrialUpdate({BEGUN: running.attempt}))
                self._storage.flush()
            running.begun = True

    def must_be_alone(self, worker: str) -> bool:
        """Whether a worker must not have another trial beside its own: one of the two died with its process before.

        Else nobody could say of which of them the next one dies.
        """
        held = any(each.losses for each in self._running.values() if each.worker == worker)
        waiting = self._there(TrialState.WAITING)
        return held or bool(waiting and waiting[0].user_attrs.get("losses"))

    def flush(self) -> None:
        """Write what is reported and not written yet, of all trials.

        Raises:
            Evicted: this driver was out of touch for too long, and its trials are others' by now.
        """
        with readable_errors():
            self._storage.flush()

    def report(self, epoch: Epoch) -> bool:
        """Record an epoch and say whether the pruner stops the trial here.

        With several objectives Optuna knows no value of an epoch, and nothing is pruned; nor does it learn
        the value of an epoch that breaks a bound.

        An epoch that an earlier attempt has reported is not judged again: the pruner knows more by now, and the
        verdict would depend on where the attempt ended. Nor is the last one: there is nothing left to save. The
        epoch, its verdict and what the pruner noted are written at once, if need be `delay` later and with
        everything else that was known then. So what a crash loses is the end of what was reported, and the
        trials go on from a state that the study once had: an epoch that was lost is trained and judged again,
        by a pruner that knows what it knew then if the epochs come in the same order.
        """
        running = self._running[epoch.trial]
        with readable_errors(), self._storage.together():
            told = self.study.goal.single and self.study.goal.feasible(epoch.metrics)
            values = {epoch.epoch: epoch.metrics[self.study.goal.metric]} if told else {}
            asked = bool(values) and epoch.epoch > running.judged and epoch.epoch != running.last
            stop = asked and self._judge(running.id, values)
            judged = max(running.judged, epoch.epoch)
            history = running.history_with(epoch, stop)
            lanes = max(running.lanes, epoch.lanes)
            more = {"lanes": lanes} if lanes > running.lanes else {}
            self._storage.note(running.id, TrialUpdate({"judged": judged, **more}, {HISTORY: history}, values))
        running.judged, running.history, running.lanes = judged, history, lanes
        return stop

    def _judge(self, trial_id: int, values: Mapping[int, float]) -> bool:
        """Whether the pruner stops the trial with these new values; what it notes on the trial goes with them."""
        trial = copy.copy(self._storage.get_trial(trial_id))
        trial.intermediate_values = {**trial.intermediate_values, **values}
        return self.optuna.pruner.prune(self.optuna, trial)

    def tell(self, outcome: Outcome) -> bool:
        """Record how a trial ended, and say whether it has: a suspended one waits, as does a lost one.

        A trial that was lost with its process more often than `search.retries` has failed, whichever runs that were;
        if it had no company, which may have been the cause. One that the pruner had stopped waits for nothing: it is
        pruned.
        """
        with readable_errors():
            trial_id = self._running[outcome.trial].id
            if self._storage.holds(trial_id):
                return self._tell(outcome)
            del self._running[outcome.trial]  # it was told, and the answer lost
            return self._storage.get_trial(trial_id).state.is_finished()

    def _tell(self, outcome: Outcome) -> bool:
        running = self._running[outcome.trial]
        stopped = running.stopped_at
        trial = self._storage.get_trial(running.id)  # an attempt that crashed may have left facts of its own
        there = trial.user_attrs
        losses = {"losses": int(there.get("losses", 0)) + 1} if outcome.state is State.LOST else {}
        tried_again = bool(losses) and (outcome.company or self._may_try_again(losses["losses"]))
        if stopped is None and (outcome.state is State.SUSPENDED or tried_again):
            self._wait(running.id, losses)
            del self._running[outcome.trial]
            return False
        if stopped is not None and outcome.state in (State.SUSPENDED, State.LOST):
            outcome = running.pruned(outcome, stopped, self.study.goal)
        cause = outcome.cause
        if outcome.state is State.PRUNED and not cause:
            pruner = self.study.space.search.pruner
            assert pruner is not None, outcome
            cause = running.pruned_by(pruner.type, self.study.goal)
        if outcome.state is State.LOST:
            cause = died(cause, losses["losses"])
        facts = {"state": outcome.state.value, "epoch": outcome.epoch, "cause": cause}
        kept = {key: fact for key, fact in facts.items() if fact not in (None, "") or key in there}
        trace = {TRACEBACK: outcome.traceback} if outcome.traceback or TRACEBACK in trial.system_attrs else {}
        values = outcome.values if outcome.state is State.COMPLETE else None
        with self._storage.together():
            told = TrialUpdate({**kept, **losses}, {**constraints(outcome.violations), **trace})
            self._storage.note(running.id, told)
            tell(self.optuna, outcome.trial, values, TOLD_AS[outcome.state])
        del self._running[outcome.trial]
        return True

    def _wait(self, trial_id: int, losses: Mapping[str, int]) -> None:
        with self._storage.together():
            self._storage.note(trial_id, TrialUpdate(losses))
            self._storage.set_trial_state_values(trial_id, TrialState.WAITING)

    def _may_try_again(self, losses: int) -> bool:
        return losses <= self.study.space.search.retries

    def _seed_sampler(self) -> None:
        sampler = self.study.space.search.sampler
        if sampler.type not in samplers.CONTINUES_BY_ITSELF:
            seed = self._chance("sampler", self.upcoming)
            self.optuna.sampler = samplers.sampler(sampler, seed, self.study.goal.single)

    def _chance(self, of: str, number: int) -> int:
        return derive(self.study.space.study.seed, of, number + self.study.beyond)

    @property
    def exhausted(self) -> bool:
        """Whether the sampler has said that there is nothing left to try, as one over a grid does."""
        return is_stopped(self.optuna)

    def close(self) -> None:
        """Write nothing more."""
        self._storage.close()

    def leave(self, number: int) -> None:
        """Set a running trial back, as a suspended one is; one that was just told has ended."""
        self.tell(Outcome(number, 0, State.SUSPENDED))

    @property
    def running(self) -> tuple[int, ...]:
        """The trials that were asked for and have not been told of."""
        return tuple(self._running)

    def recover(self, alive: Set[str] = frozenset()) -> int:
        """Set back every trial that a driver left running when it died; how many there were.

        Those that had begun have lost an attempt. Who has lost too many has failed, and is among the `lost`.

        Args:
            alive: the other drivers that may be running trials; what this one runs is left alone anyhow.
        """
        with readable_errors():
            left = [trial for trial in self._others() if trial.user_attrs.get(DRIVER, "") not in alive]
            processes = collections.Counter(process_of(trial) for trial in left if has_begun(trial))
            for trial in left:
                self._set_back(trial, company=processes[process_of(trial)] > 1)
        return len(left)

    def _others(self) -> list[FrozenTrial]:
        return [trial for trial in self._there(TrialState.RUNNING) if trial.number not in self._running]

    def _set_back(self, trial: FrozenTrial, company: bool) -> None:
        history, attempt = trial.system_attrs.get(HISTORY, {}), int(trial.user_attrs.get("attempt", 0))
        if stopped_at(history) is None and not has_begun(trial):
            self._wait(trial_id_of(trial), {})
            return
        self._running[trial.number] = Attempt(trial_id_of(trial), history, 0, attempt)
        outcome = Outcome(trial.number, attempt, State.LOST, cause=WITH_THE_RUN, company=company)
        try:
            if self._tell(outcome):
                self.lost.append(outcome)
        finally:
            self._running.pop(trial.number, None)  # it is not this driver's if that failed
