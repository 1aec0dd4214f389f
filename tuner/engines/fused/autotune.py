"""Autotune: whether trials of one signature train together, and how many, measured on the real model."""

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
"""Least number of similar trials that pay for a measurement."""

FIRST = 10
"""Number of first trials that are compared for similar ones. TPESampler draws as many at random by default."""

MOST_LANES = 64

WIDER = (4, 2)
"""Factors of the next width to try. The first that work and memory allow is taken."""

SHARE = 0.02
"""Largest share of the expected work that measurements may take."""

GAIN = 1.03
"""Least speed-up of more lanes over fewer. More lanes need earlier trials, and the last trials leave lanes empty."""

FEWEST_ROUNDS, ROUNDS = 2, 5
"""Number of rounds that time two widths: at least, and at most while rounds disagree."""

LOSS = 1.25
"""A width this many times as slow ends the search for wider ones."""

TRYING = 6
"""Cost of trying a width, in its steps: lanes are stacked, warm up, and are timed."""

MEMORY = 0.25
"""Share of the free memory that lanes may take, plus half while they are tried.

The rest is for other workers, data and scores.
"""

COPIES = 6
"""Copies of a lane's parameters: its run's, the lane's, gradients twice, and two optimizer states."""


@dataclass(frozen=True, slots=True)
class GroupWidth:
    """The number of trials of a signature that train at once, and the speed-up over training in turn.

    A `width` of 1 means in turn; `reason` says why.
    """

    width: int
    reason: str = ""
    gain: float = 1.0


def measure(
    build: Callable[[], Run], source: Source, most: int, steps: float, forced: bool, pays: float = GAIN, unit: int = 1
) -> GroupWidth:
    """Find the width with the least time per trial and step, each compared with the best before it.

    Args:
        build: makes a run; each is the same.
        source: where its model comes from.
        most: lanes that are allowed.
        steps: the number of steps of all expected trials; measuring may take a share of them.
        forced: the width is `most` whatever it gains, if a fused step is right and memory has room for it.
        pays: how many times as fast as in turn it must be.
        unit: the lanes of a trial; a width is a multiple of them.

    Raises:
        Exception: whatever a model raises that cannot be computed so.
    """
    batches = _Batches(build())
    if wrong := probe.fault(build, source, build()):
        return GroupWidth(1, wrong)
    room = batches.room()
    if room < max(2, unit):
        return GroupWidth(1, f"the memory has no room for {'two' if unit == 1 else unit}")
    most = min(most, room) // unit * unit
    best = _Width(1, batches.step_alone)
    budget = _Budget(SHARE * steps * best.least)
    found, tried = GroupWidth(1, "there is too little work to find out what pays"), [1]
    while width := most if forced else _next(tried, most, best, budget, unit):
        wider = _Width(width, batches.together(width))
        tried.append(width)
        if not forced and not budget.allows(0):
            break
        gain = _gain(best, wider, budget)
        if forced or gain > GAIN:
            best, found = wider, GroupWidth(width, gain=found.gain * gain)
        elif found.width == 1:
            found = GroupWidth(1, "together they are not faster")
        may_have_leapt_over = width == WIDER[0] * best.width
        if forced or (gain < 1 / LOSS and not may_have_leapt_over):
            break
    if not forced and found.width > 1 and found.gain < pays:
        return GroupWidth(
            1, f"together they are {found.gain:.1f} times as fast, where {pays:g} would make up for asking ahead"
        )
    return found


def _next(tried: Sequence[int], most: int, best: _Width, budget: _Budget, unit: int) -> int:
    """Return the next width to try, 0 if none; after a width that was too wide, one between."""
    last = tried[-1]
    if last == 1 < unit:
        return unit if budget.allows(TRYING * best.least * unit) else 0
    wider = [WIDER[1] * best.width] if last == WIDER[0] * best.width else [times * last for times in WIDER]
    foreseen = TRYING * best.least / best.width  # of a lane
    allowed = (
        width
        for width in wider
        if width <= most and not width % unit and width not in tried and budget.allows(width * foreseen)
    )
    return next(allowed, 0)


class _Width:
    """A number of lanes, and their step; `least` is its shortest time so far."""

    def __init__(self, width: int, step: Callable[[], Tensor]) -> None:
        self.width = width
        self.least = math.inf
        self._step = step
        for _ in range(2):  # the first warms up
            self.seconds()

    def seconds(self) -> float:
        """Measure one step and return its seconds."""
        began = time.perf_counter()
        self._step().sum().item()  # a GPU answers before it has computed
        taken = time.perf_counter() - began
        self.least = min(self.least, taken)
        return taken


class _Budget:
    """The seconds that measuring may take, counted from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    def allows(self, seconds: float) -> bool:
        """Return whether this many more seconds may be spent."""
        return time.perf_counter() + seconds <= self._end


def _gain(narrow: _Width, wide: _Width, budget: _Budget) -> float:
    """Return the speed-up of trials in more lanes, the median of several rounds.

    Both do a step in each round, so that a slow phase of the machine falls on both. Rounds repeat while they disagree.
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
    """The rows of the measured steps."""

    def __init__(self, run: Run) -> None:
        self.run = run
        size = run.batch_size
        # torch leaves it untyped
        positions = torch.arange(size * run.training.accumulate).split(size)  # type: ignore[no-untyped-call]
        self._groups = list(run.dataset.train.batches(positions, 0))
        self._device = self._groups[0][1].device
        run.model.train()

    def step_alone(self) -> Tensor:
        """Make a step of the run alone."""
        return step(self.run, [(inputs.clone(), targets) for inputs, targets in self._groups])

    def room(self) -> int:
        """Return the number of lanes that fit into their share of free memory, by the storage of one step."""
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
        """Return a function that makes a step of `width` copies of the run."""
        lanes = Lanes(self.run)
        lanes.join([self.run] * width)
        chance, stacked = lanes.chance([0] * len(lanes)), self._stacked(len(lanes))
        return lambda: lanes.step(stacked, chance, lanes.numbers())

    def _stacked(self, lanes: int) -> list[tuple[Tensor, Tensor]]:
        """Return rows for each lane; a model may write on its inputs."""
        return [
            (inputs.expand(lanes, *inputs.shape).clone(), targets.expand(lanes, *targets.shape))
            for inputs, targets in self._groups
        ]


def free(device: torch.device) -> int:
    """Return the free memory of a device in bytes."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
