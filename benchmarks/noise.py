"""How often studies of pure noise name a parameter or a bound, and how often a decisive parameter is named first.

python -m benchmarks.noise --studies 200 --trials 50
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Mapping
from typing import Any

import optuna

from tuner.importances import importances_of
from tuner.plots.plot import losses
from tuner.regions import regions
from tuner.study import Study, sound

SEARCHED: Mapping[str, optuna.distributions.BaseDistribution] = {
    "a": optuna.distributions.FloatDistribution(0, 1),
    "rate": optuna.distributions.FloatDistribution(1e-5, 1, log=True),
    "width": optuna.distributions.IntDistribution(1, 8),
    "kind": optuna.distributions.CategoricalDistribution(["a", "b", "c"]),
    "other": optuna.distributions.FloatDistribution(0, 1),
}
DECIDED: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "": lambda params: 0.0,
    "a": lambda params: (params["a"] - 0.7) ** 2 / 0.127,
    "width": lambda params: -params["width"] / 2.3,
    "kind": lambda params: "abc".index(params["kind"]) / 0.8,
}
"""By the decisive parameter, what it makes of a trial: about 1 in standard deviation; none is noise."""

NOISE = 0.5
"""The standard deviation of what is added to it."""


def study_of(decisive: str, sampler: str, trials: int, seed: int) -> Study:
    """Make a study by TPE, or at random."""
    made = {"tpe": lambda: optuna.samplers.TPESampler(seed=seed, group=True)}
    study = optuna.create_study(sampler=made.get(sampler, lambda: optuna.samplers.RandomSampler(seed=seed))())
    chance = random.Random(seed)
    for _ in range(trials):
        trial = study.ask(dict(SEARCHED))
        study.tell(trial, DECIDED[decisive](trial.params) + NOISE * chance.gauss(0, 1))
    return Study(study)


def main() -> None:
    """Print a line for each kind of study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--trials", type=int, default=50)
    asked = parser.parse_args()
    print("decisive  sampler  named first  some other told from chance  some bound to widen")
    for decisive in DECIDED:
        for sampler in ("random", "tpe"):
            first = other = bound = 0
            for seed in range(asked.studies):
                study = study_of(decisive, sampler, asked.trials, seed)
                chosen = sound(study.records())
                ranked = importances_of(study, chosen).ranked
                first += ranked[0].name == decisive
                other += any(each.told and each.name != decisive for each in ranked)
                bound += any(each.advice for each in regions(chosen, study.domains(), losses(study, 0)))
            shares = [count / asked.studies for count in (first, other, bound)]
            print(f"{decisive or 'none':8}  {sampler:7}  " + "  ".join(f"{share:.0%}" for share in shares), flush=True)


if __name__ == "__main__":
    main()
