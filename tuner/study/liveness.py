"""Which trials that a database calls running do run: a killed driver could not record their end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tuner.config import and_storage
from tuner.storage.active_drivers import drivers_of
from tuner.storage.urls import shown
from tuner.study.record import Record, Unfinished
from tuner.study.study import Snapshot, Study


def drivers(study: Study, storage: str) -> Mapping[str, str] | None:
    """Return the processes that work on a study, by their names in its running trials.

    None if that is unknown, as for a study of another program.

    Raises:
        StorageError: the database cannot be read.
    """
    return drivers_of(storage, study.name) if study.made_here else None


def told_apart(records: list[Record], alive: Mapping[str, str] | None) -> list[Record]:
    """Return the records; trials of dead drivers have the state `Unfinished.LEFT`.

    Args:
        records: records of any states.
        alive: the drivers; None is unknown, and running trials then count as running.
    """
    if alive is None:
        return records
    return [replace(record, state=Unfinished.LEFT) if _left(record, alive) else record for record in records]


class Attended(Study):
    """A study whose records show which trials a dead driver left running.

    Args:
        study: as it was loaded.
        storage: the URL of its database.
    """

    def __init__(self, study: Study, storage: str) -> None:
        super().__init__(study.optuna, study.known_space)
        self._storage = storage
        self.typed += and_storage(shown(storage))

    def snapshot(self) -> Snapshot:
        """Return every trial; one of a dead driver is `left running`.

        Raises:
            StorageError: the database cannot be read.
        """
        found = super().snapshot()
        if not any(record.state is Unfinished.RUNNING for record in found.records):
            return found
        return replace(found, records=told_apart(found.records, drivers(self, self._storage)))


def _left(record: Record, alive: Mapping[str, str]) -> bool:
    return record.state is Unfinished.RUNNING and (record.attributes.driver or "") not in alive
