"""Reading studies for answers: what has not changed since the last request is not read again.

The trials of a study stay in memory. A look at it counts its trials by state, which finds every change of an ended
trial. Only changed trials and unfinished ones are read again.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import sqlalchemy
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import UnknownStudy
from tuner.optuna_internals import (
    StudyModel,
    StudyUserAttributeModel,
    TrialModel,
    backend_of,
    read_trials,
    trial_id_of,
)
from tuner.results.confirmation import sibling_name
from tuner.results.results import Results
from tuner.storage import open_storage, readable_errors
from tuner.storage.active_drivers import drivers_of
from tuner.study import Record, Study, load_study, told_apart
from tuner.study.marks import IGNORED
from tuner.study.record import record_of
from tuner.study.study import CONFIRM, Snapshot, noted

MOST_STUDIES = 64
"""How many studies stay in memory with their trials."""

Signature: TypeAlias = tuple[tuple[Any, ...], ...]
"""The number of trials in each state, the newest one, and the time of the latest end. It changes when a trial ends."""

_STUDIES: Any = StudyModel.__table__
_FACTS: Any = StudyUserAttributeModel.__table__
_TRIALS: Any = TrialModel.__table__
_COUNTS = (
    sqlalchemy.select(
        _TRIALS.c.study_id,
        _TRIALS.c.state,
        sqlalchemy.func.count(),
        sqlalchemy.func.max(_TRIALS.c.trial_id),
        sqlalchemy.cast(sqlalchemy.func.max(_TRIALS.c.datetime_complete), sqlalchemy.String),
        sqlalchemy.cast(sqlalchemy.func.min(_TRIALS.c.datetime_start), sqlalchemy.String),
    )
    .group_by(_TRIALS.c.study_id, _TRIALS.c.state)
    .order_by(_TRIALS.c.study_id, _TRIALS.c.state)
)
_MARKS = sqlalchemy.select(_FACTS.c.study_id, _FACTS.c.key, _FACTS.c.value_json).where(
    _FACTS.c.key.startswith(IGNORED, autoescape=True)
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A study as a list needs it: whether it has changed, and its order among the others."""

    id: int
    name: str
    signature: Signature
    begun: float
    """When its first trial began, in seconds since 1970; 0 if none has."""

    @property
    def running(self) -> int:
        """How many trials run by the database."""
        return sum(count for state, count, *_ in self.signature if state == TrialState.RUNNING.name)


@dataclass(slots=True)
class _Known:
    """A study in memory. `trials` has each trial with its record, by number."""

    study: Study
    facts: Mapping[str, str]
    lock: threading.Lock = field(default_factory=threading.Lock)
    trials: dict[int, tuple[FrozenTrial, Record]] = field(default_factory=dict)
    signature: Signature = ()
    alive: Mapping[str, str] | None = None
    runs: Results | None = None
    results: Results | None = None


