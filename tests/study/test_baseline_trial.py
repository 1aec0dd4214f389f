"""A search that begins with the middle of its space."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import TINY
from tests.support.asking import opened, opened_study
from tuner.protocol import Epoch, Outcome, State
from tuner.results.answer import BASELINE
from tuner.results.results import Results
from tuner.results.summary import against_the_baseline
from tuner.space import Space
from tuner.space.middle import middle_of
from tuner.study.provenance import MIDDLE
from tuner.study.study import note

SPACE = TINY.replace("pruner: null", "pruner: null, baseline: true")


def told(folder: Path, *accuracies: float, rows: int | None = None) -> str:
    """What is said of a search whose trials have these accuracies."""
    trials = opened(f"sqlite:///{folder}/studies.db", SPACE)
    for accuracy in accuracies:
        number = trials.ask().number
        trials.report(Epoch(number, 1, 1, {"train_loss": 1.0, "accuracy": accuracy, "loss": 0.5}, 0.25))
        trials.tell(Outcome(number, 1, State.COMPLETE, (accuracy,), 1))
    if rows is not None:
        note(trials.study, BASELINE, {"valid": {}, "says": {}, "rows": rows})
    return against_the_baseline(Results(trials.study))


def test_its_first_trial_is_the_middle_and_no_other_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    trials = opened(url, SPACE)

    first, second = trials.ask(), trials.ask()
    again = opened_study(url, SPACE)

    records = again.records()
    assert records[0].params == middle_of(Space.parse(SPACE))
    assert [record.attributes.origin == MIDDLE for record in records] == [True, False]
    assert (first.number, second.number) == (0, 1)


def test_enqueued_configs_follow_it(tmp_path: Path) -> None:
    space = SPACE.replace("baseline: true", "baseline: true, enqueue: [{model.hidden.length: 1, model.hidden.0: 9}]")
    trials = opened(f"sqlite:///{tmp_path}/studies.db", space)

    trials.ask()
    trials.ask()

    assert trials.study.records()[1].params["model.hidden.0"] == 9


@pytest.mark.parametrize(
    ("accuracies", "rows", "said"),
    [
        ((0.5, 0.7), None, "accuracy 0.5: the best gains 0.2, by one run each"),
        ((0.7, 0.71), 200, "accuracy 0.7: the best gains 0.01, which these rows cannot tell from none"),
        ((0.7, 0.5), None, "accuracy 0.7, and no trial is better"),
    ],
    ids=["gain", "within_noise", "none"],
)
def test_what_the_search_gained_over_it_is_said(
    tmp_path: Path, accuracies: tuple[float, ...], rows: int | None, said: str
) -> None:
    assert told(tmp_path, *accuracies, rows=rows) == f"the middle of the space (trial 0) has {said}"
