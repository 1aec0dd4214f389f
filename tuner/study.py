"""The study: the one module that knows Optuna's trials. Open, ask, report, tell, read, resume.

`optuna.Trial` does not leave this file; training code sees a port, everyone else sees records.
"""

from __future__ import annotations

import datetime
import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tuner import sampling
from tuner.config import Direction, Epoch, Outcome, State, Trial
from tuner.errors import StudyError, did_you_mean, listing
from tuner.seeds import derive
from tuner.space import Space
from tuner.space.document import flow
from tuner.storage import readable_errors

optuna.logging.set_verbosity(optuna.logging.WARNING)

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
_TOLD_AS = {
    State.COMPLETE: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    State.DIVERGED: TrialState.PRUNED,  # a sampler learns from PRUNED and ignores FAIL
    State.OUT_OF_MEMORY: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
}
_SHOWN_AS = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True, slots=True)
class Record:
    """A trial as the study has it.

    `state` is ours where we told it (`diverged`, `out of memory`), else Optuna's; `epoch` is the one
    that the value comes from; `history` has one list per metric, an entry per epoch.
    """

    number: int
    state: str
    value: float | None
    params: Mapping[str, Any]
    epoch: int | None
    cause: str
    history: Mapping[str, list[float]]
    started: datetime.datetime | None
    seconds: float | None
    attributes: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        """Whether the trial trained to its end."""
        return self.state == State.COMPLETE.value


class Study:
    """An Optuna study, with the space that it tunes where `tuner` made it.

    Args:
        study: as Optuna loaded or created it.
    """

    def __init__(self, study: optuna.Study) -> None:
        self.optuna = study
        self.name = study.study_name
        self._trials: dict[int, optuna.Trial] = {}
        self._reported: dict[int, int] = {}
        self._history: dict[int, dict[str, list[float]]] = {}
        attributes = study.user_attrs
        self.metric: str = attributes.get("metric", "value")
        self.made_here = "space" in attributes
        if self.made_here:
            self.space = Space.parse(attributes["space"], attributes["file"], attributes["base"])

    @property
    def direction(self) -> Direction:
        """Which way the value gets better."""
        return Direction(self.optuna.direction.name.lower())

    def records(self) -> list[Record]:
        """Every trial, by number."""
        with readable_errors():
            return [_record(trial) for trial in self.optuna.get_trials(deepcopy=False)]

    def record(self, number: int) -> Record:
        """One trial.

        Raises:
            StudyError: the study has no trial of that number.
        """
        records = self.records()
        if not 0 <= number < len(records):
            raise StudyError(f"study {self.name} has no trial {number}: it has {len(records)} trials, counted from 0")
        return records[number]

    def best(self) -> Record | None:
        """The complete trial of the best value; None before there is one."""
        return next((record for record in self.ranked(self.records()) if record.complete), None)

    def ranked(self, records: Iterable[Record]) -> list[Record]:
        """Complete trials from the best to the worst, then the others."""
        sign = -1 if self.direction is Direction.MAXIMIZE else 1

        def rank(record: Record) -> tuple[bool, float]:
            return not record.complete, math.inf if record.value is None else sign * record.value

        return sorted(records, key=rank)

    def finished(self) -> int:
        """How many trials have ended, however they did."""
        with readable_errors():
            return len(self.optuna.get_trials(deepcopy=False, states=FINISHED))

    def ask(self, facts: Mapping[str, Any]) -> Trial:
        """The next trial: one that waits, else a new one from the sampler.

        Args:
            facts: what to note on the trial about where it runs.
        """
        with readable_errors():
            trial = self.optuna.ask()
            attempt = int(trial.user_attrs.get("attempt", 0)) + 1
            config = self.space.resolve(trial)
            seed = derive(self.space.setting("study.seed"), "trial", trial.number)
            for key, value in {"attempt": attempt, "seed": seed, **facts}.items():
                trial.set_user_attr(key, value)
            self._trials[trial.number] = trial
            self._history[trial.number] = dict(trial.user_attrs.get("history", {}))
            self._reported[trial.number] = len(self._history[trial.number].get("seconds", []))
        return Trial(trial.number, attempt, config, seed)

    def report(self, epoch: Epoch) -> bool:
        """Record an epoch and say whether the pruner would stop the trial here.

        Written through the storage, since a trial's own `report` ignores a step that it has seen.

        An epoch that an earlier attempt has reported already is not judged again: later ones are known
        to the pruner, which would compare those.
        """
        trial = self._trials[epoch.trial]
        history = self._history[epoch.trial]
        for name, value in {**epoch.metrics, "seconds": epoch.seconds}.items():
            history[name] = [*history.get(name, [])[: epoch.epoch - 1], value]
        with readable_errors():
            storage, value = self.optuna._storage, epoch.metrics[self.metric]
            storage.set_trial_intermediate_value(trial._trial_id, epoch.epoch, value)
            storage.set_trial_user_attr(trial._trial_id, "history", history)
            if epoch.epoch <= self._reported[epoch.trial]:
                return False
            return self.optuna.pruner.prune(self.optuna, storage.get_trial(trial._trial_id))

    def tell(self, outcome: Outcome) -> None:
        """Record how a trial ended; a suspended one waits for the next run."""
        if outcome.state is State.SUSPENDED:
            self.suspend(outcome.trial)
            return
        trial = self._trials.pop(outcome.trial)
        cause = outcome.cause or self._pruned_by(outcome)
        facts = {"state": outcome.state.value, "epoch": outcome.epoch, "cause": cause, "traceback": outcome.traceback}
        with readable_errors():
            for key, fact in facts.items():
                if fact not in (None, ""):
                    trial.set_user_attr(key, fact)
            values = outcome.values if outcome.state is State.COMPLETE else None
            self.optuna.tell(trial, values, _TOLD_AS[outcome.state])

    def _pruned_by(self, outcome: Outcome) -> str:
        if outcome.state is not State.PRUNED:
            return ""
        value = self._history[outcome.trial][self.metric][-1]
        return f"{type(self.optuna.pruner).__name__} at epoch {outcome.epoch}, {self.metric} {value:.4g}"

    def suspend(self, number: int) -> None:
        """Set a running trial back to waiting, under its own number."""
        trial = self._trials.pop(number)
        with readable_errors():
            self.optuna._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)

    @property
    def running(self) -> tuple[int, ...]:
        """The trials that were asked for and have not been told of."""
        return tuple(self._trials)

    def recover(self) -> int:
        """Set back every trial that a crash left running; how many there were.

        Only for a driver that has the database to itself.
        """
        with readable_errors():
            left = self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            for trial in left:
                self.optuna._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
        return len(left)


