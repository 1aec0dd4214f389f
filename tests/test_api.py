from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tuner.errors import StudyError
from tuner.results.progress import Phase


def test_a_status_tells_how_a_study_stands(tiny: Path, url: str) -> None:
    result = tuner.run(tiny, storage=url, n_trials=2, device="cpu", settings={"search.trials": 3})

    seen = tuner.status("tiny", storage=url)

    assert (seen.study, seen.phase, seen.ended, seen.running) == ("tiny", Phase.DONE, 2, ())
    assert [record.number for record in seen.front] == [result.best.number]


def test_a_status_of_no_study_names_those_that_are_there(tiny: Path, url: str) -> None:
    tuner.run(tiny, storage=url, n_trials=1, device="cpu")

    with pytest.raises(StudyError, match="did you mean tiny"):
        tuner.status("tny", storage=url)
