"""A study of a server is read with the types and the values of the local functions."""

from __future__ import annotations

from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

import tuner
from tests.support.asking import complete, left_running, opened
from tuner.client import Client
from tuner.errors import NoTrialSucceeded, StudyError
from tuner.protocol import Outcome, State
from tuner.service.queue.lifecycle import JobState
from tuner.storage import open_storage
from tuner.study import Record, Study, Unfinished, load_study


@pytest.fixture
def local(url: str) -> Study:
    trials = opened(url)
    for value in (0.7, 0.9):
        complete(trials, value)
    trial = trials.ask()
    trials.tell(Outcome(trial.number, 1, State.FAILED, cause="ValueError: no"))
    return load_study(open_storage(url), "tiny")


def test_the_trials_are_the_records_of_the_local_study(local: Study, client: Client) -> None:
    study = client.study("tiny")

    assert study.trials == local.records()
    assert isinstance(study.best_trial, Record)
    assert study.best_trial == local.best()
    assert (study.best_value, study.best_params) == (local.best_value, local.best_params)
    assert study.best_trials == local.front()
    assert_frame_equal(study.trials_dataframe(), local.trials_dataframe())


def test_the_result_is_that_of_a_run(local: Study, client: Client) -> None:
    found = client.study("tiny").result

    assert isinstance(found, tuner.Result)
    assert found.best == local.best()
    assert found.failures.count == 1


def test_the_loaded_study_is_one_of_tuner(local: Study, client: Client) -> None:
    loaded = client.study("tiny").load()

    assert isinstance(loaded, tuner.Study)
    assert loaded.space.text == local.space.text


def test_the_server_describes_it(local: Study, client: Client) -> None:
    study = client.study("tiny")

    (listed,) = client.studies()
    assert (listed.name, listed.trials.ended) == ("tiny", 3)
    assert study.detail.failure_sentence == "1 of 3 trials failed; the cause: ValueError: no (in trial 2)"
    assert study.state is JobState.DONE
    assert study.wait(timeout=1) is JobState.DONE
    assert study.trial(1).value == 0.9
    assert [view.number for view in study.listed(state=["failed"])] == [2]


def test_a_study_that_is_not_there_is_an_error_that_names_it(local: Study, client: Client) -> None:
    with pytest.raises(StudyError, match="tinny"):
        client.study("tinny")
    with pytest.raises(StudyError, match="has no trial 9"):
        client.study("tiny").trial(9)


def test_a_study_without_a_complete_trial_has_no_best_one(url: str, client: Client) -> None:
    opened(url).ask()
    study = client.study("tiny")

    with pytest.raises(StudyError, match="no complete trial within its bounds"):
        _ = study.best_trial
    with pytest.raises(NoTrialSucceeded):
        _ = study.result


def test_a_study_at_rest_that_no_job_searches_is_not_waited_for(url: str, client: Client) -> None:
    left_running(url)
    study = client.study("tiny")

    assert study.wait() is JobState.SUSPENDED
    assert [record.state for record in study.trials] == [State.COMPLETE, Unfinished.LEFT]


def test_an_exported_config_is_that_of_the_local_function(
    local: Study, client: Client, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(local.space.base)
    study = client.study("tiny")

    assert study.export(tmp_path / "best.yaml") == tuner.export("tiny", tmp_path / "here.yaml", storage=url)
    assert study.export(trial=0, form="json") == tuner.export("tiny", trial=0, form="json", storage=url)
    assert (tmp_path / "best.yaml").read_text() == (tmp_path / "here.yaml").read_text()


def test_the_confirmation_comes_with_its_study(url: str, client: Client, local: Study) -> None:
    assert client.study("tiny").results.confirmation is None
    assert client.study("tiny").results.confirms == ""
