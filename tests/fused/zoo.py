"""Models of the kinds that people write, as user code: each test imports a copy of this file of its own."""

from __future__ import annotations

import collections
import contextvars
import copy
import functools
import itertools
import os
import random
import threading
import time
import types
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize


class Base(nn.Module):
    """Two layers; `scale` is what a subclass makes of its state."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(in_features, 16), nn.ReLU())
        self.head = nn.Linear(16, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x)) * self.scale()  # type: ignore[no-any-return]

    def scale(self) -> Any:
        return 1.0


# --- those whose lanes compute what trials compute alone


class Plain(Base): ...


class Normalised(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.body.append(nn.BatchNorm1d(16))


class LayerNormalised(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.body.append(nn.LayerNorm(16))


class GroupNormalised(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.body.insert(2, nn.GroupNorm(4, 16))  # behind a ReLU groups would be all 0, and rounding errors grow


class Dropping(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.body.append(nn.Dropout(0.3))


class WeightNormed(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.head = parametrizations.weight_norm(self.head)


class Positive(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return functional.softplus(weight)


class Parametrized(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        parametrize.register_parametrization(self.head, "weight", Positive())


class Tied(nn.Module):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(in_features, in_features), nn.Linear(in_features, in_features)
        self.second.weight = self.first.weight
        self.head = nn.Linear(in_features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x.flatten(1))))))  # type: ignore[no-any-return]


class Repeated(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.again = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        for _ in range(3):
            hidden = hidden + torch.tanh(self.again(hidden))
        return self.head(hidden)  # type: ignore[no-any-return]


class Attending(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.lift = nn.Linear(8, 16)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.lift(x.flatten(1).reshape(len(x), 8, 8))
        found, _ = self.attention(rows, rows, rows, need_weights=False)
        return self.head(self.norm(rows + found).mean(1))  # type: ignore[no-any-return]


class Scaled(nn.Module):
    """Attention by torch's function, with positions in a buffer."""

    positions: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("positions", torch.linspace(0, 1, 8)[:, None].repeat(1, 16), persistent=False)
        self.lift, self.mix = nn.Linear(8, 16), nn.Linear(16, 48)
        self.head = nn.Linear(16, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.lift(x.flatten(1).reshape(len(x), 8, 8)) + self.positions
        query, key, value = self.mix(rows).chunk(3, dim=-1)
        return self.head(functional.scaled_dot_product_attention(query, key, value).mean(1))  # type: ignore[no-any-return]


class Averaging(Base):
    """A running mean in a buffer that is written in place, as batch norm does."""

    mean: Tensor

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.register_buffer("mean", torch.zeros(16))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if self.training:
            self.mean.mul_(0.9).add_(0.1 * hidden.detach().mean(0))
        return self.head(hidden - self.mean)  # type: ignore[no-any-return]


class Warming(Base):
    """A schedule by a buffer that counts in place."""

    steps: Tensor

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.register_buffer("steps", torch.zeros(()))

    def scale(self) -> Any:
        if self.training:
            self.steps.add_(1)
        return (self.steps / 20).clamp(max=1)


class Frozen(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.body.requires_grad_(False)


class Convolving(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.head = nn.Linear(36, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.net(x))  # type: ignore[no-any-return]


class Listed(nn.Module):
    def __init__(self, in_features: int, num_classes: int, depth: int = 3) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(in_features, in_features) for _ in range(depth)])
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(1)) for _ in range(depth)])
        self.head = nn.Linear(in_features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        hidden = x.flatten(1)
        for layer, scale in zip(self.layers, self.scales, strict=True):
            hidden = hidden + scale * torch.relu(layer(hidden))
        return self.head(hidden)  # type: ignore[no-any-return]


class Constant(Base):
    """A tensor that is no buffer and does not change."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.weights = torch.linspace(0.5, 1.5, num_classes)

    def scale(self) -> Any:
        return self.weights


class Configured(Base):
    """Reads settings that nothing changes."""

    SETTINGS: ClassVar[dict[str, Any]] = {"scale": 0.5, "names": ["a", "b"], "function": torch.tanh}

    def scale(self) -> Any:
        return LIMITS["scale"] * self.SETTINGS["scale"]


LIMITS = {"scale": 2.0}


class Activated(Base):
    """A function with an argument, as people pass activations."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.activation = functools.partial(functional.leaky_relu, negative_slope=0.2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.activation(self.body(x)))  # type: ignore[no-any-return]


class Watched(Base):
    """A hook that changes what a layer gives, always in the same way."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.head.register_forward_hook(lambda layer, inputs, outputs: outputs * 0.5)


# --- those that are alike by name and size, and not in what they compute


class ScaledByClass(Base):
    def __init__(self, in_features: int, num_classes: int, factor: float) -> None:
        super().__init__(in_features, num_classes)

        class Scale(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x * factor

        self.body.append(Scale())


class ScaledByObject(Base):
    def __init__(self, in_features: int, num_classes: int, factor: float) -> None:
        super().__init__(in_features, num_classes)
        self.settings = type("Settings", (), {"factor": factor})()

    def scale(self) -> Any:
        return self.settings.factor


class ScaledByOwnClass(Base):
    def __init__(self, in_features: int, num_classes: int, factor: float) -> None:
        super().__init__(in_features, num_classes)
        self.__class__ = type("ScaledByOwnClass", (ScaledByOwnClass,), {"scale": lambda self: factor})


class ScaledByText(Base):
    def __init__(self, in_features: int, num_classes: int, factor: float) -> None:
        super().__init__(in_features, num_classes)
        names: dict[str, Any] = {"factor": factor}
        exec("def factor_of(): return factor", names)
        self.factor_of = names["factor_of"]

    def scale(self) -> Any:
        return self.factor_of()


# --- those that must not be fused


class Halved(Base):
    """Lanes would compute it in float32."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.head.bias = nn.Parameter(self.head.bias.bfloat16())

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) @ self.head.weight.t() + self.head.bias  # type: ignore[no-any-return]


