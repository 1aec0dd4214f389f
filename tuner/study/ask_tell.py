"""The writing side of a study: ask for a trial, report its epochs, record its outcome, recover trials.

Optuna's trials stay in this package. Training code sees a port, all other code sees records.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuner.optuna_internals import copied, id_of, put_storage, storage_of, trial_id_of
from tuner.protocol import Epoch, Outcome, Place, State, Trial
from tuner.runtime.seeds import derive
from tuner.storage import TrialUpdate, Turns, WriteBehindStorage, readable_errors
from tuner.study import samplers
from tuner.study.attempt import Attempt, epochs_of, stopped_at
from tuner.study.dead_drivers import Recovery
from tuner.study.drawing import Drawing
from tuner.study.marks import hidden
from tuner.study.outcome_writer import OutcomeWriter
from tuner.study.record import Record, record_of
from tuner.study.reopening import Reopening
from tuner.study.running_trials import RunningTrials
from tuner.study.sampler_traits import traits_of
from tuner.study.study import Study
from tuner.study.trial_attributes import HISTORY, TrialAttributes, attributes_of
from tuner.study.trial_queue import TrialQueue

SEEDS_OF_FUNCTIONS = 2**32
"""User functions get smaller seeds: NumPy and scikit-learn accept no others."""


class AskTell:
    """A study that a driver works on, as the only one to do so at any moment.

    Args:
        study: opened for its space.
        turns: the driver's right to it; None where there is no other.
        delay: maximum seconds for which reports of running trials are unwritten; with 0 they never are.
    """

    def __init__(self, study: Study, turns: Turns | None = None, delay: float = 0.0) -> None:
        self.study = study
        self.optuna = study.optuna
        self._storage = WriteBehindStorage(storage_of(study.optuna), turns, delay)
        put_storage(self.optuna, self._storage)
        self.queue = TrialQueue(self.optuna, self._storage, study.marks)
        self.running = RunningTrials(self._storage)
        self._outcomes = OutcomeWriter(study, self._storage)
        self.reopening = Reopening(study, self._storage)
        self._drawing = Drawing(study, self._storage)
        self._parameters = study.space.parameters()
        self._recovery = Recovery(self.queue, self.running, self._outcomes)

    def ask(self, place: Place | None = None) -> Trial:
        """Return the next trial: one that waits, else a new one from the sampler.

        The sampler is seeded anew each time by the trial's number. So a study that was interrupted goes on as if it
        had not been, and never repeats its first trials.

        Args:
            place: where the trial begins at once; None if it is placed and begun later.

        Raises:
            UsedUp: every config of the space was tried. The study is marked so.
        """
        marks = self.reopening.look()
        with readable_errors():
            self._drawing.look()
        with readable_errors(), hidden(marks, self._storage), self._storage.together() as written:
            self._seed_sampler()
            drawn = self.optuna.ask()
            found = self._storage.get_trial(trial_id_of(drawn))
            trial = self._trial(drawn, found)
            known = TrialAttributes() if place is None else replace(TrialAttributes.at(place), begun=trial.attempt)
            known = replace(known, seed=trial.seed, attempt=trial.attempt)
            self._storage.note(trial_id_of(drawn), TrialUpdate(known.user))
        attempt = Attempt.of(written.begun, trial, found, None if self._calls_function else trial.epochs)
        if (retried := marks.retried.get(trial.number)) is not None:
            attempt.spared, attempt.reopened = retried.spared, retried.attempt
        if place is not None:
            attempt.worker, attempt.begun = place.worker, True
        self.running.add(trial.number, attempt)
        return trial

    def _trial(self, drawn: optuna.Trial, found: FrozenTrial) -> Trial:
        """Return a trial with its values drawn; `found` has what earlier attempts and who enqueued it left."""
        known = attributes_of(found)
        values = self._drawing.draw(drawn, found, self._chance("draw", drawn.number))
        seed = self._chance("trial", drawn.number) if known.seed is None else known.seed
        return Trial(
            drawn.number,
            (known.attempt or 0) + 1,
            values,
            seed % SEEDS_OF_FUNCTIONS if self._calls_function else seed,
            known.was_tried,
            known.fixed,
            epochs_of(drawn.number, known.history or {}) if self._calls_function else (),
        )

    @property
    def _calls_function(self) -> bool:
        return self.study.space.objective.own_training

    def must_be_alone(self, worker: str) -> bool:
        """Return whether a worker's trial, or the next one, was in a process that died.

        A worker trains no other trial beside it: if its process dies again, that trial is the cause.
        """
        first = self.queue.first()
        return self.running.has_lost(worker) or bool(first is not None and attributes_of(first).losses)

    def report(self, epoch: Epoch) -> bool:
        """Record an epoch; return whether the pruner stops the trial here.

        With several objectives Optuna gets no value of an epoch, and nothing is pruned. Optuna also gets no value of an
        epoch that breaks a bound.

        An epoch that an earlier attempt reported is not judged again. The pruner knows more by now, so the verdict
        would depend on where the attempt ended. The last epoch is not judged either, since nothing is left to save. Nor
        is a trial that was retried after it had been pruned, or it would be pruned again. At
        most `delay` later, the epoch, its verdict and the pruner's notes are written with everything else of that time.
        So a crash loses only the latest reports, and the trials resume from an earlier state of the study. A lost epoch
        is trained and judged again. Its pruner knows the same as before if the epochs come in the same order.
        """
        running = self.running[epoch.trial]
        with readable_errors(), self._storage.together():
            told = self.study.goal.single and self.study.goal.feasible(epoch.metrics)
            values = {epoch.epoch: epoch.metrics[self.study.goal.metric]} if told else {}
            asked = bool(values) and not running.spared and epoch.epoch > running.judged and epoch.epoch != running.last
            stop = asked and self._judge(running.id, values)
            judged = max(running.judged, epoch.epoch)
            history = running.history_with(epoch, stop)
            lanes = max(running.lanes, epoch.lanes)
            known = TrialAttributes(judged=judged, lanes=lanes if lanes > running.lanes else None)
            self._storage.note(running.id, TrialUpdate(known.user, {HISTORY: history}, values))
        running.judged, running.history, running.lanes = judged, history, lanes
        return stop

    def _judge(self, trial_id: int, values: Mapping[int, float]) -> bool:
        """Return whether the pruner stops the trial with these new values, which its notes accompany."""
        trial = copied(self._storage.get_trial(trial_id))
        trial.intermediate_values = {**trial.intermediate_values, **values}
        with hidden(self.study.marks.look(), self._storage):
            return self.optuna.pruner.prune(self.optuna, trial)

    def tell(self, outcome: Outcome) -> bool:
        """Record the outcome of a trial; return whether it has ended: a suspended or lost trial may wait."""
        attempt = self.running[outcome.trial]
        with readable_errors():
            if self._storage.holds(attempt.id):
                ended = self._outcomes.write(attempt, outcome)
            else:  # it was told, and the answer lost
                ended = self._storage.get_trial(attempt.id).state.is_finished()
        self.running.drop(outcome.trial)
        return ended

    def leave(self, number: int) -> None:
        """Set a running trial back like a suspended one; a trial with an outcome has ended."""
        self.tell(Outcome(number, 0, State.SUSPENDED))

    def adopt(self, number: int, attempt: int) -> bool:
        """Go on with a running attempt of a dead driver, whose worker did not die; call it in a turn.

        Returns:
            Whether the trial still runs in that attempt, and the pruner has not stopped it.
        """
        with readable_errors():
            found = self._found(number)
            known = TrialAttributes() if found is None else attributes_of(found)
            history = dict(known.history or {})
            running = found is not None and found.state is TrialState.RUNNING and known.attempt == attempt
            if found is None or not running or stopped_at(history) is not None:
                return False
            self._storage.adopt(trial_id_of(found))
        losses, lanes = known.losses or 0, known.lanes or 1
        adopted = Attempt(trial_id_of(found), history, known.judged or 0, attempt, lanes, losses=losses)
        adopted.worker, adopted.begun = known.worker or "", known.has_begun
        if (retried := self.reopening.look().retried.get(number)) is not None:
            adopted.spared, adopted.reopened = retried.spared, retried.attempt
        self.running.add(number, adopted)
        return True

    def record(self, number: int) -> Record | None:
        """Return a trial as the study has it at this moment; None if there is none of that number."""
        with readable_errors():
            found = self._found(number)
            return None if found is None else record_of(found, self.study.marks.look())

    def epochs(self, number: int) -> tuple[Epoch, ...]:
        """Return the epochs of a running trial, in all attempts, with the metrics that each of them has."""
        return epochs_of(number, self.running[number].history)

    def _found(self, number: int) -> FrozenTrial | None:
        try:
            study_id = id_of(self.optuna)
            return self._storage.get_trial(self._storage.get_trial_id_from_study_id_trial_number(study_id, number))
        except KeyError:
            return None

    def recover(self, alive: Set[str] = frozenset()) -> int:
        """Set back each trial that a dead driver left running; return their number.

        Args:
            alive: the other drivers, whose trials may run.
        """
        return self._recovery.recover(alive)

    def take_lost(self) -> list[Outcome]:
        """Return the trials that have failed in `recover` since the last call: they lost too many attempts."""
        lost, self._recovery.lost = self._recovery.lost, []
        return lost

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Write all that is asked, reported and told inside with one commit; SQLite waits for the disk at each.

        After an exception the study must be opened anew.

        Raises:
            StorageError: nothing of it is written, on SQLite.
        """
        with readable_errors(), self._storage.transactions.batch():
            yield

    def flush(self) -> None:
        """Write what is reported and not written yet, of all trials.

        Raises:
            Evicted: this driver had no contact for too long, and other drivers have its trials.
        """
        with readable_errors():
            self._storage.flush()

    def close(self) -> None:
        """Write nothing more."""
        self._storage.close()

    def _seed_sampler(self) -> None:
        sampler = self.study.space.search.sampler
        if not traits_of(sampler.type).continues:
            seed = self._chance("sampler", self.queue.upcoming)
            space = self.study.space
            self.optuna.sampler = samplers.sampler(sampler, seed, self.study.goal.single, space.base, self._parameters)

    def _chance(self, of: str, number: int) -> int:
        return derive(self.study.space.study.seed, of, number + self.study.beyond)
