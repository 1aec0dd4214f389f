"""Learning-rate schedules by their names in torch.optim.lr_scheduler.

Each class is stepped as it wants, per batch or per epoch, and is told the totals of the run that its
config leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch.optim import Optimizer, lr_scheduler

from tuner import own
from tuner.config import Component, Direction
from tuner.errors import BuildError

PER_BATCH = ("OneCycleLR", "CyclicLR")
"""The classes that are documented to be stepped after every batch."""

NOT_FROM_TEXT = {
    "LambdaLR": "it takes a function",
    "MultiplicativeLR": "it takes a function",
    "ChainedScheduler": "it takes other schedulers",
    "SequentialLR": "it takes other schedulers",
}


class Schedule:
    """A scheduler and when to step it; without one, nothing happens.

    Args:
        scheduler: None for a constant learning rate.
        optimizer: whose learning rates are changed.
        epochs: the run's total, for which the schedule is laid out.
        batches: per epoch.
        direction: which way the value given to `after_epoch` gets better.

    Raises:
        BuildError: no such class, one that a text cannot describe, or arguments that it refuses.
    """

    def __init__(
        self, scheduler: Component | None, optimizer: Optimizer, epochs: int, batches: int, direction: Direction
    ) -> None:
        self._scheduler: Any = None
        self._per_batch = False
        self._by_value = False
        if scheduler is None:
            return
        cls = _class(scheduler.type)
        self._per_batch = scheduler.type in PER_BATCH
        self._by_value = issubclass(cls, lr_scheduler.ReduceLROnPlateau)
        totals = _totals(cls, scheduler.args, epochs, batches, direction)
        try:
            self._scheduler = cls(optimizer, **{**totals, **scheduler.args})
        except Exception as error:  # a constructor may raise anything for a bad argument
            raise BuildError("scheduler", f"{scheduler.type} refuses its arguments: {error}") from None

    def after_batch(self) -> None:
        """Step, if the class steps per batch."""
        if self._per_batch:
            self._scheduler.step()

    def after_epoch(self, value: float) -> None:
        """Step, if the class steps per epoch; `value` is what ReduceLROnPlateau watches."""
        if self._by_value:
            self._scheduler.step(value)
        elif self._scheduler is not None and not self._per_batch:
            self._scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` goes on from."""
        return {} if self._scheduler is None else dict(self._scheduler.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a schedule of the same config stood."""
        if self._scheduler is not None:
            self._scheduler.load_state_dict(state)


def argument_faults(scheduler: Component) -> Iterator[tuple[str, str]]:
    """(argument, message) of what the class would refuse; totals may be left out.

    Raises:
        BuildError: no such class, or one that a text cannot describe.
    """
    cls = _class(scheduler.type)
    totals = _totals(cls, scheduler.args, 1, 1, Direction.MINIMIZE)
    yield from own.argument_faults(cls, {**totals, **scheduler.args}, ours=("optimizer",))


def _class(name: str) -> type[lr_scheduler.LRScheduler]:
    if name in NOT_FROM_TEXT:
        raise BuildError("scheduler.type", f"{name} cannot be written in a space: {NOT_FROM_TEXT[name]}")
    found: type[lr_scheduler.LRScheduler] = own.named(lr_scheduler, name, lr_scheduler.LRScheduler, "scheduler.type")
    return found


def _totals(cls: type, given: Any, epochs: int, batches: int, direction: Direction) -> dict[str, Any]:
    """The totals of the run that `cls` takes and the config leaves out."""
    takes = own.parameters_of(cls)
    if "steps_per_epoch" in takes:
        if "total_steps" in given or "steps_per_epoch" in given:
            return {}
        return {"steps_per_epoch": batches, **({} if "epochs" in given else {"epochs": epochs})}
    total = {"CosineAnnealingLR": "T_max", "PolynomialLR": "total_iters"}.get(cls.__name__)
    if total is not None and total not in given:
        return {total: epochs}
    if issubclass(cls, lr_scheduler.ReduceLROnPlateau) and "mode" not in given:
        return {"mode": "max" if direction is Direction.MAXIMIZE else "min"}
    return {}