class Reading:
    """The studies of a database, for any thread.

    Args:
        url: of the database, whose tables are there.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._opened: BaseStorage | None = None
        self._known: collections.OrderedDict[int, _Known] = collections.OrderedDict()

    @property
    def storage(self) -> BaseStorage:
        """The open database."""
        with self._lock:
            if self._opened is None:
                self._opened = open_storage(self.url)
            return self._opened

    def listed(self) -> Sequence[Listed]:
        """Return every study of the database."""
        with readable_errors(), self._backend.engine.connect() as connection:
            names = connection.execute(sqlalchemy.select(_STUDIES.c.study_id, _STUDIES.c.study_name)).all()
            counts: dict[int, list[tuple[Any, ...]]] = collections.defaultdict(list)
            begun: dict[int, float] = {}
            for study_id, state, *rest, first in connection.execute(_COUNTS):
                counts[study_id].append((state.name, *rest))
                if first is not None:
                    begun[study_id] = min(_seconds(first), begun.get(study_id, float("inf")))
            for study_id, key, value in connection.execute(_MARKS):
                counts[study_id].append((key, value))
        return [Listed(row[0], row[1], tuple(counts[row[0]]), begun.get(row[0], 0.0)) for row in names]

    def has(self, name: str) -> bool:
        """Return whether there is a study of that name."""
        return self._found(name) is not None

    def drivers(self, name: str) -> Mapping[str, str] | None:
        """Return the processes that work on a study, by their names in its running trials."""
        return drivers_of(self.url, name)

    def results(self, name: str) -> Results:
        """Return a study as it is now, with its trials and what follows from them.

        Raises:
            UnknownStudy: there is no such study.
            StorageError: the database cannot be read.
        """
        found = self._found(name)
        if found is None:
            raise UnknownStudy(f"there is no study {name}")
        known = self._current(*found, name)
        with known.lock:
            return self._read(found[0], known, self._runs_of(known.study))

    def forget(self, name: str) -> None:
        """Forget a study that is deleted."""
        with self._lock:
            for study_id in [key for key, known in self._known.items() if known.study.name == name]:
                del self._known[study_id]

    @property
    def _backend(self) -> RDBStorage:
        backend = backend_of(self.storage)
        assert backend is not None, "a database in memory is refused at the start"
        return backend

    def _found(self, name: str) -> tuple[int, Mapping[str, str]] | None:
        """Return the id and the attributes of a study."""
        with readable_errors(), self._backend.engine.connect() as connection:
            wanted = sqlalchemy.select(_STUDIES.c.study_id).where(_STUDIES.c.study_name == name)
            study_id = connection.execute(wanted).scalar()
            if study_id is None:
                return None
            facts = sqlalchemy.select(_FACTS.c.key, _FACTS.c.value_json).where(_FACTS.c.study_id == study_id)
            return study_id, {row.key: row.value_json for row in connection.execute(facts)}

    def _current(self, study_id: int, facts: Mapping[str, str], name: str) -> _Known:
        """Return what is known of a study; of another one with the same id, nothing."""
        with self._lock:
            known = self._known.get(study_id)
        if known is None or known.facts != facts:
            study = load_study(self.storage, name)
            same = known is not None and (known.study.name, known.study.uid) == (name, study.uid)
            known = _Known(study, facts, trials=_marked(known.trials, study) if known is not None and same else {})
        with self._lock:
            self._known[study_id] = known
            self._known.move_to_end(study_id)
            while len(self._known) > MOST_STUDIES:
                self._known.popitem(last=False)
        return known

    def _runs_of(self, study: Study) -> Results | None:
        """Return the runs of a study's confirmation, if there is one."""
        name = sibling_name(study)
        if not study.made_here or study.name.endswith(f".{CONFIRM}") or not self.has(name):
            return None
        runs = self.results(name)
        return runs if noted(runs.study, CONFIRM).get("of") == study.uid else None

    def _read(self, study_id: int, known: _Known, runs: Results | None) -> Results:
        alive = self.drivers(known.study.name) if known.study.made_here else None
        with readable_errors():
            signature, changed = self._changed(study_id, known)
            same = runs is known.runs and (signature, alive) == (known.signature, known.alive)
            if known.results is not None and same and not changed:
                return known.results
            newest = max((trial_id_of(trial) for trial, _ in known.trials.values()), default=-1)
            marks = known.study.marks.read()
            for trial in read_trials(self._backend, study_id, changed, newest):
                known.trials[trial.number] = (trial, record_of(trial, marks))
        pairs = [known.trials[number] for number in sorted(known.trials)]
        records = told_apart([record for _, record in pairs], alive)
        known.results = Results(known.study, Snapshot(records, [trial for trial, _ in pairs]))
        known.results.runs = runs
        known.signature, known.alive, known.runs = signature, alive, runs
        return known.results

    def _changed(self, study_id: int, known: _Known) -> tuple[Signature, set[int]]:
        """Return the signature of a study, and the ids of known trials that have to be read again."""
        unfinished = {trial_id_of(trial) for trial, _ in known.trials.values() if not trial.state.is_finished()}
        with self._backend.engine.connect() as connection:
            counts = connection.execute(_COUNTS.where(_TRIALS.c.study_id == study_id)).all()
            signature = tuple((row[1].name, *row[2:-1]) for row in counts)
            if signature == known.signature:
                return signature, unfinished
            wanted = sqlalchemy.select(_TRIALS.c.number, _TRIALS.c.state, _TRIALS.c.datetime_complete)
            rows = connection.execute(wanted.where(_TRIALS.c.study_id == study_id)).all()
        differ = {
            trial_id_of(known.trials[number][0])
            for number, state, ended in rows
            if number in known.trials and not _is_same(known.trials[number][0], state, ended)
        }
        return signature, unfinished | differ


def _marked(trials: Mapping[int, tuple[FrozenTrial, Record]], study: Study) -> dict[int, tuple[FrozenTrial, Record]]:
    """Return trials with the marks that their study has by now."""
    marks = study.marks.read()
    return {
        number: (
            trial,
            dataclasses.replace(record, ignored=marks.ignored.get(number), retried=marks.retried.get(number)),
        )
        for number, (trial, record) in list(trials.items())
    }


def _is_same(trial: FrozenTrial, state: TrialState, ended: datetime.datetime | None) -> bool:
    known = trial.datetime_complete
    utc = None if known is None else known.astimezone(datetime.UTC).replace(tzinfo=None)
    return trial.state == state and utc == ended


def _seconds(stored: str) -> float:
    """Return a time of the database, which is UTC, in seconds since 1970."""
    return datetime.datetime.fromisoformat(stored).replace(tzinfo=datetime.UTC).timestamp()
