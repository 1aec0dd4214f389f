"""An extract of a study: some of its trials by one objective, in memory, as Optuna's evaluators take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from tuner.goal import Direction
from tuner.study.distributions import Choices, Domain
from tuner.study.record import Record


def extract(
    records: Sequence[Record], values: Iterable[float], domains: Mapping[str, Domain], direction: Direction
) -> optuna.Study:
    """Return a study of one objective alone, whose trials are numbered anew.

    Its parameters are places in [0, 1] on their own scale, and positions of labels: Optuna's evaluators would weigh
    a range by its width, though it was searched by its logarithm, and cannot do with labels that are lists.

    Args:
        records: complete trials.
        values: of each of them, finite.
        domains: what each of their parameters is drawn from.
        direction: which way the values get better.
    """
    distributions = {name: _distribution(domain) for name, domain in domains.items()}
    taken = optuna.create_study(direction=direction.value)
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
