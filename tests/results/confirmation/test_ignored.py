"""A confirmation whose search has ignored trials."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tests.support.confirmations import study
from tuner.errors import StudyError
from tuner.results.results import Results
from tuner.study.interventions import steer_trial


def test_a_confirmation_picks_no_ignored_trial_and_counts_all_of_its_runs(walk: Path, url: str) -> None:
    found = tuner.confirm("walk", top=2, seeds=2, storage=url)
    assert found.pick is not None
    picked = found.pick.trial.number

    steer_trial(url, "walk", picked, "ignore")
    before = Results(study(url)).confirmation
    again = tuner.confirm("walk", top=2, seeds=2, storage=url)

    assert before is None or before.pick is None or before.pick.trial.number != picked
    assert picked not in [standing.trial.number for standing in again.standings]
    with pytest.raises(StudyError, match=r"study walk\.confirm has the runs of a confirmation: its mean counts each"):
        steer_trial(url, "walk.confirm", 0, "ignore")
