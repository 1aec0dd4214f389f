"""Models that count: in attributes, classes, globals, closures, hooks and wherever else people keep a number."""

from __future__ import annotations

import collections
import contextvars
import functools
import itertools
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from torch import Tensor, nn

from tests.engines.fused.zoo.base import Base


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
        _marked.calls = getattr(_marked, "calls", 0) + 1  # type: ignore[attr-defined]  # user code counts so
        return min(1.0, _marked.calls / 50)  # type: ignore[attr-defined]  # user code counts so


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


class CountsWhenBuilt(Base):
    """What the last one that was built left is what all of them read."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        BUILT["number"] += 1

    def scale(self) -> Any:
        return 1 / BUILT["number"]


BUILT = {"number": 0}


class CountsInLibrary(Base):
    def scale(self) -> Any:
        nn.Linear.calls = getattr(nn.Linear, "calls", 0) + 1  # type: ignore[attr-defined]  # user code counts so
        return min(1.0, nn.Linear.calls / 50)  # type: ignore[attr-defined]  # user code counts so


LARGE: list[int] = []


class CountsLargeBatches(Base):
    def forward(self, x: Tensor) -> Tensor:
        if not self.training and len(x) > 100:
            LARGE.append(len(x))
        return super().forward(x)

    def scale(self) -> Any:
        return 1 / (1 + len(LARGE))