def open_study(storage: BaseStorage, space: Space, metric: str, direction: Direction) -> Study:
    """The study of a space: continued when it is there, else created with its enqueued trials.

    Args:
        storage: opened for writing.
        space: what the study tunes.
        metric: the objective's name.
        direction: the objective's.

    Raises:
        StudyError: a study of that name is there and has another space.
    """
    identity = {**space.identity(), "objective.metric": metric, "objective.direction": direction.value}
    with readable_errors():
        existing = _load(storage, space.name)
        if existing is None:
            return _create(storage, space, metric, direction, identity)
    _refuse_another_space(existing, identity)
    _set_samplers(existing, space)
    with readable_errors():
        existing.set_user_attr("space", space.text)  # the search section may have changed
    return Study(existing)


def load_study(storage: BaseStorage, name: str) -> Study:
    """A study that is there.

    Raises:
        StudyError: it is not; the message lists those that are.
    """
    with readable_errors():
        study = _load(storage, name)
        names = list_studies(storage)
    if study is None:
        there = (
            f"there are {listing(names)}"
            if len(names) > 1
            else f"there is {names[0]}"
            if names
            else "there is none yet"
        )
        raise StudyError(f"no study {name}{did_you_mean(name, names)}: {there}")
    return Study(study)


def list_studies(storage: BaseStorage) -> list[str]:
    """The names of the studies, in the order in which they were made."""
    with readable_errors():
        return [study.study_name for study in storage.get_all_studies()]


def delete_study(storage: BaseStorage, name: str) -> None:
    """Remove a study and its trials from the database."""
    with readable_errors():
        optuna.delete_study(study_name=name, storage=storage)


def _load(storage: BaseStorage, name: str) -> optuna.Study | None:
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None


def _create(
    storage: BaseStorage, space: Space, metric: str, direction: Direction, identity: Mapping[str, Any]
) -> Study:
    study = optuna.create_study(storage=storage, study_name=space.name, direction=direction.value)
    facts = {"space": space.text, "file": space.file, "base": space.base, "identity": identity, "metric": metric}
    for key, fact in facts.items():
        study.set_user_attr(key, fact)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names([metric])
    _set_samplers(study, space)
    for params in space.enqueued():
        study.enqueue_trial(params)
    return Study(study)


def _set_samplers(study: optuna.Study, space: Space) -> None:
    """Seed the sampler by how far the study is, so that a resumed one never repeats its first trials."""
    section = space.setting("search.sampler")
    position = 0 if section["type"] in sampling.CONTINUES_BY_ITSELF else len(study.get_trials(deepcopy=False))
    seed = derive(space.setting("study.seed"), "sampler", position) % 2**32
    study.sampler = sampling.sampler(section, seed)
    study.pruner = sampling.pruner(space.setting("search.pruner"), space.highest("training.epochs"))


def _refuse_another_space(study: optuna.Study, identity: Mapping[str, Any]) -> None:
    known = study.user_attrs.get("identity")
    if known is None:
        raise StudyError(f"study {study.study_name} was not made by tuner: choose another --study-name")
    changed = [path for path in {**known, **identity} if known.get(path) != identity.get(path)]
    if changed:
        lines = [f"  {path}: {_shown(known, path)} in the study, {_shown(identity, path)} now" for path in changed]
        head = f"study {study.study_name} has another space; give this one a name of its own with --study-name:"
        raise StudyError("\n".join([head, *lines]))


def _shown(identity: Mapping[str, Any], path: str) -> str:
    return flow(identity[path]) if path in identity else "absent"


def _record(trial: FrozenTrial) -> Record:
    attributes = trial.user_attrs
    history: dict[str, list[float]] = attributes.get("history", {})
    ours = attributes.get("state") if trial.state in FINISHED else None
    seconds = sum(history["seconds"]) if "seconds" in history else None
    if seconds is None and trial.duration is not None:
        seconds = trial.duration.total_seconds()
    return Record(
        number=trial.number,
        state=ours or _SHOWN_AS[trial.state],
        value=trial.value,
        params=trial.params,
        epoch=attributes.get("epoch"),
        cause=attributes.get("cause", ""),
        history=history,
        started=trial.datetime_start,
        seconds=seconds,
        attributes=attributes,
    )
