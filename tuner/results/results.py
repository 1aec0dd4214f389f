"""Results: a study as it was loaded, for every command, page and view that shows it.

A command makes one object of it and passes it on. Each part is read or computed once, when it is first needed. Later
changes of the database need a new object.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tuner.goal import Goal
from tuner.results.answer import Answer, Trivial, answer_of, trivial_of, validation_rows_of
from tuner.results.confirmation import Confirmation, confirms, read, search_of
from tuner.results.confirmation import runs_of as runs_of_study
from tuner.results.failures import Failures, failures_of
from tuner.space import Space
from tuner.study import Domain, Record, Study, sound
from tuner.study.study import Snapshot

if TYPE_CHECKING:
    from tuner.results.importances import Importances


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
        """The objectives and bounds that compare the trials."""
        return self.study.goal

    @property
    def space(self) -> Space:
        """The space of a study of tuner."""
        return self.study.space

    @functools.cached_property
    def snapshot(self) -> Snapshot:
        """The trials as they were read."""
        return self._read or self.study.snapshot()

    @property
    def records(self) -> list[Record]:
        """Every trial, by number."""
        return self.snapshot.records

    @functools.cached_property
    def counted(self) -> list[Record]:
        """The trials that are not ignored."""
        return [record for record in self.records if record.ignored is None]

    @property
    def domains(self) -> dict[str, Domain]:
        """The domain of each parameter, in the order in which trials first had them."""
        return self.snapshot.domains

    def record(self, number: int) -> Record:
        """Return one trial.

        Raises:
            StudyError: the study has no trial of that number.
        """
        return self.study.record(number, self.records)

    @functools.cached_property
    def sound(self) -> list[Record]:
        """The trials whose values are compared."""
        return sound(self.records)

    @functools.cached_property
    def front(self) -> list[Record]:
        """The complete trials within the bounds that no other trial dominates."""
        return self.study.front(self.records)

    @property
    def best(self) -> Record | None:
        """The best trial; None before there is one, and with several objectives."""
        return self.front[0] if self.front and self.goal.single else None

    @functools.cached_property
    def validation_rows(self) -> int | None:
        """The number of validation rows, if it is known."""
        return validation_rows_of(self.study)

    @functools.cached_property
    def failures(self) -> Failures:
        """The failed trials."""
        return failures_of(self.records)

    @functools.cached_property
    def importances(self) -> tuple[Importances, ...]:
        """The share of each parameter in the differences of trials, for each objective."""
        from tuner.results.importances import importances_of  # scikit-learn takes a second to load

        objectives = range(len(self.goal.metrics))
        return tuple(importances_of(self.study, self.domains, self.sound, i) for i in objectives)

    @functools.cached_property
    def runs(self) -> Results | None:
        """The study of the confirmation's runs, if there is one."""
        runs = runs_of_study(self.study)
        return None if runs is None else Results(runs)

    @functools.cached_property
    def confirmation(self) -> Confirmation | None:
        """The confirmation of the best trials, if there is one."""
        return None if self.runs is None else read(self, self.runs)

    @functools.cached_property
    def confirms(self) -> str:
        """The name of the study that the trials confirm; empty if there is none."""
        return confirms(self.study)

    @functools.cached_property
    def confirmed(self) -> Confirmation | None:
        """The confirmation whose runs the trials are; None if they are not."""
        search = search_of(self.study)
        return None if search is None else read(Results(search), self)

    @functools.cached_property
    def answer(self) -> Answer | None:
        """The trial to use and its value; None before there is one, and with several objectives."""
        return answer_of(self)

    @functools.cached_property
    def trivial(self) -> Trivial | None:
        """The trivial predictor's score on the validation rows, if it is known."""
        return trivial_of(self.study)
