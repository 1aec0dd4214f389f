"""Which of the trials that a database calls running do run: a driver that was killed could not say that it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tuner.config import and_storage
from tuner.storage import DRIVER
from tuner.storage.drivers import drivers_of
from tuner.storage.urls import shown
from tuner.study.record import Record, Unfinished
from tuner.study.study import Snapshot, Study


def drivers(study: Study, storage: str) -> Mapping[str, str] | None:
    """The processes that work on a study, by the names that its running trials have for them.

    None where nobody can tell, as of a study that another program made.

    Raises:
        StorageError: the database cannot be read.
    """
    return drivers_of(storage, study.name) if study.made_here else None


def told_apart(records: list[Record], alive: Mapping[str, str] | None) -> list[Record]:
    """The records, those that a driver left running when it died as `Unfinished.LEFT`.

    Args:
        records: of any states.
        alive: the drivers; None is unknown, and what is said to run then counts as running.
    """
    if alive is None:
        return records
    return [replace(record, state=Unfinished.LEFT) if _left(record, alive) else record for record in records]


class Attended(Study):
    """A study whose records say which trials a dead driver left running.

    Args:
        study: as it was loaded.
        storage: the URL of its database.
    """

    def __init__(self, study: Study, storage: str) -> None:
        super().__init__(study.optuna, study.known_space)
        self._storage = storage
        self.typed += and_storage(shown(storage))

    def snapshot(self) -> Snapshot:
        """Every trial; one whose driver is gone is `left running`.

        Raises:
            StorageError: the database cannot be read.
        """
        found = super().snapshot()
        if not any(record.state is Unfinished.RUNNING for record in found.records):
            return found
        return replace(found, records=told_apart(found.records, drivers(self, self._storage)))


def _left(record: Record, alive: Mapping[str, str]) -> bool:
    return record.state is Unfinished.RUNNING and record.attributes.get(DRIVER, "") not in alive
