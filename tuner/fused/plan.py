"""The plan: whether trials of one signature train together, and how many, decided by trying it on the real model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from tuner.chance import seed_everything
from tuner.fused.lanes import Lanes
from tuner.seeds import derive
from tuner.training import Run, step

FEWEST = 4
"""So many trials must be alike before it is worth a trial."""

FIRST = 10
"""So many are looked at for trials that are alike; TPESampler draws as many at random anyway, if not told otherwise."""

WIDTHS = (4, 8, 16, 32, 64)
"""Those that are tried, each twice the one before."""

MOST_LANES = WIDTHS[-1]

SHARE = 0.02
"""The part of the expected work that trying may take."""

GAIN = 1.1
"""So much faster than fewer lanes must more be: they are asked for earlier, when the sampler knows less."""

TOLERANCE = 0.05
"""How far a step may lie off, relative to how far it goes: a wrong one is off by a whole step, and Adam makes whole
steps of the rounding errors of gradients that should be 0."""

REPEATS = 5

MEMORY = 0.25
"""The part of the free memory that lanes may take; other workers take theirs, and data and scores come to it."""

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


def measure(build: Callable[[], Run], most: int, steps: float, forced: bool) -> Plan:
    """Find the width at which a step costs a trial least.

    Args:
        build: makes a run; each is the same.
        most: lanes that are allowed.
        steps: that all expected trials take together, of which trying may take a share.
        forced: the width is `most` whatever it gains, if a fused step is right and memory has room for it.

    Raises:
        Exception: whatever a model raises that vmap cannot take.
    """
    batches = _Batches(build())
    if wrong := _difference(build, batches):
        return Plan(1, wrong)
    room = batches.room()
    if room < 2:
        return Plan(1, "the memory has no room for two")
    alone = _seconds(batches.step_alone)
    best, left, together = Plan(1, "together they are not faster"), SHARE * steps * alone, WIDTHS[0] / 2 * alone
    for width in [min(most, room)] if forced else [width for width in WIDTHS if width <= min(most, room)]:
        if left < (REPEATS + 1) * 2 * together and not forced:  # twice as many take twice as long at most
            break
        together = _seconds(batches.together(width))
        left -= (REPEATS + 1) * together
        gain = width * alone / together
        if forced or gain > GAIN * best.gain:
            best = Plan(width, gain=gain)
        elif width > FEWEST and gain < best.gain:
            break
    return best


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
        return step(self.run, self._groups)

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
        return int(MEMORY * _free(self._device) // (sum(kept.values()) + COPIES * held))

    def together(self, width: int) -> Callable[[], Tensor]:
        """A step of so many lanes, all of them the run's."""
        lanes = Lanes(self.run)
        lanes.join([self.run] * width)
        return self.step_of(lanes, 0)

    def step_of(self, lanes: Lanes, seed: int) -> Callable[[], Tensor]:
        """The same step of every lane."""
        chance = lanes.chance([seed] * len(lanes))
        stacked = [
            (inputs.expand(len(lanes), *inputs.shape), targets.expand(len(lanes), *targets.shape))
            for inputs, targets in self._groups
        ]
        return lambda: lanes.step(stacked, chance, lanes.numbers())


def _difference(build: Callable[[], Run], batches: _Batches) -> str:
    """What is wrong with a fused step; empty when it does what a step alone does."""
    seed = derive(0, "plan")
    lanes, start = Lanes(batches.run), build()
    lanes.join([build() for _ in range(2)])
    seed_everything(seed)
    batches.step_alone()
    batches.step_of(lanes, seed)()
    for tensors in (nn.Module.parameters, nn.Module.buffers):
        began, alone = _flat(start, tensors), _flat(batches.run, tensors)
        off = max(float((_flat(lanes.settle(lane), tensors) - alone).norm()) for lane in range(2))
        if not off <= TOLERANCE * float((alone - began).norm()) + 1e-6:
            return "a fused step of this model is another than a step alone"
    return ""


def _free(device: torch.device) -> int:
    """Bytes of memory that are free."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available


def _flat(run: Run, tensors: Callable[[nn.Module], Iterable[Tensor]]) -> Tensor:
    return torch.cat([torch.zeros(1), *(tensor.detach().cpu().flatten().float() for tensor in tensors(run.model))])


def _seconds(work: Callable[[], Tensor]) -> float:
    """The shortest time that it takes, after once to warm up."""
    work()
    return min(_timed(work) for _ in range(REPEATS))


def _timed(work: Callable[[], Tensor]) -> float:
    began = time.perf_counter()
    work().sum().item()  # a GPU answers before it has computed
    return time.perf_counter() - began
