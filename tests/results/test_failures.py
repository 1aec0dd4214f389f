from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import tuner
from tests.conftest import Cli
from tests.support.records import status_of
from tuner.errors import in_words
from tuner.results.failures import commonest, failures_of
from tuner.search.run_result import Result
from tuner.study import Record
from tuner.study.trial_attributes import TrialAttributes


def ended(number: int, state: str, cause: str = "") -> Record:
    return Record(number, status_of(state), (), {}, None, cause, {}, {}, [], {}, None, None, None, TrialAttributes())


def of_states(*states: str) -> list[Record]:
    return [ended(number, state, f"because of {number}") for number, state in enumerate(states)]


def test_causes_that_differ_in_numbers_alone_are_one_with_its_commonest_text_and_an_example() -> None:
    records = [
        ended(0, "failed", "ValueError: row 3 is bad"),
        ended(1, "failed", "ValueError: row 17 is bad"),
        ended(2, "failed", "ValueError: row 17 is bad"),
        ended(3, "diverged", "loss is nan"),
        ended(4, "pruned", "MedianPruner at epoch 3"),
        ended(5, "complete"),
    ]

    found = failures_of(records)

    assert [(each.state, each.cause, each.count, each.example) for each in found.causes] == [
        ("failed", "ValueError: row 17 is bad", 3, 1),
        ("diverged", "loss is nan", 1, 3),
    ]
    assert commonest(["size 1", "size 2", "b", "b", "size 2"]) == "size 2"


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([*of_states("complete", "pruned"), ended(2, "running")], ""),
        (of_states("failed", "complete"), "1 of 2 trials failed; the cause: because of 0 (in trial 0)"),
        (
            of_states("diverged", "diverged", "running"),
            "2 of 2 trials diverged; the cause: because of 0 (2 trials, such as trial 0)",
        ),
        (
            of_states("complete", "out of memory", "timed out", "timed out", "lost"),
            "4 of 5 trials went wrong (1 ran out of memory, 2 timed out and 1 died with the worker); "
            "the most common cause: because of 2 (2 trials, such as trial 2)",
        ),
        ([ended(0, "failed")], "1 of 1 trial failed; the cause: not recorded (in trial 0)"),
        ([ended(0, "failed", "KeyError: 'x'\nmore")], "1 of 1 trial failed; the cause: KeyError: 'x' (in trial 0)"),
        ([ended(0, "lost")], "1 of 1 trial died with the worker; the cause: lost (in trial 0)"),
    ],
)
def test_a_sentence_counts_what_went_wrong_among_the_ended_trials(records: Sequence[Record], sentence: str) -> None:
    assert failures_of(records).sentence == sentence


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("of 3 rows"), "ValueError: of 3 rows"),
        (ValueError(), "ValueError"),
        (AssertionError(""), "AssertionError"),
    ],
)
def test_an_exception_without_a_message_is_its_name_alone(error: Exception, told: str) -> None:
    assert in_words(error) == told


@pytest.mark.parametrize(
    ("states", "mostly"),
    [
        ((), False),
        (("complete", "failed"), False),
        (("complete", "failed", "timed out"), True),
        (("complete", "lost", "failed", "pruned"), False),
        (("complete", "diverged", "out of memory"), False),  # results of the search, of which the sampler learns
        (("failed", "running", "waiting", "running"), True),
    ],
)
def test_more_than_half_of_the_ended_trials_are_most(states: Sequence[str], mostly: bool) -> None:
    assert failures_of(of_states(*states)).mostly is mostly


FIT = """\
def fit(config, report):
    if config["lr"] > {bound}:
        raise KeyError("lr")
    report(1, score=config["lr"])
"""
SPACE = """\
study: {name: fails, seed: 0}
search: {trials: 6, sampler: {type: RandomSampler}}
objective: {function: "fails.py:fit", metric: score, direction: maximize}
lr: {float: [0, 1]}
"""


@pytest.fixture
def fails(tmp_path: Path) -> Path:
    (tmp_path / "fails.yaml").write_text(SPACE)
    (tmp_path / "fails.py").write_text(FIT.format(bound=0.3))
    return tmp_path


def count_above(result: Result, bound: float) -> int:
    return sum(record.params["lr"] > bound for record in result.study.records())


def test_what_went_wrong_is_said_of_this_runs_trials_and_of_all_where_none_ran(fails: Path, url: str) -> None:
    def run(**more: Any) -> Result:
        return tuner.run(fails / "fails.yaml", storage=url, **more)

    first, again = run(), run()
    (fails / "fails.py").write_text(FIT.format(bound=1))
    mended = run(n_trials=9)

    assert first.failures.ended == 6
    assert first.failures.count == count_above(first, 0.3) > 3, "the seed draws most above the bound"
    assert first.failures.mostly
    assert again.failures == first.failures
    assert (mended.failures.ended, mended.failures.count, mended.failures.mostly) == (3, 0, False)


def test_a_run_that_mostly_fails_says_so_everywhere_and_exits_with_1(fails: Path, cli: Cli) -> None:
    ran = cli("run", "--space", "fails.yaml", "--quiet")

    sentence = "5 of 6 trials failed; the cause: KeyError: 'lr' (5 trials, such as trial "
    assert ran.returncode == 1
    assert sentence in ran.stdout
    assert sentence in ran.stderr
    assert "Best of 6 trials in study fails" in ran.stdout
    assert sentence in cli("show", "fails").stdout
    assert sentence in cli("list").stdout
    assert sentence in cli("status", "fails").stdout
    assert cli("export", "fails", "-o", "best.yaml").returncode == 0
