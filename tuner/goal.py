"""The goal of a study: metrics that each have a direction, and the bounds that trials must keep."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tuner.errors import BuildError, did_you_mean


class Task(enum.StrEnum):
    """The task of a model for a dataset."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class Direction(enum.StrEnum):
    """The direction in which an objective improves."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"

    def better(self, value: float, than: float) -> bool:
        """Return whether `value` is strictly better; NaN never is."""
        return value > than if self is Direction.MAXIMIZE else value < than


class Scope(enum.StrEnum):
    """The epoch whose value is the trial's."""

    BEST = "best"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Bound:
    """The bounds of a metric: at least `low`, at most `high`; None leaves a side open."""

    metric: str
    low: float | None
    high: float | None
    title: str = ""

    def violation(self, value: float) -> float:
        """Return how far `value` lies outside; 0 or less inside and at the bound."""
        below = -math.inf if self.low is None else self.low - value
        above = -math.inf if self.high is None else value - self.high
        return max(below, above)

    def __str__(self) -> str:
        sides = (("at least", self.low), ("at most", self.high))
        return f"{self.title or self.metric} " + " and ".join(
            f"{word} {end:g}" for word, end in sides if end is not None
        )


@dataclass(frozen=True, slots=True)
class Objective:
    """The objectives of a study, as the file states them.

    Empty `metrics` mean the task's default, empty `directions` each metric's own. `function` is user code that trains
    and reports the metrics. With `remote`, programs that ask over HTTP do.
    """

    metrics: tuple[str, ...]
    directions: tuple[Direction, ...]
    scope: Scope
    bounds: tuple[Bound, ...]
    function: str | None
    positive: str | None = None
    remote: bool = False

    @property
    def own_training(self) -> bool:
        """Whether code of the user trains, here or in remote workers."""
        return self.function is not None or self.remote

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Objective:
        """Read the resolved `objective` section."""
        constraints: Mapping[str, Mapping[str, float]] = section["constraints"] or {}
        return cls(
            metrics=_one_or_several(section["metric"], section["metrics"]),
            directions=tuple(map(Direction, _one_or_several(section["direction"], section["directions"]))),
            scope=Scope(section["scope"]),
            bounds=tuple(Bound(name, ends.get("min"), ends.get("max")) for name, ends in constraints.items()),
            function=section["function"],
            positive=None if section["positive"] is None else label_of(section["positive"]),
            remote=bool(section["remote"]),
        )


def label_of(value: Any) -> str:
    """Return the one spelling of a class or category, from a whole number, a float or text."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _one_or_several(one: str | None, several: list[str] | None) -> tuple[str, ...]:
    return (one,) if one is not None else tuple(several or ())


@dataclass(frozen=True, slots=True)
class Goal:
    """The objectives that compare a study's trials: at least one metric, each with its direction.

    `positive` is the class that the metrics of a binary task score. `shown` has the titles of metrics with another name
    for readers, such as `f1 (macro)` for f1.
    """

    metrics: tuple[str, ...]
    directions: tuple[Direction, ...]
    scope: Scope
    bounds: tuple[Bound, ...]
    positive: str | None = None
    shown: Mapping[str, str] = field(default_factory=dict)

    @property
    def single(self) -> bool:
        """Whether there is one objective, and so a best trial. Several objectives have a front."""
        return len(self.metrics) == 1

    @property
    def metric(self) -> str:
        """The first or only metric."""
        return self.metrics[0]

    @property
    def direction(self) -> Direction:
        """The direction of the first or only metric."""
        return self.directions[0]

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of the metrics, with the kind of their averages."""
        return tuple(self.shown.get(metric, metric) for metric in self.metrics)

    @property
    def title(self) -> str:
        """The title of the first or only metric."""
        return self.titles[0]

    def called(self, shown: Mapping[str, str]) -> Goal:
        """Return the same goal with titles by name, those of the bounds included."""
        bounds = tuple(replace(bound, title=shown.get(bound.metric, "")) for bound in self.bounds)
        return replace(self, shown=dict(shown), bounds=bounds)

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics that a trial must report: the objectives and the bounded ones."""
        return tuple(dict.fromkeys([*self.metrics, *(bound.metric for bound in self.bounds)]))

    def path(self, name: str) -> str:
        """Return the config path of one of `names`."""
        if name not in self.metrics:
            return f"objective.constraints.{name}"
        return "objective.metric" if self.single else f"objective.metrics.{self.metrics.index(name)}"

    def values(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """Return the value of each objective."""
        return tuple(metrics[name] for name in self.metrics)

    def violations(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Return the amount by which each bound is broken, above 0 if it is; unknown values break none."""
        known = (bound for bound in self.bounds if math.isfinite(metrics.get(bound.metric, math.nan)))
        return {bound.metric: bound.violation(metrics[bound.metric]) for bound in known}

    def feasible(self, metrics: Mapping[str, float]) -> bool:
        """Return whether all bounds are kept."""
        return all(violation <= 0 for violation in self.violations(metrics).values())

    def __str__(self) -> str:
        pairs = zip(self.titles, self.directions, strict=True)
        return "; ".join(f"{metric}, to {direction.value}" for metric, direction in pairs)


