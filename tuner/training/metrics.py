"""Metrics of trials over a whole split: those of the task, and those that a goal names."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tuner.data.preprocessing.standardize import Scale
from tuner.errors import BuildError, did_you_mean, listing
from tuner.goal import COSTS, DIRECTIONS, FURTHER_OF, OF_TASK, Goal, Task, titled
from tuner.training.from_torchmetrics import Named
from tuner.training.further_metrics import FURTHER, NEEDS_SOFTMAX, Judged
from tuner.training.link import Link

AREAS = ("auc", "average_precision", "AUROC", "AveragePrecision", "LogAUC", "EER")
"""Endings of metric names that rank rows of a class above the others."""


class Scores:
    """All metrics of a task, and further ones that a goal names.

    `goal` has the titles of its metrics. `objective` is the metric that a schedule may watch while training, and
    `direction` its direction. It is the goal's first metric that is scored after each epoch, else the loss.

    Args:
        task: decides which metrics there are.
        classes: their names; for a regression a name for each output.
        goal: besides our names it may name a class of torchmetrics.classification or
            torchmetrics.regression. What a model costs is not scored here.

    Raises:
        BuildError: a metric does not exist or does not fit the task, or the positive class is none.
    """

    def __init__(self, task: Task, classes: tuple[str, ...], goal: Goal) -> None:
        self._task = task
        self._positive = _positive(task, classes, goal)
        wanted = [name for name in goal.names if name not in OF_TASK[task] and name not in COSTS]
        self._further = [name for name in wanted if name in FURTHER_OF[task]]
        self._named = {
            name: Named(name, task, classes, self._positive, goal.path(name))
            for name in wanted
            if name not in self._further
        }
        self._label = goal.positive
        self.goal = goal.called({name: self.title(name) for name in (*OF_TASK[task], *goal.names)})
        pairs = zip(goal.metrics, goal.directions, strict=True)
        scored = (pair for pair in pairs if pair[0] not in COSTS)
        self.objective, self.direction = next(scored, ("loss", DIRECTIONS["loss"]))

    def title(self, name: str) -> str:
        """Return the title of a metric, with the kind of its average."""
        return self._named[name].title if name in self._named else titled(name, self._label)

    def refuse_unrankable(self, targets: Tensor) -> None:
        """Raise if an area is asked for and the validation rows, int64 (N,), have one class only.

        Raises:
            BuildError: they are; no model would have a value.
        """
        areas = [name for name in self.goal.names if name.endswith(AREAS)]
        if self._task is Task.CLASSIFICATION and areas and bool((targets == targets[:1]).all()):
            message = f"{areas[0]} ranks rows of different classes, and the rows to validate on are all of one"
            raise BuildError(self.goal.path(areas[0]), f"{message}: enlarge data.valid, or use another metric")

    def __call__(self, outputs: Tensor, targets: Tensor, scale: Scale | None, link: Link) -> dict[str, float]:
        """Score a model on a whole split.

        Args:
            outputs: float32 (N, outputs), as the model gives them.
            targets: int64 (N,) class indices, or float64 (N, outputs) in their own units.
            scale: of a regression's targets, in whose terms the outputs are.
            link: how outputs become class probabilities.

        Returns:
            Every metric by name; see `measures`.

        Raises:
            BuildError: a metric needs probabilities, which the link does not give, or cannot take the outputs.
        """
        return self.of_several(outputs[None], targets, scale, link)[0]

    def of_several(self, outputs: Tensor, targets: Tensor, scale: Scale | None, link: Link) -> list[dict[str, float]]:
        """Score K models, whose outputs are (K, N, outputs), on the same whole split."""
        if self._task is Task.CLASSIFICATION:
            usual = of_classes(outputs, targets, self._positive)
        else:
            assert scale is not None
            usual = of_values(outputs, targets, scale)
        rows = torch.stack(list(usual.values()), 1).tolist()
        scores = [dict(zip(usual, map(significant, row), strict=True)) for row in rows]
        if self._further or self._named:
            for model, found in zip(scores, outputs, strict=True):
                judged = Judged(found.to(targets.device, torch.float64), targets, scale, link, self._positive)
                model.update({name: significant(value) for name, value in self._asked_for(judged).items()})
        return scores

    def _asked_for(self, judged: Judged) -> dict[str, float]:
        lacking = [name for name in self._further if name in NEEDS_SOFTMAX and judged.link is not Link.SOFTMAX]
        if lacking:
            message = "needs class probabilities that sum to 1, which the loss does not give: use CrossEntropyLoss"
            raise BuildError(self.goal.path(lacking[0]), f"{lacking[0]} {message}")
        return {name: FURTHER[name](judged) for name in self._further} | {
            name: metric(judged) for name, metric in self._named.items()
        }


def _positive(task: Task, classes: tuple[str, ...], goal: Goal) -> int | None:
    """Return the index of the positive class; None without one."""
    if goal.positive is None:
        return None
    if task is Task.REGRESSION:
        raise BuildError("objective.positive", "a regression has no classes: drop it")
    if len(classes) != 2:
        raise BuildError("objective.positive", f"it is for two classes, and the data have {len(classes)}: drop it")
    if goal.positive not in classes:
        hint = did_you_mean(goal.positive, classes)
        message = f"there is no class {goal.positive}{hint}: the classes are {listing(classes)}"
        raise BuildError("objective.positive", message)
    return classes.index(goal.positive)


def significant(value: float) -> float:
    """Return a value with the seven digits of a float32; further digits are noise."""
    return float(f"{value:.7g}")


def of_classes(outputs: Tensor, targets: Tensor, positive: int | None = None) -> dict[str, Tensor]:
    """Return the usual metrics of a classification over a whole split.

    Args:
        outputs: float32 (K, N, classes), of K models.
        targets: int64 (N,) class indices, the same for all.
        positive: the class that precision, recall and f1 are of. Without it they are macro averages over the
            classes that a model has seen or guessed.

    Returns:
        float32 (K,) by name; `loss` is the cross entropy.
    """
    models, rows, classes = outputs.shape
    guessed = outputs.argmax(2)
    right = guessed == targets
    places = torch.arange(models, device=outputs.device)[:, None] * classes + guessed
    nowhere = models * classes

    def counted(where: Tensor) -> Tensor:
        """Return the counts at each place, (K, classes); without weights, which CUDA adds in a varying order."""
        return torch.bincount(where.flatten(), minlength=nowhere + 1)[:nowhere].view(models, classes).float()

    hits, guesses = counted(torch.where(right, places, nowhere)), counted(places)
    there = torch.bincount(targets, minlength=classes).float()
    matters = (guesses + there > 0).float()

    def averaged(share: Tensor) -> Tensor:
        """Return the positive class's share, or the mean over the classes that matter; empty shares are 0."""
        share = share.nan_to_num(0.0, 0.0, 0.0)
        return (share * matters).sum(1) / matters.sum(1) if positive is None else share[:, positive]

    losses = functional.cross_entropy(outputs.transpose(1, 2), targets.expand(models, rows), reduction="none")
    return {
        "accuracy": right.float().mean(1),
        "precision": averaged(hits / guesses),
        "recall": averaged(hits / there),
        "f1": averaged(2 * hits / (guesses + there)),
        "loss": losses.mean(1),
    }


