"""The plan: whether trials of one signature train together, and how many, decided by trying it on the real model."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
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

GAIN = 1.03
"""So much faster than fewer lanes must more be: they are asked for earlier, and the last of them leave lanes empty."""

TOLERANCE = 0.05
"""How far a step may lie off, relative to how far it goes: a wrong one is off by a whole step, and Adam makes whole
steps of the rounding errors of gradients that should be 0."""

MUCH = 1.25
"""Where a step costs a trial so many times as much as with fewer lanes, no more are tried; less may be noise."""

ROUNDS = 5
"""So often all widths are timed again, as long as the share allows."""

MEMORY = 0.25
"""The part of the free memory that lanes may take: trying takes twice as much, other workers take theirs, and data
and scores come to it."""

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

    Widths are timed in turn, round after round: what slows the machine for a moment falls on all of them.

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
    alone = _Tried(1, batches.step_alone)
    left = SHARE * steps * alone.seconds
    most = min(most, room)
    tried = [alone]
    for width in [most] if forced else [width for width in WIDTHS if width <= most]:
        foreseen = width / tried[-1].width * tried[-1].seconds  # so long at most
        if left < 3 * foreseen + _round(tried) and not forced:
            break
        tried.append(_Tried(width, batches.together(width)))
        left -= 2 * tried[-1].seconds + _again(tried)
        if tried[-1].share > MUCH * min(each.share for each in tried):
            break
    for _ in range(ROUNDS):
        if left < _round(tried):
            break
        left -= _again(tried)
    return _best(tried, forced)


class _Tried:
    """A width, its step, and how long that takes: the median, as a machine that others use is seldom at its best."""

    def __init__(self, width: int, step: Callable[[], Tensor]) -> None:
        self.width = width
        self._step = step
        self._taken: list[float] = []
        step()  # warms up
        self.again()

    def again(self) -> None:
        """Time it once more."""
        began = time.perf_counter()
        self._step().sum().item()  # a GPU answers before it has computed
        self._taken.append(time.perf_counter() - began)

    @property
    def seconds(self) -> float:
        """Of a step."""
        return statistics.median_low(self._taken)

    @property
    def share(self) -> float:
        """The seconds of one trial."""
        return self.seconds / self.width


def _round(tried: Sequence[_Tried]) -> float:
    """The seconds that it takes to time all once more."""
    return sum(each.seconds for each in tried)


def _again(tried: Sequence[_Tried]) -> float:
    """Time all once more; the seconds of that."""
    began = time.perf_counter()
    for each in tried:
        each.again()
    return time.perf_counter() - began


def _best(tried: Sequence[_Tried], forced: bool) -> Plan:
    """The narrowest than which none is faster by far."""
    alone, *wider = tried
    best = Plan(1, "together they are not faster")
    for each in wider:
        gain = alone.share / each.share
        if forced or gain > GAIN * best.gain:
            best = Plan(each.width, gain=gain)
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
