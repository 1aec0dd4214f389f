"""The studies of a server, for commands."""

from __future__ import annotations

import dataclasses
import datetime
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tuner.cli.home import SERVER, Files, StudyRow
from tuner.cli.study_rows import row_of_view
from tuner.cli.trial_output import shown, whole_lines
from tuner.client import Client
from tuner.client.remote_study import RemoteStudy
from tuner.client.study_reader import refuse_unopened
from tuner.client.waiting import OVER, standing
from tuner.errors import UnknownStudy, UsageError
from tuner.results.artifacts import readable
from tuner.results.failures import FAILURES
from tuner.results.progress import Overview, Phase, overview
from tuner.results.results import Results
from tuner.service.queue.lifecycle import JobState
from tuner.service.schemas import StudyView
from tuner.study import Study

if TYPE_CHECKING:
    from tuner.cli.trial_output import Output


class ServerHome:
    """The studies of a server.

    Args:
        server: its address; the token is that of the environment or of `tuner login`.
    """

    def __init__(self, server: str) -> None:
        self.client = Client(server)
        self.place = self.client.url
        known = os.environ.get(SERVER) == server
        self.typed = "" if known else f" --server {shlex.quote(self.client.url)}"

    def page_of(self, study: str) -> str:
        """Return the address of a study's page."""
        return self.client.page_of(study)

    def has(self, study: str) -> bool:
        """Return whether the server has a study of this name, whatever its state."""
        try:
            self.client.study(study)
        except UnknownStudy:
            return False
        return True

    def rows(self) -> Sequence[StudyRow]:
        """Return every study, as the server lists them."""
        return [row_of_view(view, self._failed(view)) for view in self.client.studies()]

    def results(self, study: str) -> Results:
        """Return a study as it is now."""
        loaded = RemoteStudy(self.client.connection, study).load()
        loaded.typed += self.typed
        return Results(loaded)

    def kept(self, study: Study) -> Files:
        """Return the files of a study, which lie at the server."""
        return ServerFiles(RemoteStudy(self.client.connection, study.name))

    def output(self, study: str, trial: int | None) -> Output:
        """Return the output of a study's trials, or of one."""
        return ServerOutput(self.client.study(study), trial)

    def look(self, study: str) -> Callable[[], Overview]:
        """Return a function that asks the server again."""
        asked = RemoteStudy(self.client.connection, study)

        def seen() -> Overview:
            loaded = asked.load()
            seen = overview(Results(loaded), loaded.alive, datetime.datetime.now())
            return _with_job(seen, asked.detail, self.typed)

        return seen

    def stop(self, study: str, cancel: bool) -> str:
        """Suspend or cancel a study."""
        asked = self.client.study(study)
        if cancel:
            asked.cancel()
            return f"study {study} is cancelled; its trials stay"
        asked.suspend()
        return f"asked {self.place} to suspend study {study}; running trials wait at their epoch's end"

    def steer(self, study: str, trial: int, action: str, undo: bool) -> None:
        """Stop or ignore a trial."""
        asked = self.client.study(study)
        match action:
            case "stop" if not undo:
                asked.stop_trial(trial)
            case "ignore":
                asked.ignore_trial(trial, undo)
            case "retry" if not undo:
                asked.retry_trial(trial)
            case _:
                raise UsageError(f"{action}: must be stop, ignore or retry; only ignore takes --undo")

    def delete(self, study: Study) -> None:
        """Delete a study with its trials, its files and its confirmation."""
        RemoteStudy(self.client.connection, study.name).delete()

    def _failed(self, view: StudyView) -> str:
        """Return the sentence about a study's failures; empty without any."""
        if not any(state in view.trials.by_state for state in FAILURES):
            return ""
        return RemoteStudy(self.client.connection, view.name).detail.failure_sentence


def _with_job(seen: Overview, view: StudyView, typed: str) -> Overview:
    """Return a study with the state of its job; `typed` is the option that names the server."""
    seen = dataclasses.replace(seen, command=seen.command and f"{seen.command}{typed}")
    if view.job is None:
        return seen
    state = JobState(view.state)
    is_idle = not seen.drivers or (view.kind == "remote" and not seen.running)
    waits = is_idle and state not in {*OVER, JobState.SUSPENDED}
    return dataclasses.replace(seen, phase=Phase.WAITING if waits else seen.phase, job=standing(view))


class ServerFiles:
    """The files of a study at a server.

    Args:
        study: the study.
    """

    summary = ""
    """The server does not tell the size of all checkpoints."""

    def __init__(self, study: RemoteStudy) -> None:
        self._study = study

    def of_trial(self, trial: int) -> dict[str, str]:
        """Return a trial's files by their kind, each with its size."""
        detail = self._study.trial(trial)
        files = {"log": f"({readable(detail.log_size)})"} if detail.log_size else {}
        for file in detail.checkpoints:
            kind = "best weights" if file.path.endswith(".best.pt") else "checkpoint"
            files[kind] = f"{file.path} ({readable(file.size)})"
        return files

    def data(self, trial: int) -> dict[str, Any]:
        """Return no file: none is on this machine."""
        return {"log": None, "checkpoints": []}


class ServerOutput:
    """The output of trials at a server. What has ended and is read is not asked for again.

    Args:
        study: the study.
        trial: the number of the only trial that is read.
    """

    def __init__(self, study: RemoteStudy, trial: int | None) -> None:
        self._study = study
        self._trial = trial
        self._read: dict[int, int] = {}
        self._whole: set[int] = set()
        refuse_unopened(study)
        if trial is not None:
            study.trial(trial)

    def new(self, last: bool = True) -> Iterator[str]:
        """Yield lines that were added, by trial."""
        for number, ended in self._numbers():
            if number in self._whole:
                continue
            read = self._read.get(number, 0)
            whole = whole_lines(self._study.log(number, read), last or ended)
            self._read[number] = read + len(whole)
            if ended:
                self._whole.add(number)
            yield shown(whole, number, self._trial is None)

    def is_over(self) -> bool:
        """Return whether the trial has ended, or the study is over or rests."""
        if self._trial is not None and self._study.trial(self._trial).ended is not None:
            return True
        return self._study.state in {*OVER, JobState.SUSPENDED}

    def _numbers(self) -> Iterator[tuple[int, bool]]:
        """Yield the trials that have begun, and whether each has ended."""
        if self._trial is not None:
            yield self._trial, self._study.trial(self._trial).ended is not None
            return
        for view in self._study.listed(history=False):
            if view.started is not None:
                yield view.number, view.ended is not None
