"""The driver: lets a scheduler, a study's files and an executor work together, and tells who watches.

It feeds the executor with trials, records what they report and applies verdicts. It trains nothing and prints
nothing; who wants to see what happens passes `observe`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from pathlib import Path

from tuner.errors import StorageError
from tuner.protocol import Epoch, Outcome, Place, Trial, Verdict, WorkerState
from tuner.search.events import Ended, Noted, Observer, Reported, SetBack, Started, Stopping, Trouble, WorkerSeen
from tuner.search.tally import Tally
from tuner.search.trial_files import TrialFiles
from tuner.search.trial_scheduler import Limits, TrialScheduler
from tuner.storage import Turns, in_turn
from tuner.study import AskTell, Leaderboard, Study

WRITE_SECONDS = 0.5
"""Maximum seconds for which reports of running trials are unwritten; a driver that dies loses that much of them."""


class Driver:
    """The dispatcher of a study.

    Args:
        study: the study, opened for its space.
        turns: this driver's right to the study.
        limits: when to start no more trials, and how much to keep.
        folder: the study's folder, for checkpoints and logs.
        observe: called with every event.
    """

    def __init__(self, study: Study, turns: Turns, limits: Limits, folder: Path, observe: Observer) -> None:
        self.trials = AskTell(study, turns, WRITE_SECONDS)
        """The trials of the study, for whoever reads what this driver has not written yet."""
        self._leaderboard = Leaderboard(study, limits.keep)
        self._turns = turns
        self._files = TrialFiles(folder, observe)
        self._observe = observe
        self._tally = Tally()
        self._noted: set[str] = set()
        self.scheduler = TrialScheduler(self.trials, turns, limits)
        self.ended: set[int] = set()
        """The numbers of the trials that ended under this driver."""

    def recover(self) -> int:
        """Set back the trials of dead drivers; return their number, including those of `tell_of_lost`."""
        return in_turn(self._turns, lambda: self.trials.recover(self._turns.alive()))

    def tell_of_lost(self) -> None:
        """Report the trials that failed because they died with their driver too often."""
        self._pass_on(self.trials.take_lost())

    def stop(self, number: int) -> None:
        """Start no more trials and suspend the running ones at their epoch's end, as on the signal of that number.

        Called from a signal handler, which may have interrupted the observer in mid-line. So another thread tells it,
        and waits for its turn.
        """
        self.scheduler.signal = number
        self._turns.patience.hurry()
        threading.Thread(target=self._observe, args=(Stopping(number),), daemon=True).start()

    def retry(self, failed: bool = False) -> None:
        """Set back the trials that people want to run again, and with `failed` all that an exception ended."""
        retries, drop = self.scheduler.retries, self._files.drop
        for wish in [*retries.meet(drop), *(retries.retry_failed(drop) if failed else ())]:
            self.ended.discard(wish.trial)
            self._tally.drop(wish.trial)
            self._observe(Noted(f"trial {wish.trial} runs again, as {wish.by} wants"))

    @property
    def over(self) -> bool:
        """Whether the study has its total or enough, the time is up, a signal came or too much failed."""
        return self.scheduler.over

    def next(self, place: Place, ahead: bool = False) -> Trial | None:
        """Start the next trial, if the scheduler has one."""
        self.retry()
        trial = self.scheduler.next(place, ahead)
        self.tell_of_lost()
        if trial is not None:
            self.start(trial, place)
        return trial

    def ask(self) -> Trial | None:
        """Return the next trial before it is known where it trains."""
        trial = self.scheduler.ask(None)
        self.tell_of_lost()
        return trial

    def start(self, trial: Trial, place: Place) -> None:
        """Record where a trial trains."""
        self.trials.running.place(trial.number, place)
        self._observe(Started(trial, place))

    def begin(self, trial: int) -> None:
        """Record that a trial's code runs from now on."""
        self.trials.running.begin(trial)

    def report(self, epoch: Epoch) -> Verdict:
        """Record an epoch and judge it."""
        verdict = self.scheduler.report(epoch)
        self._observe(Reported(epoch, verdict))
        return verdict

    def verdict(self, trial: Trial) -> Verdict:
        """Return the latest verdict on a running trial."""
        return self.scheduler.verdict(trial.number)

    def load(self, trial: int) -> bytes | None:
        """Return the trial's checkpoint, if an earlier attempt left one."""
        return self._files.load(trial)

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Write a checkpoint after the epochs that led to it, which a resumed trial must find in the study."""
        self.trials.flush()
        self._files.save(trial, state, best)

    def done(self, outcome: Outcome) -> bool:
        """Record the outcome of a trial, and return whether it has ended; a suspended one keeps its checkpoint."""
        outcome, ended = self.scheduler.done(outcome)
        if ended:
            self._pass_on([outcome])
        else:
            self._observe(SetBack(outcome))
        return ended

    def _pass_on(self, outcomes: Sequence[Outcome]) -> None:
        """Report ended trials, and delete checkpoints except those of best, ignored and unfinished trials."""
        if not outcomes:
            return
        records = self.trials.queue.ended()
        self._leaderboard.take(records)
        self._tally.add(records)
        self._files.keep(self._leaderboard.kept.union(self.trials.queue.unfinished))
        for outcome in outcomes:
            self.ended.add(outcome.trial)
            self.scheduler.count(outcome)
            record = next(record for record in records if record.number == outcome.trial)
            self._observe(Ended(outcome, record, self._leaderboard.front, self._tally.counts))

    def log(self, trial: int) -> Path:
        """Return the file for a trial's output."""
        return self._files.log(trial)

    def note(self, text: str) -> None:
        """Pass a note on once, since each worker reports it."""
        if text not in self._noted:
            self._noted.add(text)
            self._observe(Noted(text))

    def saw(self, worker: str, state: WorkerState, cause: str = "") -> None:
        """Pass a worker's state on."""
        self._observe(WorkerSeen(worker, state, cause))

    def leave(self) -> None:
        """Set back trials that still run; a later run also finds those that could not be set back."""
        try:
            for number in self.trials.running.numbers:
                in_turn(self._turns, functools.partial(self.trials.leave, number))
        except StorageError as error:
            self._observe(Trouble(f"trials are left as running, until the next run: {error}"))
        finally:
            self.trials.close()
