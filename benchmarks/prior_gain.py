"""What a prior gains if it is right, and what it costs if it is wrong, on simulated functions.

    python -m benchmarks.prior_gain

A study minimizes the distance to a hidden optimum in five parameters, of which one is a choice. The prior is near the
optimum, or far from it. A figure is the mean of the best values after some trials, over seeds.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import optuna

from tuner.goal import goal_of
from tuner.protocol import Outcome, State
from tuner.space import Space
from tuner.study import AskTell, open_study

NAMES = ("a", "b", "c", "d")
LABELS = ("p", "q", "r")
AFTER = (10, 25, 50)
SPREADS = {"none": None, "right": 0.1, "vague": 0.25, "wrong": 0.6}
"""The distance of a prior from the optimum in each parameter, as a share of the range."""


def optimum(seed: int) -> dict[str, Any]:
    """Return the places of the best values, from 0 to 1, and the best label."""
    chance = random.Random(seed)
    return {**{name: chance.uniform(0.05, 0.95) for name in NAMES}, "kind": chance.choice(LABELS)}


def prior_of(best: Mapping[str, Any], spread: float | None, seed: int) -> dict[str, Any]:
    """Return values at a distance from the best ones; none without a distance."""
    if spread is None:
        return {}
    chance = random.Random(f"prior {seed}")
    places = {}
    for name in NAMES:
        sides = [best[name] + spread, best[name] - spread]
        inside = [side for side in sides if 0 <= side <= 1] or [float(best[name] < 0.5)]
        places[name] = chance.choice(inside)
    label = best["kind"] if spread < 0.5 else next(label for label in LABELS if label != best["kind"])
    return {**places, "kind": label}


def text_of(sampler: str, prior: Mapping[str, Any], trials: int) -> str:
    """Return a space with four ranges, half of them logarithmic, and a choice."""
    section: dict[str, Any] = {
        "search": {"trials": trials, "sampler": {"type": sampler}, "pruner": None},
        "study": {"name": "prior"},
        "objective": {"function": "f:f", "metric": "value", "direction": "minimize"},
        "kind": {"choice": list(LABELS)},
    }
    for i, name in enumerate(NAMES):
        section[name] = {"float": [1e-4, 1.0], "log": True} if i % 2 else {"float": [0.0, 1.0]}
        if prior:
            around = 10 ** (4 * (prior[name] - 1)) if i % 2 else prior[name]
            section[name]["prior"] = {"around": around}
    if prior:
        section["kind"]["prior"] = {"around": prior["kind"]}
    return json.dumps(section)


def value(config: Mapping[str, Any], best: Mapping[str, Any]) -> float:
    """Return the distance of a config from the optimum."""
    places = {name: 1 + math.log10(config[name]) / 4 if i % 2 else config[name] for i, name in enumerate(NAMES)}
    squares = sum((places[name] - best[name]) ** 2 for name in NAMES)
    return math.sqrt(squares) + (0.0 if config["kind"] == best["kind"] else 0.3)


def curve(sampler: str, spread: float | None, seed: int, trials: int) -> list[float]:
    """Return the best value after each trial."""
    best = optimum(seed)
    space = Space.parse(text_of(sampler, prior_of(best, spread, seed), trials), settings={"study.seed": seed})
    study = AskTell(open_study(optuna.storages.InMemoryStorage(), space, goal_of(space.objective, None)))
    found: list[float] = []
    for _ in range(trials):
        trial = study.ask()
        reached = value(trial.values, best)
        study.tell(Outcome(trial.number, 1, State.COMPLETE, (reached,), 1))
        found.append(min([reached, *found[-1:]]))
    return found


def means(sampler: str, spread: float | None, seeds: int) -> list[float]:
    """Return the mean best value after some numbers of trials."""
    curves = [curve(sampler, spread, seed, max(AFTER)) for seed in range(seeds)]
    return [fmean(each[count - 1] for each in curves) for count in AFTER]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure what priors gain and cost.")
    parser.add_argument("--seeds", type=int, default=30, help="number of functions, each with a study")
    seeds = parser.parse_args(arguments).seeds
    print("| sampler | prior | " + " | ".join(f"after {count}" for count in AFTER) + " |")
    print("|---|---|" + "---|" * len(AFTER))
    for sampler in ("RandomSampler", "TPESampler"):
        for name, spread in SPREADS.items():
            figures = " | ".join(f"{figure:.3f}" for figure in means(sampler, spread, seeds))
            print(f"| {sampler} | {name} | {figures} |")


if __name__ == "__main__":
    main()
