"""What Optuna keeps to itself does what is asked of it: a release that moves it fails here by name."""

from __future__ import annotations

import math
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages.journal import JournalFileBackend

from tuner import optuna_internals
from tuner.errors import TunerError


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    return optuna.create_study(storage=RDBStorage(f"sqlite:///{tmp_path}/studies.db"))


def test_the_tables_of_optunas_schema_hold_a_trial(study: optuna.Study) -> None:
    trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
    trial.report(0.25, 1)
    trial.set_user_attr("by", "hand")
    trial.storage.set_trial_system_attr(optuna_internals.trial_id_of(trial), "kept", 1)
    study.set_user_attr("of", "all")
    study.tell(trial, 0.5)
    held = {}

    backend = optuna_internals.backend_of(optuna_internals.storage_of(study))
    assert backend is not None
    with optuna_internals.session_of(backend.scoped_session) as session:
        for model in (
            optuna_internals.StudyModel,
            optuna_internals.StudyUserAttributeModel,
            optuna_internals.TrialModel,
            optuna_internals.TrialParamModel,
            optuna_internals.TrialValueModel,
            optuna_internals.TrialIntermediateValueModel,
            optuna_internals.TrialUserAttributeModel,
            optuna_internals.TrialSystemAttributeModel,
        ):
            held[model.__tablename__] = len(session.execute(model.__table__.select()).all())

    assert set(held.values()) == {1}
    assert optuna_internals.TrialValueModel.value_to_stored_repr(math.inf)[0] is None
    assert optuna_internals.TrialIntermediateValueModel.intermediate_value_to_stored_repr(0.5)[0] == 0.5


def test_a_study_gives_and_takes_its_storage(study: optuna.Study) -> None:
    assert isinstance(optuna_internals.storage_of(study), _CachedStorage)
    assert optuna_internals.storage_of(study).get_study_name_from_id(optuna_internals.id_of(study)) == study.study_name

    other = InMemoryStorage()
    optuna_internals.put_storage(study, other)

    assert optuna_internals.storage_of(study) is other
    assert optuna_internals.backend_of(other) is None


def test_a_storage_that_is_neither_a_database_nor_in_memory_is_refused(tmp_path: Path) -> None:
    journal = JournalStorage(JournalFileBackend(str(tmp_path / "journal.log")))

    with pytest.raises(TunerError, match=r"^a JournalStorage has no database"):
        optuna_internals.backend_of(journal)


def test_trials_are_read_by_their_ids(study: optuna.Study) -> None:
    for value in range(3):
        study.tell(study.ask(), value)
    database = optuna_internals.backend_of(optuna_internals.storage_of(study))
    assert database is not None
    [summary] = database.get_all_studies()
    first, second, third = map(optuna_internals.trial_id_of, study.trials)

    read = optuna_internals.read_trials(database, optuna_internals.id_of(summary), {first}, second)

    assert sorted(map(optuna_internals.trial_id_of, read)) == [first, third]


def test_a_trial_takes_another_id() -> None:
    trial = optuna.trial.create_trial(value=0.0)

    optuna_internals.put_trial_id(trial, 7)

    assert optuna_internals.trial_id_of(trial) == 7


def test_brackets_of_hyperband_depend_on_the_seed_and_not_on_the_name() -> None:
    def rungs(name: str, seed: int) -> list[bool]:
        study = optuna.create_study(study_name=name)
        pruner = optuna_internals.SeededHyperband(seed, min_resource=1, max_resource=27)
        for _ in range(20):
            trial = study.ask()
            trial.report(0.5, 1)
            pruner.prune(study, study.trials[-1])
            study.tell(trial, 0.5)
        return ["completed_rung_0" in trial.system_attrs for trial in study.trials]

    assert rungs("one", 1) == rungs("another", 1)
    assert rungs("one", 1) != rungs("one", 2)


def test_a_read_that_fails_is_not_logged(study: optuna.Study, caplog: pytest.LogCaptureFixture) -> None:
    optuna_internals.silence_failed_reads()
    database = optuna_internals.backend_of(optuna_internals.storage_of(study))
    assert database is not None
    with database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE trials"))

    optuna.logging.enable_propagation()
    with pytest.raises(StorageInternalError):
        optuna_internals.read_trials(database, optuna_internals.id_of(study), set(), 0)
    optuna.logging.disable_propagation()

    assert caplog.records == []


def test_a_sampler_stops_a_study(study: optuna.Study) -> None:
    study.sampler = optuna.samplers.GridSampler({"x": [0, 1]})
    assert not optuna_internals.is_stopped(study)

    optuna_internals.let_stop(study)
    for _ in range(2):
        study.tell(study.ask({"x": optuna.distributions.IntDistribution(0, 1)}), 0.0)

    assert optuna_internals.is_stopped(study)
    assert len(study.trials) == 2


def test_a_trial_is_told_by_its_number(study: optuna.Study) -> None:
    number = study.ask().number

    optuna_internals.tell(study, number, [0.5], optuna.trial.TrialState.COMPLETE)

    assert [trial.value for trial in study.trials] == [0.5]


def test_optunas_constraints_are_under_their_key(study: optuna.Study) -> None:
    trial = study.ask()
    trial.set_constraint("size", 1.0)
    study.tell(trial, 0.0)

    kept = study.trials[0].system_attrs

    assert any(key.startswith(optuna_internals.CONSTRAINTS_KEY) for key in kept)