DIRECTIONS = {
    "loss": Direction.MINIMIZE,
    "accuracy": Direction.MAXIMIZE,
    "precision": Direction.MAXIMIZE,
    "recall": Direction.MAXIMIZE,
    "f1": Direction.MAXIMIZE,
    **dict.fromkeys(("auc", "roc_auc", "average_precision", "pr_auc", "balanced_accuracy"), Direction.MAXIMIZE),
    "log_loss": Direction.MINIMIZE,
    "mse": Direction.MINIMIZE,
    "rmse": Direction.MINIMIZE,
    "mae": Direction.MINIMIZE,
    "r2": Direction.MAXIMIZE,
    "mape": Direction.MINIMIZE,
    "parameters": Direction.MINIMIZE,
    "latency": Direction.MINIMIZE,
}
"""The known metrics, and their directions."""
LIMITS = {
    **dict.fromkeys(("accuracy", "precision", "recall", "f1"), (0.0, 1.0)),
    **dict.fromkeys(("auc", "roc_auc", "average_precision", "pr_auc", "balanced_accuracy"), (0.0, 1.0)),
    **dict.fromkeys(("loss", "log_loss", "mse", "rmse", "mae", "mape"), (0.0, math.inf)),
    "r2": (-math.inf, 1.0),
}
"""The bounds of the values of built-in metrics."""
COSTS = ("parameters", "latency")
"""Costs of a model that do not depend on the data: trained numbers, and milliseconds for one row."""
OF_TASK = {
    Task.CLASSIFICATION: ("accuracy", "precision", "recall", "f1", "loss"),
    Task.REGRESSION: ("mse", "rmse", "mae", "r2", "loss"),
}
"""The metrics that are scored after each epoch for any goal."""
FURTHER_OF = {
    Task.CLASSIFICATION: ("balanced_accuracy", "auc", "roc_auc", "average_precision", "pr_auc", "log_loss"),
    Task.REGRESSION: ("mape",),
}
"""Metrics that are scored if a goal names them. roc_auc is auc, and pr_auc is average_precision."""
OF_A_CLASS = ("precision", "recall", "f1", "auc", "roc_auc", "average_precision", "pr_auc")
"""Metrics with a value for each class: the positive class counts, or the mean over the classes (macro)."""
USUAL = {Task.CLASSIFICATION: "accuracy", Task.REGRESSION: "rmse"}


MEANT = {
    **dict.fromkeys(("acc", "error", "error_rate", "micro_f1", "f1_micro"), "accuracy"),
    **dict.fromkeys(("f1_score", "f1_macro", "macro_f1", "fscore", "f_score"), "f1"),
    **dict.fromkeys(("auroc", "roc_auc_score", "rocauc", "roc_auc_ovr"), "roc_auc"),
    **dict.fromkeys(("auprc", "prauc", "ap", "average_precision_score"), "average_precision"),
    **dict.fromkeys(("logloss", "neg_log_loss", "cross_entropy", "crossentropy", "nll"), "log_loss"),
    **dict.fromkeys(("mcc", "matthews_corrcoef"), "MatthewsCorrCoef"),
    **dict.fromkeys(("kappa", "cohen_kappa", "cohen_kappa_score"), "CohenKappa"),
    **dict.fromkeys(("jaccard", "iou", "jaccard_score"), "JaccardIndex"),
    **dict.fromkeys(("sensitivity", "tpr"), "recall"),
    **dict.fromkeys(("mean_squared_error", "neg_mean_squared_error"), "mse"),
    **dict.fromkeys(("root_mean_squared_error", "neg_root_mean_squared_error"), "rmse"),
    **dict.fromkeys(("mean_absolute_error", "neg_mean_absolute_error", "l1"), "mae"),
    **dict.fromkeys(("r2_score", "r_squared"), "r2"),
    **dict.fromkeys(("msle", "mean_squared_log_error"), "MeanSquaredLogError"),
    "specificity": "Specificity",
    "explained_variance": "ExplainedVariance",
    "pearson": "PearsonCorrCoef",
    "spearman": "SpearmanCorrCoef",
    "smape": "SymmetricMeanAbsolutePercentageError",
    "mean_absolute_percentage_error": "mape",
}
"""Other common names of metrics."""


def meant(name: str, known: Iterable[str]) -> str:
    """Return a hint for the end of a message: the metric that a name may mean."""
    other = MEANT.get(name.lower())
    return f" (did you mean {other}?)" if other is not None else did_you_mean(name, known)


def titled(name: str, positive: str | None) -> str:
    """Return the title of a classification metric: with its class, or its kind of average."""
    if name not in OF_A_CLASS:
        return name
    return f"{name} (macro)" if positive is None else f"{name} (positive: {positive})"


def goal_of(
    objective: Objective, task: Task | None, natural: Callable[[str], Direction | None] = lambda metric: None
) -> Goal:
    """Return the metrics that count, each with its direction.

    Args:
        objective: as the file says it.
        task: decides on the usual metric; None for a function of one's own, which names what it gives.
        natural: gives the direction of a metric that is not ours, where it has one.

    Raises:
        BuildError: a metric lacks its direction, or has another of its own.
    """
    metrics = objective.metrics or (() if task is None else (USUAL[task],))
    given: tuple[Direction | None, ...] = objective.directions or (None,) * len(metrics)
    several = len(metrics) > 1
    directions = tuple(
        _direction(metric, direction, DIRECTIONS.get(metric) or natural(metric), f"s.{i}" if several else "")
        for i, (metric, direction) in enumerate(zip(metrics, given, strict=True))
    )
    return Goal(metrics, directions, objective.scope, objective.bounds, objective.positive)


def _direction(metric: str, given: Direction | None, own: Direction | None, place: str) -> Direction:
    if own is not None and given not in (None, own):
        message = f"{metric} is there to {own.value}: say so, or drop the direction"
        raise BuildError(f"objective.direction{place}", message)
    direction = own or given
    if direction is None:
        message = f"say whether to minimize or maximize {metric}{meant(metric, DIRECTIONS)}"
        raise BuildError(f"objective.metric{place}", message)
    return direction
