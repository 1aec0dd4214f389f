"""Learning-rate schedules by their names in torch.optim.lr_scheduler.

Each class is stepped as it expects, per optimizer step or per epoch. Totals of the run that its config leaves out are
filled in. `SequentialLR` takes a list of others, each for its `epochs`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from torch.optim import Optimizer, lr_scheduler

from tuner import signatures
from tuner.config import WATCHING, Component
from tuner.errors import BuildError
from tuner.goal import Direction

PER_STEP = ("OneCycleLR", "CyclicLR")
"""Classes that torch documents as stepped after every optimizer step."""

NOT_FROM_TEXT = {
    "LambdaLR": "it takes a function",
    "MultiplicativeLR": "it takes a function",
    "ChainedScheduler": "it takes other schedulers at once; SequentialLR takes them in turn",
}
SEQUENCE = "SequentialLR"
LENGTHS = ("T_max", "total_iters")
"""Arguments with a class's number of epochs."""


class Schedule:
    """A scheduler and when to step it; without one, nothing happens.

    Args:
        scheduler: None for a constant learning rate.
        optimizer: whose learning rates are changed.
        epochs: the run's total, for which the schedule is laid out.
        steps: per epoch, for which the schedule is laid out.
        direction: which way the value given to `after_epoch` gets better: that of the objective.
        taken: the optimizer's steps per epoch. The schedule's own steps are spread evenly over them, so that both
            reach the end of an epoch together. By default they are `steps`.

    Raises:
        BuildError: no such class, one that a text cannot describe, arguments that it refuses, or too short a schedule.
    """

    def __init__(
        self,
        scheduler: Component | None,
        optimizer: Optimizer,
        epochs: int,
        steps: int,
        direction: Direction,
        taken: int | None = None,
    ) -> None:
        self._scheduler: Any = None
        self._steps, self._taken, self._at = steps, taken or steps, 0
        self.per_step = scheduler is not None and scheduler.type in PER_STEP
        self.watches = scheduler is not None and scheduler.type in WATCHING
        if scheduler is None:
            return
        if scheduler.type == SEQUENCE:
            self._scheduler = _sequence(scheduler, optimizer, epochs)
        else:
            self._scheduler = _build(scheduler, optimizer, epochs, steps, direction)

    def after_step(self) -> None:
        """Step, if the class steps with the optimizer."""
        if not self.per_step:
            return
        before, self._at = self._at, self._at + 1
        for _ in range(self._at * self._steps // self._taken - before * self._steps // self._taken):
            self._scheduler.step()

    def after_epoch(self, value: float) -> None:
        """Step, if the class steps per epoch; `value` is the objective, for a class that watches it."""
        self._at = 0
        if self.watches:
            self._scheduler.step(value)
        elif self._scheduler is not None and not self.per_step:
            self._scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the state that `load_state_dict` continues from."""
        return {} if self._scheduler is None else dict(self._scheduler.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the state of a schedule of the same config."""
        if self._scheduler is not None:
            self._scheduler.load_state_dict(state)


class Replay:
    """Recorded learning rates, in place of the schedule that made them by watching a metric.

    Args:
        optimizer: whose learning rates are set, of each group the same.
        rates: pairs of an epoch, rising from 1, and the learning rate from there on.
    """

    per_step = False
    watches = False

    def __init__(self, optimizer: Optimizer, rates: Sequence[tuple[int, float]]) -> None:
        self._optimizer = optimizer
        self._rates = dict(rates)
        self._epoch = 1
        self._set()

    def after_step(self) -> None:
        """Do nothing: the rates are per epoch."""

    def after_epoch(self, value: float) -> None:
        """Set the rate of the next epoch; the value is ignored."""
        self._epoch += 1
        self._set()

    def _set(self) -> None:
        if (rate := self._rates.get(self._epoch)) is not None:
            for group in self._optimizer.param_groups:
                group["lr"] = rate

    def state_dict(self) -> dict[str, Any]:
        """Return the state that `load_state_dict` continues from."""
        return {"epoch": self._epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the state of a replay of the same rates; the optimizer's state holds the rate."""
        self._epoch = state["epoch"]


def argument_faults(scheduler: Component) -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each argument that the class would refuse; totals may be left out.

    Raises:
        BuildError: no such class, or one that a text cannot describe.
    """
    if scheduler.type == SEQUENCE:
        yield from signatures.argument_faults(_sequence_of, scheduler.args, title=SEQUENCE)
        return
    cls = _class(scheduler.type)
    totals = _totals(cls, scheduler.args, 1, 1, Direction.MINIMIZE)
    yield from signatures.argument_faults(cls, {**totals, **scheduler.args}, ours=("optimizer",))


def part_faults(part: Component) -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each fault of one scheduler of a sequence.

    Raises:
        BuildError: no such class, or one that has no place in a sequence.
    """
    if part.type in (*PER_STEP, *WATCHING, SEQUENCE):
        raise BuildError("scheduler.type", f"{part.type} has no place in a sequence, which goes epoch by epoch")
    yield from argument_faults(Component(part.type, {k: v for k, v in part.args.items() if k != "epochs"}))


def _build(scheduler: Component, optimizer: Optimizer, epochs: int, steps: int, direction: Direction) -> Any:
    cls = _class(scheduler.type)
    totals = _totals(cls, scheduler.args, epochs, steps, direction)
    if scheduler.type in WATCHING and scheduler.args.get("mode") in {"min", "max"} - {_mode(direction)}:
        message = f"{scheduler.type} watches the objective, and that is to {direction.value}: "
        raise BuildError("scheduler.mode", f"{message}write mode: {_mode(direction)}, or remove mode")
    try:
        built = cls(optimizer, **{**totals, **scheduler.args})
    except Exception as error:  # a constructor may raise anything for a bad argument
        raise BuildError("scheduler", f"{scheduler.type} refuses its arguments: {error}") from None
    length = getattr(built, "total_steps", math.inf)
    if length < epochs * steps:  # torch raises at the step after the last
        message = f"{scheduler.type} ends after {length} steps, and {epochs} epochs of {steps} take"
        raise BuildError("scheduler", f"{message} {epochs * steps}: leave its totals out, and tuner fills them in")
    return built


def _sequence_of(schedulers: list[Any]) -> None:
    """List the arguments of a sequence, for their check."""


def _sequence(sequence: Component, optimizer: Optimizer, epochs: int) -> lr_scheduler.SequentialLR:
    """Return a sequence of schedulers: each but the last takes its `epochs`, the last takes the rest."""
    parts = [Component.of(part) for part in sequence.args["schedulers"] or ()]
    if not parts:
        raise BuildError("scheduler", "a list of schedulers has at least one scheduler")
    milestones: list[int] = []
    built = []
    for i, part in enumerate(parts):
        began = milestones[-1] if milestones else 0
        length = epochs - began if i == len(parts) - 1 and "epochs" not in part.args else _length(part)
        if length < 1:
            raise BuildError(
                "scheduler", f"training.epochs, {epochs}, leave no epoch to {part.type}: shorten the ones before"
            )
        arguments = {key: value for key, value in part.args.items() if key != "epochs"}
        total = {name: length for name in LENGTHS if name in signatures.parameters_of(_class(part.type))}
        component = Component(part.type, {**total, **arguments})
        built.append(_build(component, optimizer, length, steps=1, direction=Direction.MINIMIZE))  # none looks at these
        milestones.append(began + length)
    return lr_scheduler.SequentialLR(optimizer, built, milestones[:-1])


def _length(part: Component) -> int:
    given = [part.args[name] for name in ("epochs", *LENGTHS) if name in part.args]
    if not given or not isinstance(given[0], int):
        raise BuildError("scheduler", f"say for how many epochs {part.type} is, such as epochs: 3")
    return given[0]


def _class(name: str) -> type[lr_scheduler.LRScheduler]:
    if name in NOT_FROM_TEXT:
        raise BuildError("scheduler.type", f"{name} cannot be written in a space: {NOT_FROM_TEXT[name]}")
    found: type[lr_scheduler.LRScheduler] = signatures.named(
        lr_scheduler, name, lr_scheduler.LRScheduler, "scheduler.type"
    )
    return found


def _totals(cls: type, given: Any, epochs: int, steps: int, direction: Direction) -> dict[str, Any]:
    """Return the totals of the run that `cls` takes and the config leaves out."""
    takes = signatures.parameters_of(cls)
    if "steps_per_epoch" in takes:
        if "total_steps" in given or "steps_per_epoch" in given:
            return {}
        return {"steps_per_epoch": steps, **({} if "epochs" in given else {"epochs": epochs})}
    total = {"CosineAnnealingLR": "T_max", "PolynomialLR": "total_iters"}.get(cls.__name__)
    if total is not None and total not in given:
        return {total: epochs}
    if cls.__name__ in WATCHING and "mode" not in given:
        return {"mode": _mode(direction)}
    return {}


def _mode(direction: Direction) -> str:
    return "max" if direction is Direction.MAXIMIZE else "min"
