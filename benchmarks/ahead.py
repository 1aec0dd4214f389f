"""What asking ahead costs a search: trials that are in flight at once, of functions that take no time.

    python -m benchmarks.ahead --seeds 30 --trials 60 --flights 1 4 6 8 12 20

Each search samples as `tuner run` does by default. As lanes do, so many trials are asked for at once and end
together; the first ten are in any case, which TPE draws at random. The table has the mean of log10 of the regret at the
end, its standard error, and after how many trials a search of one at a time is as far.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from tuner.config import Component
from tuner.study import samplers

Values = Mapping[str, float]
Function = tuple[Callable[[Values], float], Mapping[str, BaseDistribution]]

STARTUP = 10
"""Trials that TPE draws at random."""


def _floats(names: Iterable[str], low: float, high: float) -> dict[str, BaseDistribution]:
    return {name: FloatDistribution(low, high) for name in names}


def _branin(at: Values) -> float:
    x, y = at["x"], at["y"]
    bent = y - 5.1 * x * x / (4 * math.pi**2) + 5 * x / math.pi - 6
    return bent**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 - 0.397887


def _rates(at: Values) -> float:
    """Return the usual bowl: a learning rate and a decay on log scales, a width and a dropout."""
    off = (math.log10(at["lr"]) + 2.3) / 2, (math.log10(at["decay"]) + 4) / 3, at["width"] - 0.7, at["dropout"] - 0.2
    return sum(weight * each**2 for weight, each in zip((4, 0.3, 1, 0.5), off, strict=True))


def _rosenbrock(at: Values) -> float:
    x = list(at.values())
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x))


def _ackley(at: Values) -> float:
    x = list(at.values())
    far = math.sqrt(sum(each * each for each in x) / len(x))
    waves = sum(math.cos(2 * math.pi * each) for each in x) / len(x)
    return 20 + math.e - 20 * math.exp(-0.2 * far) - math.exp(waves)


def _branched(at: Values) -> float:
    """Return a choice of three optimizers, each with its own best rate."""
    best, floor = {"a": (-1.0, 0.05), "b": (-3.0, 0.0), "c": (-2.0, 0.2)}[str(at["kind"])]
    return floor + (math.log10(at["lr"]) - best) ** 2 / 4 + (at["width"] - 0.6) ** 2


_LOG = {"lr": FloatDistribution(1e-5, 1.0, log=True)}
FUNCTIONS: Mapping[str, Function] = {
    "Branin": (_branin, {"x": FloatDistribution(-5, 10), "y": FloatDistribution(0, 15)}),
    "rates": (
        _rates,
        {**_LOG, "decay": FloatDistribution(1e-7, 1e-1, log=True), **_floats(["width", "dropout"], 0, 1)},
    ),
    "Rosenbrock": (_rosenbrock, _floats("abc", -2, 2)),
    "Ackley": (_ackley, _floats("abcde", -5, 8)),
    "branched": (_branched, {"kind": CategoricalDistribution(["a", "b", "c"]), **_LOG, **_floats(["width"], 0, 1)}),
}


def bests(function: Function, trials: int, flight: int, seed: int) -> list[float]:
    """Return the best regret after each trial of a search."""
    evaluate, space = function
    study = optuna.create_study(sampler=samplers.sampler(Component("TPESampler"), seed, single=True))
    found: list[float] = []
    while len(found) < trials:
        left = trials - len(found)
        asked = [study.ask(dict(space)) for _ in range(min(max(flight, STARTUP) if not found else flight, left))]
        for trial in asked:
            found.append(min([evaluate(trial.params), *found[-1:]]))
            study.tell(trial, evaluate(trial.params))
    return found


def log_regrets(function: Function, trials: int, flight: int, seeds: int) -> list[list[float]]:
    """Of each seed the log10 of the best regret after each trial."""
    curves = (bests(function, trials, flight, seed) for seed in range(seeds))
    return [[math.log10(max(value, 1e-6)) for value in curve] for curve in curves]


def as_many(mean: float, curve: Sequence[float]) -> int:
    """After how many trials a curve of means is as low as another's end."""
    return next((number for number, value in enumerate(curve, 1) if value <= mean), len(curve))


def main() -> None:
    """Run the searches and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--flights", type=int, nargs="+", default=[1, 4, 6, 8, 12, 20])
    parser.add_argument("--functions", nargs="+", choices=list(FUNCTIONS), default=list(FUNCTIONS))
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print(f"{asked.trials} trials, {asked.seeds} seeds: log10 of the regret (standard error), trials one at a time")
    for name in asked.functions:
        told = []
        alone: list[float] = []
        for flight in asked.flights:
            curves = log_regrets(FUNCTIONS[name], asked.trials, flight, asked.seeds)
            alone = alone or [statistics.fmean(values) for values in zip(*curves, strict=True)]
            ends = [curve[-1] for curve in curves]
            error = statistics.stdev(ends) / math.sqrt(len(ends))
            needed = as_many(statistics.fmean(ends), alone)
            told.append(f"{flight}: {statistics.fmean(ends):.2f} ({error:.2f}) {needed}")
        print(f"{name:>11}  " + "   ".join(told), flush=True)


if __name__ == "__main__":
    main()
