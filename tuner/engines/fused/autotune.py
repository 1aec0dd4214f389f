"""The plan: whether trials of one signature train together, and how many, decided by trying it on the real model."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from tuner.engines.fused import probe
from tuner.engines.fused.inspection.contents import Source
from tuner.engines.fused.lanes import Lanes
from tuner.training import Run, step

FEWEST = 4
"""So many trials must be alike before it is worth a trial."""

FIRST = 10
"""So many are looked at for trials that are alike; TPESampler draws as many at random anyway, if not told otherwise."""

MOST_LANES = 64

WIDER = (4, 2)
"""So many times as wide as the one before is what is tried next: the first of these that work and memory allow."""

SHARE = 0.02
"""The part of the expected work that trying widths may take."""

GAIN = 1.03
"""So much faster than fewer lanes must more be: they are asked for earlier, and the last of them leave lanes empty."""

FEWEST_ROUNDS, ROUNDS = 2, 5
"""So often two widths are timed: at least, and at most where some rounds say that the wider one gains and some not."""

LOSS = 1.25
"""Where more lanes are so many times as slow, still more are not tried."""

TRYING = 6
"""To try a width takes as long as so many of its steps: lanes are put together, warm up, and are timed."""

MEMORY = 0.25
"""The part of the free memory that lanes may take, half as much again while they are tried; other workers take theirs,
and data and scores come to it."""

COPIES = 6
"""Of a lane's parameters: its run's, the lane's, gradients twice, and two states of an optimizer."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many trials of a signature train at once, and how many times as fast as in turn that is.

    A `width` of 1 is one after the other; `reason` says why.
    """

    width: int
    reason: str = ""
    gain: float = 1.0


def measure(
    build: Callable[[], Run], source: Source, most: int, steps: float, forced: bool, pays: float = GAIN
) -> Plan:
    """Find the width at which a step costs a trial least, each against the best before it.

    Args:
        build: makes a run; each is the same.
        source: where its model comes from.
        most: lanes that are allowed.
        steps: that all expected trials take together, of which trying may take a share.
        forced: the width is `most` whatever it gains, if a fused step is right and memory has room for it.
        pays: how many times as fast as in turn it must be.

    Raises:
        Exception: whatever a model raises that cannot be computed so.
    """
    batches = _Batches(build())
    if wrong := probe.fault(build, source, build()):
        return Plan(1, wrong)
    room = batches.room()
    if room < 2:
        return Plan(1, "the memory has no room for two")
    most = min(most, room)
    best = _Width(1, batches.step_alone)
    budget = _Budget(SHARE * steps * best.least)
    plan, tried = Plan(1, "there is too little work to find out what pays"), [1]
    while width := most if forced else _next(tried, most, best, budget):
        wider = _Width(width, batches.together(width))
        tried.append(width)
        if not forced and not budget.allows(0):
            break
        gain = _gain(best, wider, budget)
        if forced or gain > GAIN:
            best, plan = wider, Plan(width, gain=plan.gain * gain)
        elif plan.width == 1:
            plan = Plan(1, "together they are not faster")
        may_have_leapt_over = width == WIDER[0] * best.width
        if forced or (gain < 1 / LOSS and not may_have_leapt_over):
            break
    if not forced and plan.width > 1 and plan.gain < pays:
        return Plan(
            1, f"together they are {plan.gain:.1f} times as fast, where {pays:g} would make up for asking ahead"
        )
    return plan


def _next(tried: Sequence[int], most: int, best: _Width, budget: _Budget) -> int:
    """What is tried after some widths, 0 where nothing may be; after one that was too wide, that between."""
    last = tried[-1]
    wider = [WIDER[1] * best.width] if last == WIDER[0] * best.width else [times * last for times in WIDER]
    foreseen = TRYING * best.least / best.width  # of a lane
    allowed = (width for width in wider if width <= most and width not in tried and budget.allows(width * foreseen))
    return next(allowed, 0)


class _Width:
    """So many lanes, and their step; `least` is the least time that it has taken."""

    def __init__(self, width: int, step: Callable[[], Tensor]) -> None:
        self.width = width
        self.least = math.inf
        self._step = step
        for _ in range(2):  # the first warms up
            self.seconds()

    def seconds(self) -> float:
        """What a step takes at this moment."""
        began = time.perf_counter()
        self._step().sum().item()  # a GPU answers before it has computed
        taken = time.perf_counter() - began
        self.least = min(self.least, taken)
        return taken


class _Budget:
    """The seconds that trying may take, counted from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    def allows(self, seconds: float) -> bool:
        """Whether so many more may be spent."""
        return time.perf_counter() + seconds <= self._end


def _gain(narrow: _Width, wide: _Width, budget: _Budget) -> float:
    """How many times as fast trials are in more lanes, in the median of rounds.

    In each round both do a step, so that what slows the machine for long falls on both; while that leaves in doubt
    which is faster, there is another.
    """
    gains: list[float] = []
    spent = 0.0
    while len(gains) < FEWEST_ROUNDS or (_leave_doubt(gains) and budget.allows(spent / len(gains))):
        narrows, wides = narrow.seconds(), wide.seconds()
        gains.append(narrows / narrow.width * wide.width / wides)
        spent += narrows + wides
    return statistics.median_low(gains)


def _leave_doubt(gains: Sequence[float]) -> bool:
    return len(gains) < ROUNDS and min(gains) <= GAIN < max(gains)


class _Batches:
    """The rows that steps are tried on."""

    def __init__(self, run: Run) -> None:
        self.run = run
        size = run.batch_size
        positions = torch.arange(size * run.training.accumulate).split(size)  # type: ignore[no-untyped-call]
        self._groups = list(run.dataset.train.batches(positions, 0))
        self._device = self._groups[0][1].device
        run.model.train()

    def step_alone(self) -> Tensor:
        """A step of the run."""
        return step(self.run, [(inputs.clone(), targets) for inputs, targets in self._groups])

    def room(self) -> int:
        """For how many lanes a part of the free memory suffices, by what one step keeps for its gradients."""
        kept: dict[int, int] = {}

        def keep(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with saved_tensors_hooks(keep, lambda tensor: tensor):
            self.step_alone()
        held = sum(p.numel() * p.element_size() for p in self.run.model.parameters())
        return int(MEMORY * free(self._device) // (sum(kept.values()) + COPIES * held))

    def together(self, width: int) -> Callable[[], Tensor]:
        """A step of so many lanes, all of them the run's."""
        lanes = Lanes(self.run)
        lanes.join([self.run] * width)
        chance, stacked = lanes.chance([0] * len(lanes)), self._stacked(len(lanes))
        return lambda: lanes.step(stacked, chance, lanes.numbers())

    def _stacked(self, lanes: int) -> list[tuple[Tensor, Tensor]]:
        """The rows for each lane; a model may write on what it is given."""
        return [
            (inputs.expand(lanes, *inputs.shape).clone(), targets.expand(lanes, *targets.shape))
            for inputs, targets in self._groups
        ]


def free(device: torch.device) -> int:
    """Bytes of a device's memory that are free."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
