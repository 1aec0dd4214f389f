"""No config is tried twice and each keeps the relations, whatever the sampler draws."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial

import tuner
from tests.conftest import TINY, Cli
from tests.support.asking import opened
from tuner.protocol import Outcome, State
from tuner.study import AskTell
from tuner.study.drawing import UsedUp
from tuner.study.stop_rules import stop_reason

FIT = """\
def fit(config, report):
    return config["n"] + (config["kind"] == "b")
"""
SMALL = """\
search: {trials: 99, sampler: SAMPLER, pruner: null}
objective: {function: 'fit.py:fit', metric: score, direction: maximize}
n: {int: [1, 4]}
kind: {choice: [a, b, {name: c, depth: {choice: [1, 2]}}]}
"""
EVERY = 16
SAMPLERS = [
    "TPESampler",
    "RandomSampler",
    "GPSampler",
    "CmaEsSampler",
    "QMCSampler",
    "NSGAIISampler",
    "BruteForceSampler",
]


def asked(url: str, sampler: str = "{type: TPESampler}", **more: str) -> AskTell:
    text = SMALL.replace("SAMPLER", sampler)
    for old, new in more.items():
        text = text.replace(old, new)
    return opened(url, text)


def key(params: dict[str, Any]) -> str:
    return repr(sorted(params.items()))


def tell(trials: AskTell, number: int, state: State = State.COMPLETE) -> None:
    values = (float(number % 5),) if state is State.COMPLETE else ()
    trials.tell(Outcome(number, trials.running[number].attempt, state, values, 1))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_tries_each_config_once_and_then_no_more(sampler: str, url: str) -> None:
    trials = asked(url, f"{{type: {sampler}}}")

    for _ in range(EVERY):
        tell(trials, trials.ask().number)

    with pytest.raises(UsedUp):
        trials.ask()
    tried = [key(dict(record.params)) for record in trials.study.records()]
    assert len(tried) == len(set(tried)) == EVERY
    assert trials.queue.exhausted


def test_a_config_that_runs_or_was_pruned_or_failed_is_not_tried_again(url: str) -> None:
    trials = asked(url)
    for state in itertools.islice(itertools.cycle([State.DIVERGED, State.FAILED, None]), EVERY):
        number = trials.ask().number
        if state is not None:
            tell(trials, number, state)

    with pytest.raises(UsedUp):
        trials.ask()

    assert len({key(dict(record.params)) for record in trials.study.records()}) == EVERY


def test_a_grid_gives_its_own_points_once(url: str) -> None:
    trials = asked(url, "{type: GridSampler, search_space: {n: [1, 2, 3], kind: [a, b]}}")

    for _ in range(6):
        trials.ask()

    with pytest.raises(UsedUp):
        trials.ask()
    points = [(record.params["n"], record.params["kind"]) for record in trials.study.records()]
    assert sorted(points) == list(itertools.product([1, 2, 3], ["a", "b"]))


def test_branches_without_a_range_are_tried_once_beside_one_with_a_range(url: str) -> None:
    trials = asked(url, "{type: RandomSampler}", **{"n: {int: [1, 4]}": "n: 1", "{choice: [1, 2]}": "{float: [0, 1]}"})

    for _ in range(40):
        tell(trials, trials.ask().number)

    kinds = [record.params["kind"] for record in trials.study.records()]
    assert (kinds.count("a"), kinds.count("b"), kinds.count("c")) == (1, 1, 38)


def test_repeats_are_allowed_on_demand(url: str) -> None:
    trials = asked(url, "{type: RandomSampler}, repeats: true")

    for _ in range(2 * EVERY):
        tell(trials, trials.ask().number)

    assert len({key(dict(record.params)) for record in trials.study.records()}) < EVERY + 1


def test_enqueued_and_retried_trials_may_repeat_a_config(url: str) -> None:
    trials = asked(url, enqueue="", **{"trials: 99": "trials: 99, enqueue: [{n: 2, kind: a}]"})
    tell(trials, trials.ask().number)
    trials.study.optuna.enqueue_trial({"n": 2, "kind": "a"})

    again = trials.ask()
    trials.tell(Outcome(again.number, 1, State.SUSPENDED))

    assert again.values == trials.study.space.fill(trials.study.optuna.trials[0])
    assert trials.ask().number == again.number


def test_the_seed_decides_what_stands_in(tmp_path: Path) -> None:
    def order(name: str) -> list[str]:
        trials = asked(f"sqlite:///{tmp_path}/{name}.db")
        for _ in range(EVERY):
            tell(trials, trials.ask().number)
        return [key(dict(record.params)) for record in trials.study.records()]

    assert order("one") == order("other")


def written(folder: Path) -> Path:
    (folder / "fit.py").write_text(FIT)
    (folder / "small.yaml").write_text(SMALL.replace("SAMPLER", "{type: TPESampler}"))
    return folder / "small.yaml"


@pytest.mark.parametrize("more", [[], ["--deterministic", "3"], ["--workers", "2"]], ids=["one", "batches", "two"])
def test_a_search_ends_where_its_space_is_used_up_and_says_so(more: list[str], tmp_path: Path, cli: Cli) -> None:
    file = written(tmp_path)

    done, again = cli("run", file, *more), cli("run", file, *more)

    assert (done.returncode, again.returncode) == (0, 0)
    assert f"Stopped after {EVERY} trials: every config of the space was tried; search.repeats: true" in done.stdout
    assert f"Stopped after {EVERY} trials" in again.stdout
    assert "it has stopped: every config of the space was tried; search.repeats" in cli("status", "small").stdout
    records = tuner.load_study("small", storage=f"sqlite:///{tmp_path}/studies.db").records()
    assert len(records) == EVERY


def test_a_check_says_when_the_space_ends_before_the_search(tmp_path: Path, cli: Cli) -> None:
    checked = cli("check", written(tmp_path), "--no-build")

    assert f"The search ends after {EVERY} of its 99 trials" in checked.stdout


WIDE = """\
search: {trials: 99, sampler: SAMPLER, pruner: null, where: ["width * depth <= 64", "rate <= width / 100"], enqueue: []}
objective: {function: 'fit.py:fit', metric: score, direction: maximize}
width: {int: [4, 64], log: true}
depth: {int: [1, {ref: width}]}
rate: {float: [1e-3, 1], log: true}
"""


def kept(params: Mapping[str, Any]) -> bool:
    width, depth, rate = params["width"], params["depth"], params["rate"]
    return bool(width * depth <= 64 and rate <= width / 100 * (1 + 1e-6) and 1 <= depth <= width)


@pytest.mark.parametrize("sampler", [sampler for sampler in SAMPLERS if sampler != "BruteForceSampler"])
def test_every_sampler_keeps_the_relations_and_learns_what_was_trained(sampler: str, url: str) -> None:
    trials = opened(url, WIDE.replace("SAMPLER", f"{{type: {sampler}}}"))
    handed = {}

    for _ in range(20):
        trial = trials.ask()
        handed[trial.number] = trial.values
        tell(trials, trial.number)

    records = trials.study.records()
    assert all(kept(record.params) for record in records)
    assert all(handed[record.number][name] == value for record in records for name, value in record.params.items())
    assert len({key(dict(record.params)) for record in records}) == 20


def test_a_sampler_that_learns_draws_once_where_relations_are_tight(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    infer = TPESampler.infer_relative_search_space

    def counted(self: TPESampler, study: optuna.Study, trial: FrozenTrial) -> Any:
        drawn.append(trial.number)
        return infer(self, study, trial)

    monkeypatch.setattr(TPESampler, "infer_relative_search_space", counted)
    trials = opened(url, WIDE.replace("SAMPLER", "{type: TPESampler}"))

    for _ in range(20):
        tell(trials, trials.ask().number)

    assert drawn == list(range(20))


def test_an_enqueued_part_of_a_config_stays_and_the_rest_keeps_the_relations(url: str) -> None:
    text = WIDE.replace("SAMPLER", "{type: RandomSampler}").replace("enqueue: []", "enqueue: [{width: 5}, {depth: 5}]")
    trials = opened(url, text)

    first, second = trials.ask().values, trials.ask().values

    assert first["width"] == 5
    assert second["depth"] == 5
    assert kept(first)
    assert kept(second)


def test_relations_that_no_config_keeps_are_refused_before_the_first_trial(tmp_path: Path, cli: Cli) -> None:
    text = WIDE.replace("SAMPLER", "{type: TPESampler}").replace('"rate <=', '"width * rate >= 10", "rate <=')
    (tmp_path / "fit.py").write_text(FIT)
    (tmp_path / "wide.yaml").write_text(text.replace("width * depth <= 64", "width <= 20"))

    checked, run = cli("check", "wide.yaml", "--no-build"), cli("run", "wide.yaml")

    assert (checked.returncode, run.returncode) == (2, 2)
    assert "wide.yaml:1:" in checked.stderr
    assert "no config was found that keeps all" in checked.stderr
    assert "no config was found that keeps all" in run.stderr
    assert not (tmp_path / "studies.db").exists()


def test_a_check_says_which_share_of_the_space_keeps_the_relations(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "wide.yaml").write_text(WIDE.replace("SAMPLER", "{type: TPESampler}"))

    checked = cli("check", "wide.yaml", "--no-build")

    assert re.search(r"3 relations: 0\.\d+ of random configs keep all", checked.stdout)
    assert checked.returncode == 0


def test_a_study_of_ones_own_prunes_what_breaks_a_relation(tmp_path: Path) -> None:
    (tmp_path / "fit.py").write_text("def fit(config, report):\n    return config['rate']\n")
    (tmp_path / "wide.yaml").write_text(WIDE.replace("SAMPLER", "{type: TPESampler}"))
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(0))

    study.optimize(tuner.objective(tmp_path / "wide.yaml"), n_trials=30)

    assert all(kept(trial.params) is (trial.state.name == "COMPLETE") for trial in study.trials)
    assert {trial.state.name for trial in study.trials} == {"COMPLETE", "PRUNED"}


def test_a_grid_leaves_out_points_that_break_a_relation(url: str) -> None:
    grid = "{type: GridSampler, search_space: {n: [1, 2, 3, 4], kind: [a, b]}}, where: ['n <= 2']"
    trials = asked(url, grid)
    for _ in range(4):
        tell(trials, trials.ask().number)

    with pytest.raises(UsedUp):
        trials.ask()

    assert {record.params["n"] for record in trials.study.records()} == {1, 2}


def test_an_export_needs_no_relation_and_trains(tmp_path: Path, cli: Cli) -> None:
    text = TINY.replace("search: {trials: 3,", 'search: {trials: 3, where: ["model.hidden.0 > 1.1 * model.hidden.1"],')
    text = text.replace("{int: [8, 16]}, length", "{int: [8, {ref: data.batch_size}], prior: {around: 12}}, length")
    (tmp_path / "tiny.yaml").write_text(text)

    ran = cli("run", "tiny.yaml")
    cli("export", "tiny", "-o", "best.yaml")
    trained = cli("train", "best.yaml", "-o", "best")

    assert (ran.returncode, trained.returncode) == (0, 0), trained.stderr
    assert "where: []" in (tmp_path / "best.yaml").read_text()


def test_a_huge_range_of_which_a_relation_leaves_little_is_used_up(url: str) -> None:
    text = SMALL.replace("SAMPLER", "{type: RandomSampler}, where: ['n <= 2']").replace("[1, 4]", "[1, 1000000000]")
    trials = opened(url, text.split("kind:")[0])

    for _ in range(2):
        tell(trials, trials.ask().number)
    with pytest.raises(UsedUp):
        trials.ask()
    assert stop_reason(trials.study) == "no untried config was found that keeps the relations"
