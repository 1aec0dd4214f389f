"""Results: what a study came to when it was loaded, for every command, page and view that shows it.

A command makes one object of it and hands it on. Each part is read or computed when it is first asked for, and once.
What the database has later is another object's.
"""

from __future__ import annotations

import functools

from tuner.goal import Goal
from tuner.results.answer import Answer, Trivial, answer_of, trivial_of
from tuner.results.confirmation import Confirmation, confirms, read, search_of
from tuner.results.confirmation import runs_of as runs_of_study
from tuner.results.failures import Failures, failures_of
from tuner.results.importances import Importances, importances_of
from tuner.space import Space
from tuner.study import Domain, Record, Study, sound
from tuner.study.study import Snapshot


class Results:
    """A study's trials and what follows from them.

    Args:
        study: as it was loaded.
        snapshot: its trials, where they were read already.
    """

    def __init__(self, study: Study, snapshot: Snapshot | None = None) -> None:
        self.study = study
        self._read = snapshot

    @property
    def goal(self) -> Goal:
        """What the trials are compared by."""
        return self.study.goal

    @property
    def space(self) -> Space:
        """What the study tunes, where `tuner` made it."""
        return self.study.space

    @functools.cached_property
    def _snapshot(self) -> Snapshot:
        return self._read or self.study.snapshot()

    @property
    def records(self) -> list[Record]:
        """Every trial, by number."""
        return self._snapshot.records

    @property
    def domains(self) -> dict[str, Domain]:
        """What each parameter is drawn from, in the order in which trials first had them."""
        return self._snapshot.domains

    def record(self, number: int) -> Record:
        """Return one trial.

        Raises:
            StudyError: the study has no trial of that number.
        """
        return self.study.record(number, self.records)

    @functools.cached_property
    def sound(self) -> list[Record]:
        """The trials that values are compared among."""
        return sound(self.records)

    @functools.cached_property
    def front(self) -> list[Record]:
        """The complete trials within the bounds that none is better than in all objectives."""
        return self.study.front(self.records)

    @property
    def best(self) -> Record | None:
        """The best trial; None before there is one, and with several objectives."""
        return self.front[0] if self.front and self.goal.single else None

    @functools.cached_property
    def failures(self) -> Failures:
        """What went wrong."""
        return failures_of(self.records)

    @functools.cached_property
    def importances(self) -> tuple[Importances, ...]:
        """How much of the differences between trials each parameter explains, for each objective."""
        objectives = range(len(self.goal.metrics))
        return tuple(importances_of(self.study, self.domains, self.sound, i) for i in objectives)

    @functools.cached_property
    def runs(self) -> Results | None:
        """The study of the confirmation's runs, if there is one."""
        runs = runs_of_study(self.study)
        return None if runs is None else Results(runs)

    @functools.cached_property
    def confirmation(self) -> Confirmation | None:
        """What fresh seeds say of the best trials, if there is a confirmation."""
        return None if self.runs is None else read(self, self.runs)

    @functools.cached_property
    def confirms(self) -> str:
        """The name of the study whose confirmation the trials are runs of; empty if they are none's."""
        return confirms(self.study)

    @functools.cached_property
    def confirmed(self) -> Confirmation | None:
        """The confirmation that the trials are runs of; None if they are none's."""
        search = search_of(self.study)
        return None if search is None else read(Results(search), self)

    @functools.cached_property
    def answer(self) -> Answer | None:
        """Which trial to use, and how good it is; None before there is one, and with several objectives."""
        return answer_of(self)

    @functools.cached_property
    def trivial(self) -> Trivial | None:
        """What the trivial predictor scores on the validation rows, where it is known."""
        return trivial_of(self.study)