class CountsSteps(Base):
    steps = 0

    def scale(self) -> Any:
        self.steps += self.training
        return min(1.0, self.steps / 50)


class CountsScores(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.scored = 0

    def scale(self) -> Any:
        self.scored += not self.training
        return 1 / (1 + self.scored)


class CountsEpochs(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.epochs = 0

    def train(self, mode: bool = True) -> CountsEpochs:
        super().train(mode)
        self.epochs = getattr(self, "epochs", 0) + mode
        return self

    def scale(self) -> Any:
        return 1 / (1 + self.epochs)


class CountsInClass(Base):
    count = 0

    def scale(self) -> Any:
        CountsInClass.count += 1
        return min(1.0, self.count / 50)


COUNT = 0
CALLS: list[int] = []
LOCAL = threading.local()
CONTEXT: contextvars.ContextVar[int] = contextvars.ContextVar("calls")
TURNS = itertools.count()
RNG = np.random.default_rng(0)
KNOWN: weakref.WeakKeyDictionary[nn.Module, int] = weakref.WeakKeyDictionary()


class CountsInModule(Base):
    def scale(self) -> Any:
        global COUNT
        COUNT += 1
        return min(1.0, COUNT / 50)


class CountsInGlobalList(Base):
    def scale(self) -> Any:
        CALLS.append(1)
        return min(1.0, len(CALLS) / 50)


class CountsInThread(Base):
    def scale(self) -> Any:
        LOCAL.calls = getattr(LOCAL, "calls", 0) + 1
        return min(1.0, LOCAL.calls / 50)


class CountsInContext(Base):
    def scale(self) -> Any:
        CONTEXT.set(CONTEXT.get(0) + 1)
        return min(1.0, CONTEXT.get() / 50)


class CountsByIterator(Base):
    def scale(self) -> Any:
        return min(1.0, next(TURNS) / 50)


class CountsByWeakKey(Base):
    def scale(self) -> Any:
        KNOWN[self] = KNOWN.get(self, 0) + 1
        return min(1.0, KNOWN[self] / 50)


class DrawsFromGlobal(Base):
    def scale(self) -> Any:
        return 1 + RNG.random()


class Meter:
    __slots__ = ("__value",)

    def __init__(self) -> None:
        self.__value = 0

    def step(self) -> int:
        self.__value += 1
        return self.__value


class CountsInObject(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.meters = {"steps": [Meter()]}

    def scale(self) -> Any:
        return min(1.0, self.meters["steps"][0].step() / 50)


class CountsInDeque(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.last: collections.deque[int] = collections.deque([0], maxlen=3)

    def scale(self) -> Any:
        self.last.append(self.last[-1] + 1)
        return min(1.0, self.last[-1] / 50)


class CountsInDefault(Base):
    def scale(self, seen: list[int] = []) -> Any:  # noqa: B006  # that is the point
        seen.append(1)
        return min(1.0, len(seen) / 50)


def _counting() -> Callable[[], int]:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return count

    return step


class CountsInClosure(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.step = _counting()

    def scale(self) -> Any:
        return min(1.0, self.step() / 50)


class CountsInHook(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        step = _counting()
        self.head.register_forward_pre_hook(lambda layer, inputs: (inputs[0] * min(1.0, step() / 50),))


class CountsInPartial(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.step = functools.partial(_append, [])

    def scale(self) -> Any:
        return min(1.0, self.step() / 50)


def _append(to: list[int]) -> int:
    to.append(1)
    return len(to)


class CountsOnFunction(Base):
    def scale(self) -> Any:
        _marked.calls = getattr(_marked, "calls", 0) + 1  # type: ignore[attr-defined]
        return min(1.0, _marked.calls / 50)  # type: ignore[attr-defined]


def _marked() -> None: ...


class CountsInEnvironment(Base):
    def scale(self) -> Any:
        os.environ["ZOO_STEPS"] = str(int(os.environ.get("ZOO_STEPS", "0")) + 1)
        return min(1.0, int(os.environ["ZOO_STEPS"]) / 50)


class CountsInArray(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.steps = np.zeros(1)

    def scale(self) -> Any:
        self.steps += 1
        return min(1.0, float(self.steps[0]) / 50)


class CountsByGenerator(Base):
    """Torch cannot copy it."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.turns: Iterator[int] = (number for number in range(10**9))

    def scale(self) -> Any:
        return min(1.0, next(self.turns) / 50)


class RemembersMean(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.mean = torch.zeros(16)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * hidden.detach().mean(0)
        return self.head(hidden - self.mean)  # type: ignore[no-any-return]


class ReplacesBuffer(Averaging):
    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * hidden.detach().mean(0)
        return self.head(hidden - self.mean)  # type: ignore[no-any-return]


class NamesBuffers(Base):
    def scale(self) -> Any:
        if self.training:
            self.register_buffer(f"step{len(self._buffers)}", torch.zeros(1))
        return min(1.0, len(self._buffers) / 50)


class RegistersLater(Base):
    def scale(self) -> Any:
        if not hasattr(self, "gain"):
            self.gain = nn.Parameter(torch.ones(1))
        return self.gain


class HidesLayers(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.hidden = [nn.BatchNorm1d(16)]

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.hidden[0](self.body(x)))  # type: ignore[no-any-return]


class DrawsFromPython(Base):
    def scale(self) -> Any:
        return 1.0 if not self.training or random.random() < 0.5 else 0.5


class DrawsFromNumpy(Base):
    def scale(self) -> Any:
        return 1 + float(np.random.rand())


class DrawsFromTorch(Base):
    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        noise = torch.randn_like(hidden) if self.training else torch.zeros_like(hidden)
        return self.head(hidden + 0.1 * noise)  # type: ignore[no-any-return]


class DrawsFromOwn(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.chance = torch.Generator().manual_seed(0)

    def scale(self) -> Any:
        return 1 + float(torch.rand(1, generator=self.chance))


class DrawsFromOwnPython(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.rng = random.Random(0)

    def scale(self) -> Any:
        return 1 + self.rng.random()


class DrawsFromOwnNumpy(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.rng = np.random.default_rng(0)

    def scale(self) -> Any:
        return 1 + self.rng.random()


class DrawsFromSystem(Base):
    def scale(self) -> Any:
        return 1 + 0 * random.SystemRandom().random()


class AsksClock(Base):
    started = time.monotonic()

    def scale(self) -> Any:
        return 1.0 if time.monotonic() > self.started else 0.5


class ReadsFile(Base):
    def scale(self) -> Any:
        return 1.0 if Path(__file__).read_text() else 0.5


class CachesResult(Base):
    def scale(self) -> Any:
        return _remembered(self.training)


@functools.lru_cache(maxsize=2)
def _remembered(training: bool) -> float:
    return 1.0


class CachesMask(Base):
    mask: Tensor | None = None

    def scale(self) -> Any:
        if self.mask is None:
            self.mask = torch.ones(self.head.out_features)
        return self.mask


class InitsByData(Base):
    """As ActNorm and weight norm with data-dependent initialisation do."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.is_initialised = False
        self.shift = nn.Parameter(torch.zeros(16))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if not self.is_initialised:
            self.shift.data.copy_(-hidden.detach().mean(0))
            self.is_initialised = True
        return self.head(hidden + self.shift)  # type: ignore[no-any-return]


class LooksAtRowsBeside(Base):
    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        return self.head(hidden - hidden.mean(0))  # type: ignore[no-any-return]


class PatchesItself(Base):
    """A forward of the instance's own, whose closure holds another model than its lanes'."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        head = self.head
        patched = types.SimpleNamespace(run=lambda hidden: head(hidden))
        self.run = patched.run

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self.body(x))  # type: ignore[no-any-return]


class CountsWhenBuilt(Base):
    """What the last one that was built left is what all of them read."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        BUILT["number"] += 1

    def scale(self) -> Any:
        return 1 / BUILT["number"]


BUILT = {"number": 0}


class TakesTurns(Base):
    """Two states in turn: after an even number of steps all is as it was."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.is_odd = False

    def scale(self) -> Any:
        if self.training:
            self.is_odd = not self.is_odd
        return 1.0 if self.is_odd else 0.5


class LastOutputs(Base):
    """Uses what it gave for the batch before."""

    last: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if self.training and self.last is not None:
            hidden = hidden + 0.1 * self.last
        if self.training:
            self.last = hidden.detach().mean(0)
        return self.head(hidden)  # type: ignore[no-any-return]


class TeachesItself(Base):
    """A copy of a layer that is no module of the model, and so has the first weights of its trial."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.teacher = [copy.deepcopy(self.head)]

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        return self.head(hidden) - self.teacher[0](hidden)  # type: ignore[no-any-return]


class CountsInLibrary(Base):
    def scale(self) -> Any:
        nn.Linear.calls = getattr(nn.Linear, "calls", 0) + 1  # type: ignore[attr-defined]
        return min(1.0, nn.Linear.calls / 50)  # type: ignore[attr-defined]


LARGE: list[int] = []


class CountsLargeBatches(Base):
    def forward(self, x: Tensor) -> Tensor:
        if not self.training and len(x) > 100:
            LARGE.append(len(x))
        return super().forward(x)

    def scale(self) -> Any:
        return 1 / (1 + len(LARGE))


class Clips(Base):
    """Keeps weights small between steps, outside of the optimizer."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.head.weight.data.clamp_(-0.05, 0.05)
        return super().forward(x)
