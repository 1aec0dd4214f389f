"""How often studies of pure noise name a parameter or a bound, and how often a decisive parameter is named first.

python -m benchmarks.noise --studies 200 --trials 20 50 100 300

`python -m benchmarks.honest` does the same, and has to find what is promised: in at most 5 % of noise studies some
parameter is told from chance, or some bound is to be widened; a decisive parameter is named first in 95 %.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Mapping, Sequence
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
    "decay": optuna.distributions.FloatDistribution(1e-6, 0.1, log=True),
    "flag": optuna.distributions.CategoricalDistribution([True, False]),
    "last": optuna.distributions.FloatDistribution(0, 1),
}
DECIDED: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "": lambda params: 0.0,
    "a": lambda params: (params["a"] - 0.7) ** 2 / 0.127,
    "rate": lambda params: -math.log10(params["rate"]) / 1.44,
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


def found_in(decisive: str, sampler: str, trials: int, studies: int) -> tuple[float, float, float]:
    """Shares of studies: that name it first, that tell another from chance, that have some bound to widen."""
    first = other = bound = 0
    for seed in range(studies):
        study = study_of(decisive, sampler, trials, seed)
        chosen = sound(study.records())
        ranked = importances_of(study, chosen).ranked
        first += ranked[0].name == decisive
        other += any(each.told and each.name != decisive for each in ranked)
        bound += any(each.advice for each in regions(chosen, study.domains(), losses(study, 0)))
    return first / studies, other / studies, bound / studies


def table(studies: int, trials: Sequence[int]) -> tuple[list[str], bool]:
    """What simulations find, a line each, and whether the promise holds, but for two standard errors."""
    lines = ["trials  decisive  sampler  named first  some other told from chance  some bound to widen"]
    kept = True
    slack = 2 * (0.05 * 0.95 / studies) ** 0.5
    for count in trials:
        for decisive in DECIDED:
            for sampler in ("random", "tpe"):
                first, other, bound = found_in(decisive, sampler, count, studies)
                named = f"{first:11.1%}" if decisive else f"{'':11}"
                lines.append(f"{count:6}  {decisive or 'none':8}  {sampler:7}  {named}  {other:27.1%}  {bound:19.1%}")
                kept &= first >= 0.95 - slack if decisive else max(other, bound) <= 0.05 + slack
    return lines, kept


def main() -> None:
    """Print a line for each kind of study, and exit with 1 where the promise does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--trials", type=int, nargs="+", default=[50])
    asked = parser.parse_args()
    lines, kept = table(asked.studies, asked.trials)
    print(*lines, sep="\n")
    raise SystemExit(not kept)


if __name__ == "__main__":
    main()
