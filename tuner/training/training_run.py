"""The parts of one training, built from a config, saved in a checkpoint and restored from it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tuner import models
from tuner.config import Config, Precision, Training
from tuner.data import Dataset
from tuner.errors import BuildError
from tuner.protocol import Fixed
from tuner.runtime import user_code
from tuner.runtime.generators import seed_everything
from tuner.runtime.seeds import derive
from tuner.training import dropout, fast_linear, losses, optimizers, precision, weights
from tuner.training.early_stopping import EpochPatience
from tuner.training.job import Job
from tuner.training.losses import Loss
from tuner.training.lr_schedulers import Replay, Schedule
from tuner.training.optimizer_step import Stepping, stepping_of
from tuner.training.weights import Weights, saved

QUICK: Mapping[type[nn.Module], type[nn.Module]] = {nn.Dropout: dropout.Dropout, nn.Linear: fast_linear.Linear}


@dataclass(frozen=True, slots=True)
class Run:
    """One training. `seed` decides all its randomness; `average` is the running mean of the weights.

    `advance` makes a step of the optimizer, unless the optimizer evaluates the loss itself.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    advance: Stepping
    schedule: Schedule | Replay
    loss: Loss
    scaler: torch.amp.GradScaler
    average: AveragedModel | None
    patience: EpochPatience
    dataset: Dataset
    training: Training
    batch_size: int
    seed: int

    @classmethod
    def build(cls, job: Job, config: Config, seed: int, fixed: Fixed | None = None) -> Run:
        """Build the parts from a config; `seed` draws the weights.

        A `fixed` end and fixed rates replace patience and a schedule that watches a metric.

        Raises:
            BuildError: a class refuses its arguments, or two parts do not fit each other.
        """
        dataset, training = job.dataset(config.data), config.training
        _refuse_large_batches(len(dataset.train), config)
        seed_everything(derive(seed, "init"))
        model = models.build(config.model, dataset.input_shape, dataset.outputs, config.base, dataset.vocab_size)
        if not user_code.is_own(config.model.type):  # user code may look at the class of a layer
            _quicken(model)
        model = model.to(job.device)
        optimizer = optimizers.build(config.optimizer, model.parameters())
        _refuse_closures(optimizer, training)
        scaler = torch.amp.GradScaler(job.device.type, enabled=training.precision is Precision.FP16)
        watched = dataset.valid is not None and fixed is None
        balance = losses.balanced(dataset.train.targets, dataset.outputs) if _is_balanced(dataset, training) else None
        return cls(
            model=model,
            optimizer=optimizer,
            advance=stepping_of(optimizer, scaler),
            schedule=_schedule(job, config, optimizer, len(dataset.train), fixed),
            loss=losses.build(config.loss, dataset.task, job.device, balance),
            scaler=scaler,
            average=_average(model, training.ema),
            patience=EpochPatience(training.early_stop if watched else None, job.scores.direction),
            dataset=dataset,
            training=training,
            batch_size=config.data.batch_size,
            seed=seed,
        )

    @property
    def scored(self) -> nn.Module:
        """The model that is scored and saved: the running mean of the weights, if there is one."""
        return self.model if self.average is None else self.average.module

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Return the context of a forward pass in the run's precision."""
        return precision.autocast(self.training.precision, next(self.model.parameters()).device)

    def weights(self) -> Weights:
        """Return a copy of the scored weights, on the CPU.

        Raises:
            TunerError: an extra state is of objects that only a pickle brings back.
            Exception: whatever a `state_dict` of user code raises.
        """
        return weights.copied(self.scored)

    def state(self, progress: Mapping[str, float], best: Weights | None = None) -> bytes:
        """Return a checkpoint with `progress` and the weights of the best epoch.

        Each epoch draws its random numbers anew, so no generator is saved.
        """
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        return saved({"progress": dict(progress), "best": best, **parts})

    def restore(self, state: bytes) -> tuple[dict[str, float], Weights | None]:
        """Restore a checkpoint and return its progress and its best weights."""
        kept = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)  # each part moves its own
        for name, part in self._parts().items():
            part.load_state_dict(kept[name])
        return kept["progress"], kept["best"]

    def _parts(self) -> dict[str, Any]:
        """Return the parts that have a state."""
        average = {} if self.average is None else {"average": self.average}
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
            "scaler": self.scaler,
            "patience": self.patience,
            **average,
        }


def _refuse_large_batches(rows: int, config: Config) -> None:
    if config.data.batch_size * config.training.accumulate > rows:
        times = f" accumulated {config.training.accumulate} times" if config.training.accumulate > 1 else ""
        message = f"a batch of {config.data.batch_size}{times} is larger than the training split of {rows} rows"
        raise BuildError("data.batch_size", message)


def _steps(rows: int, config: Config) -> int:
    """Return the number of optimizer steps in an epoch; a single last row joins the step before."""
    whole, rest = divmod(rows, config.data.batch_size * config.training.accumulate)
    return max(1, whole + (rest > 1))


def _schedule(
    job: Job, config: Config, optimizer: torch.optim.Optimizer, rows: int, fixed: Fixed | None
) -> Schedule | Replay:
    """Return the learning rates; in final training they follow those of the search epoch by epoch."""
    if fixed is not None and fixed.rates:
        return Replay(optimizer, fixed.rates)
    laid_out, taken = _steps(job.splits.searched, config), _steps(rows, config)
    return Schedule(config.scheduler, optimizer, config.training.epochs, laid_out, job.scores.direction, taken)


def _quicken(model: nn.Module) -> None:
    """Replace torch's own layers by faster ones for a CPU, in a model without user code."""
    for module in model.modules():
        module.__class__ = QUICK.get(type(module), type(module))


def _average(model: nn.Module, decay: float | None) -> AveragedModel | None:
    if decay is None:
        return None
    try:
        # torch leaves it untyped
        return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]
    except Exception as error:  # a copy of user code may raise anything
        cause = f"{type(error).__name__}: {error}"
        raise BuildError("training.ema", f"the model cannot be copied for its running mean: {cause}") from error


def _is_balanced(dataset: Dataset, training: Training) -> bool:
    if training.balanced and not dataset.classes:
        raise BuildError("training.class_weights", "a regression has no classes: drop it")
    return training.balanced


def _refuse_closures(optimizer: torch.optim.Optimizer, training: Training) -> None:
    """Raise for LBFGS with fp16: a gradient scaler cannot follow its several losses per step."""
    if training.precision is Precision.FP16 and isinstance(optimizer, torch.optim.LBFGS):
        raise BuildError("training.precision", "LBFGS does not go with fp16: use bf16 or fp32")
