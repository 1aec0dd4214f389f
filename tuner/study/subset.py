"""An extract of a study: some of its trials by one objective, in memory, as Optuna's evaluators take them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from tuner.study.distributions import Choices, Domain
from tuner.study.record import Record
from tuner.study.study import Study


def extract(study: Study, records: Sequence[Record], values: Iterable[float], i: int = 0) -> optuna.Study:
    """A study of objective `i` alone, whose trials are numbered anew.

    Its parameters are places in [0, 1] on their own scale, and positions of labels: Optuna's evaluators would weigh
    a range by its width, though it was searched by its logarithm, and cannot do with labels that are lists.

    Args:
        study: whose they are.
        records: complete trials.
        values: of each of them, finite.
        i: which of its objectives.
    """
    domains = study.domains()
    distributions = {name: _distribution(domain) for name, domain in domains.items()}
    taken = optuna.create_study(direction=study.goal.directions[i].value)
    taken.add_trials(
        optuna.trial.create_trial(
            value=float(value),
            params={name: _code(domains[name], at) for name, at in record.params.items()},
            distributions={name: distributions[name] for name in record.params},
        )
        for record, value in zip(records, values, strict=True)
    )
    return taken


def _distribution(domain: Domain) -> BaseDistribution:
    if isinstance(domain, Choices):
        return CategoricalDistribution(range(len(domain.labels)))
    return FloatDistribution(0.0, 1.0)


def _code(domain: Domain, value: Any) -> float | int:
    return int(domain.place(value)) if isinstance(domain, Choices) else min(1.0, max(0.0, domain.place(value)))
