"""A study of a server, for reading: its state, and its trials with the types of the local functions."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tuner.client.event_reader import ServerEvent, followed
from tuner.client.http_connection import Connection, path
from tuner.client.waiting import OVER, standing, wait_for
from tuner.errors import NotOpened, NoTrialSucceeded, ServerError, StudyError
from tuner.service.queue.lifecycle import JobState
from tuner.service.schemas import StudyDetail, TrialDetail, TrialView

if TYPE_CHECKING:
    from pandas import DataFrame

    from tuner.results.results import Results
    from tuner.search.run_result import Result
    from tuner.study import Record
    from tuner.study.portable import PortedStudy


class StudyReader:
    """A study of a server. Each property asks the server anew.

    Args:
        connection: to the server.
        name: the name of the study.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self.name = name

    def __repr__(self) -> str:
        return f"<study {self.name} at {self._connection.url}>"

    @property
    def detail(self) -> StudyDetail:
        """Everything that the server tells of the study but its trials: owner, counts, best value, why it waits."""
        return StudyDetail.model_validate(self._connection.get(self._path()))

    @property
    def state(self) -> JobState:
        """The state of the study's job, or of a run that somebody has begun by hand."""
        return JobState(self.detail.state)

    def wait(self, timeout: float | None = None) -> JobState:
        """Wait until the study is done or cancelled. A suspended study is waited for: it may be resumed.

        Args:
            timeout: the seconds to wait; None is no limit.

        Returns:
            The last state. A study that no job searches is not waited for when it rests.

        Raises:
            TimeoutError: it is not over in time.
            ServerError: it failed, with the reason, or the server cannot be reached.
        """
        seen = self.detail
        ends = OVER if seen.job is not None else OVER | {JobState.SUSPENDED}
        state = wait_for(lambda: self.state, f"study {self.name}", timeout, ends)
        if state is JobState.FAILED:
            raise ServerError(f"study {self.name} failed: {self.detail.reason}")
        return state

    def load(self) -> PortedStudy:
        """Return the study with all of its trials as they are now, as `tuner.load_study` has it.

        It lies in memory: what is written into it stays there. Relative paths of its space start from this folder.
        """
        from tuner.study import load_study
        from tuner.study.portable import PortedStudy, storage_with
        from tuner.study.study import FACTS

        with explained(self):
            told: Sequence[dict[str, Any]] = self._connection.get(self._path("snapshot"))["studies"]
        for facts in told:
            if facts["user_attrs"].get(FACTS):
                facts["user_attrs"][FACTS]["base"] = os.getcwd()  # the server's own folder is of no use here
        alive = next(facts["drivers"] for facts in told if facts["name"] == self.name)
        return PortedStudy(load_study(storage_with(told), self.name).optuna, alive)

    @property
    def results(self) -> Results:
        """The study's trials and what follows from them, as every local command reads them."""
        from tuner.results.results import Results

        return Results(self.load())

    @property
    def result(self) -> Result:
        """The study with its best trials, as `tuner.run` returns it.

        Raises:
            NoTrialSucceeded: no trial is complete and within the bounds.
        """
        from tuner.search.run_result import Result
        from tuner.study.stop_rules import stop_reason

        found = self.results
        if not found.front:
            sentence = found.failures.sentence or f"study {self.name} has no complete trial"
            raise NoTrialSucceeded(sentence)
        return Result(found.study, found.front, found.failures, stop_reason(found.study), found.confirmation)

    @property
    def trials(self) -> list[Record]:
        """Every trial, by number; none before a run has opened the study."""
        try:
            return self.load().records()
        except NotOpened:
            return []

    @property
    def best_trials(self) -> list[Record]:
        """The complete trials within the bounds that no other dominates, the best first."""
        try:
            return self.results.front
        except NotOpened:
            return []

    @property
    def best_trial(self) -> Record:
        """The best trial.

        Raises:
            StudyError: no trial is complete and within the bounds, or there are several objectives.
        """
        study = self.load()
        if not study.goal.single:
            raise StudyError(_several(self.name))
        if (best := study.best()) is None:
            raise StudyError(f"study {self.name} has no complete trial within its bounds, and so no best trial")
        return best

    @property
    def best_params(self) -> dict[str, Any]:
        """The parameters of `best_trial`; it raises the same errors."""
        return dict(self.best_trial.params)

    @property
    def best_value(self) -> float | None:
        """The value of `best_trial`; None as long as no trial is complete and within the bounds.

        Raises:
            StudyError: there are several objectives.
        """
        try:
            study = self.load()
        except NotOpened:
            return None
        if not study.goal.single:
            raise StudyError(_several(self.name))
        best = study.best()
        return None if best is None else best.value

    def trial(self, number: int) -> TrialDetail:
        """Return a trial with its config, its difference from the best one, and its files.

        Raises:
            StudyError: there is no such trial.
        """
        with explained(self):
            return TrialDetail.model_validate(self._connection.get(self._path("trials", number)))

    def listed(self, *, history: bool = True, **filters: Any) -> Iterator[TrialView]:
        """Yield the trials as the server lists them, page by page.

        Args:
            history: whether each has its epochs.
            filters: `state`, `sort` and `descending`, as the API takes them.
        """
        with explained(self):
            for each in self._connection.items(self._path("trials"), history=history, **filters):
                yield TrialView.model_validate(each)

    def trials_dataframe(self) -> DataFrame:
        """Return a row for each trial, with the columns of Optuna's `trials_dataframe`."""
        return self.load().trials_dataframe()

    def events(self, since: str | None = None) -> Iterator[ServerEvent]:
        """Yield the events of the study as they come, until it is over. Lost connections are made again.

        Args:
            since: the id of the last event that is known; None begins with the first event.

        Raises:
            ServerError: the server cannot be reached any more.
        """
        return followed(self._connection, self._path("events"), since, self._is_over)

    def log(self, trial: int, offset: int = 0) -> bytes:
        """Return what a trial has printed, from a byte on.

        Raises:
            StudyError: there is no such trial.
        """
        place = self._path("trials", trial, "log")
        with explained(self):
            return self._connection.request("GET", place, params={"offset": offset}).content

    def _is_over(self) -> bool:
        """Return whether nothing more happens unless somebody resumes it."""
        seen = self.detail
        state = JobState(seen.state)
        return state in OVER or (state is JobState.SUSPENDED and seen.job is None)

    def _path(self, *parts: object) -> str:
        return path("studies", self.name, *parts)


def _several(name: str) -> str:
    return f"study {name} has several objectives and no best trial; use best_trials"


@contextlib.contextmanager
def explained(study: StudyReader) -> Iterator[None]:
    """Explain why something is not there, if a study waits for its first trial.

    Raises:
        NotOpened: it does.
    """
    try:
        yield
    except StudyError:
        refuse_unopened(study)
        raise


def refuse_unopened(study: StudyReader) -> None:
    """Refuse a study that waits for its first trial.

    Raises:
        NotOpened: it does.
    """
    seen = study.detail
    if seen.job is not None and not seen.trials.by_state:
        comes = JobState(seen.state) not in {*OVER, JobState.SUSPENDED}
        raise NotOpened(f"study {study.name} is {standing(seen)}; it has no trial yet", comes) from None
