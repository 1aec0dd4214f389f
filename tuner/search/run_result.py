"""The result of a run."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.errors import StudyError
from tuner.results.confirmation import Confirmation
from tuner.results.failures import Failures
from tuner.study import Record, Study


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run: the study and its front, which has at least one trial.

    `failures` are those of the trials that ended in this run, or of all trials if none did. `stopped` says why the
    search ended before its total, else it is empty. `confirmation` is that of `search.confirm`, after the search.
    """

    study: Study
    front: list[Record]
    failures: Failures
    stopped: str = ""
    confirmation: Confirmation | None = None

    @property
    def best(self) -> Record:
        """The best trial.

        Raises:
            StudyError: there are several objectives, and so no best trial but a front.
        """
        if not self.study.goal.single:
            raise StudyError(f"study {self.study.name} has several objectives: it has a front, and no best trial")
        return self.front[0]
