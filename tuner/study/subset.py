"""An extract of a study: some of its trials by one objective, in memory, for Optuna's evaluators."""

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
    """Return a study of one objective whose trials are renumbered.

    Its parameters are places in [0, 1] on their own scale, and positions of labels. Optuna's evaluators would weigh a
    range by its width even on a logarithmic scale. They also cannot handle labels that are lists.

    Args:
        records: complete trials.
        values: the value of each of them, finite.
        domains: the domain of each of their parameters.
        direction: the direction in which the values improve.
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
