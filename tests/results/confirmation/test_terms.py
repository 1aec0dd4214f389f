"""What may be confirmed, and on what terms."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tests.support.confirmations import SPACE, study
from tuner.errors import StudyError, UsageError
from tuner.results.results import Results
from tuner.results.wording import sentences
from tuner.search.events import Event, Reported
from tuner.settings import Confirm
from tuner.space import Space
from tuner.study.study import CONFIRM, note, noted


def test_what_cannot_be_confirmed_is_refused_with_a_sentence(walk: Path, url: str) -> None:
    tuner.confirm("walk", top=1, seeds=2, storage=url)

    with pytest.raises(UsageError, match="--seeds 1: must be a whole number of at least 2"):
        tuner.confirm("walk", seeds=1, storage=url)
    with pytest.raises(UsageError, match="--splits: which rows are trained on is the affair"):
        tuner.confirm("walk", splits=True, storage=url)
    with pytest.raises(StudyError, match=r"study walk\.confirm is a confirmation itself"):
        tuner.confirm("walk.confirm", storage=url)
    note(study(url, "walk.confirm"), CONFIRM, {**noted(study(url, "walk.confirm"), CONFIRM), "of": "another"})
    assert Results(study(url)).confirmation is None
    with pytest.raises(StudyError, match=r"`tuner delete walk\.confirm` makes room"):
        tuner.confirm("walk", storage=url)


def test_what_is_not_said_is_as_the_file_has_it(walk: Path, url: str) -> None:
    walk.write_text(walk.read_text().replace("trials: 8", "trials: 8\n  confirm: {top: 2, seeds: 3}"))
    tuner.run(walk, storage=url)

    assert tuner.confirm("walk", storage=url).terms == Confirm(2, 3, False)
    one = tuner.confirm("walk", top=1, storage=url)
    assert one.terms == Confirm(1, 3, False)
    assert one.counting < one.ended  # the other candidate's do not count any more


def test_several_objectives_have_nothing_to_confirm(walk: Path, url: str) -> None:
    objective = {"function": "fit.py:fit", "metrics": ["score", "x"], "directions": ["maximize", "minimize"]}

    with pytest.raises(UsageError, match=r"search\.confirm: several objectives have a front"):
        tuner.run(walk, storage=url, study_name="two", settings=[("objective", objective), ("search.confirm", {})])


@pytest.mark.parametrize("terms", [{"top": 0}, {"seeds": 1}, {"splits": "yes"}, {"tops": 3}])
def test_terms_that_are_none_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"search\.confirm: must be \{top: candidates, seeds: at least 2"):
        Space.parse(SPACE, settings=[("search.confirm", terms)])


def test_fresh_splits_are_runs_of_their_own_on_rows_of_their_own(tiny: Path, url: str) -> None:
    tuner.run(tiny, storage=url, n_trials=2)
    usual = tuner.confirm("tiny", top=2, seeds=2, storage=url)

    drawn = tuner.confirm("tiny", top=2, seeds=2, splits=True, storage=url)

    assert drawn.pick is not None
    assert drawn.ended == 2 * usual.ended == 12
    assert "Each seed drew new training and validation rows" in "; ".join(sentences(drawn))


def test_a_left_over_run_on_fresh_splits_still_gets_its_rows(tiny: Path, url: str) -> None:
    def crash(event: Event) -> None:
        if isinstance(event, Reported):
            raise KeyboardInterrupt

    tuner.run(tiny, storage=url, n_trials=1)
    with pytest.raises(KeyboardInterrupt):
        tuner.confirm("tiny", top=1, seeds=2, splits=True, storage=url, observe=crash)

    found = tuner.confirm("tiny", top=1, seeds=2, storage=url)

    again = tuner.confirm("tiny", top=1, seeds=2, splits=True, storage=url)
    assert (found.ended, again.ended) == (4, 4)
    assert set(found.held).isdisjoint(again.held)