def of_values(outputs: Tensor, targets: Tensor, scale: Scale) -> dict[str, Tensor]:
    """Return the usual metrics of a regression over a whole split.

    Errors are standardised in float64, times the spread. So neither large, nor tiny, nor close targets lose digits.

    Args:
        outputs: float32 (K, N, outputs) in terms of the scale, of K models.
        targets: float64 (N, outputs) in their own units, the same for all.
        scale: of the targets.

    Returns:
        float64 (K,) by name. `mse` and `mae` are means over rows and outputs. `rmse` is the root of `mse`, and
        `loss` is `mse`. `r2` is the mean over outputs, NaN for a single row.
    """
    truth = scale.exact(targets)
    off = outputs.to(truth.device, torch.float64) - truth
    squared = off.square()
    largest = scale.std.max()
    share = scale.std / largest
    root = (squared * share.square()).mean((1, 2)).sqrt()
    rest, spread = squared.sum(1), (truth - truth.mean(0)).square().sum(0)
    varies = (truth != truth[:1]).any(0)
    r2 = torch.where(varies, 1 - rest / spread, (rest == 0).double()).mean(1)  # as scikit-learn, of a constant
    return {
        "mse": (root * largest).square(),
        "rmse": root * largest,
        "mae": (off.abs() * share).mean((1, 2)) * largest,
        "r2": r2 if len(targets) > 1 else torch.full_like(r2, torch.nan),
        "loss": (root * largest).square(),
    }
