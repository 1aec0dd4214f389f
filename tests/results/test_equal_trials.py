"""Equal values: which trial is the best, and how many the validation rows cannot tell from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import binomtest

from tests.support.asking import opened
from tuner.protocol import Epoch, Outcome, State
from tuner.results.answer import BASELINE
from tuner.results.equal_trials import MOST_ROWS, equals_of
from tuner.results.results import Results
from tuner.study import AskTell
from tuner.study.study import note

ROWS = 200


def told(trials: AskTell, accuracy: float, loss: float) -> None:
    """A complete trial of one epoch."""
    number = trials.ask().number
    trials.report(Epoch(number, 1, 1, {"train_loss": 1.0, "accuracy": accuracy, "loss": loss}, 0.25))
    trials.tell(Outcome(number, 1, State.COMPLETE, (accuracy,), 1))


def results_of(folder: Path, *trials: tuple[float, float], rows: int | None = ROWS) -> Results:
    driver = opened(f"sqlite:///{folder}/studies.db")
    for accuracy, loss in trials:
        told(driver, accuracy, loss)
    if rows is not None:
        note(driver.study, BASELINE, {"valid": {}, "says": {}, "rows": rows})
    return Results(driver.study)


@pytest.mark.parametrize(
    ("losses", "best"),
    [((0.3, 0.2, 0.4), 1), ((0.2, 0.2, 0.4), 0), ((float("nan"), 0.9, 0.8), 2)],
    ids=["lowest", "earliest", "nan_is_last"],
)
def test_of_equal_values_the_lowest_loss_is_the_best(tmp_path: Path, losses: tuple[float, ...], best: int) -> None:
    results = results_of(tmp_path, *((0.9, loss) for loss in losses))

    assert results.best is not None
    assert (results.best.number, results.study.best_trial.number) == (best, best)


def test_trials_that_the_rows_cannot_tell_from_the_best_are_counted(tmp_path: Path) -> None:
    results = results_of(tmp_path, (0.9, 0.3), (0.9, 0.2), (0.875, 0.1), (0.87, 0.1))

    assert list(equals_of(results)) == [
        "2 other trials cannot be told apart from it: of 200 validation rows they get at most 5 fewer right.",
        "1 other trial has the same value: the lowest validation loss decides.",
    ]


def test_without_the_number_of_rows_only_equal_values_are_counted(tmp_path: Path) -> None:
    results = results_of(tmp_path, (0.9, 0.3), (0.9, 0.2), (0.895, 0.1), rows=None)

    assert list(equals_of(results)) == ["1 other trial has the same value: the lowest validation loss decides."]


def test_a_best_trial_that_stands_alone_has_no_sentence(tmp_path: Path) -> None:
    assert list(equals_of(results_of(tmp_path, (0.9, 0.3), (0.7, 0.2)))) == []


def test_so_few_rows_are_never_a_difference_at_5_percent_and_one_more_can_be() -> None:
    def least_p(difference: int) -> float:  # of any number of rows on which one model is right and the other wrong
        return min(float(binomtest(difference + both, difference + 2 * both).pvalue) for both in range(50))

    assert least_p(MOST_ROWS) > 0.05 > least_p(MOST_ROWS + 1)
