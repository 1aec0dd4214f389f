"""Small tables for the search benchmark, in the form of the real ones; losses and times are drawn at random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.search.forms import Form, Kind, form_of
from benchmarks.search.tables import Family, Table

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
AXES: dict[Family, dict[str, tuple[Any, ...]]] = {
    Family.HPOBENCH: {
        "alpha": (1e-8, 1.0),
        "batch_size": (4, 6, 10, 16, 25, 40, 64),
        "depth": (1, 2, 3),
        "learning_rate_init": (1e-5, 1e-3, 1.0),
        "width": (16, 64, 256, 1024),
    },
    Family.HPOLIB: {
        "activation_fn_1": ("relu", "tanh"),
        "activation_fn_2": ("relu", "tanh"),
        "batch_size": (8, 64),
        "dropout_1": (0.0, 0.6),
        "dropout_2": (0.0, 0.6),
        "init_lr": (5e-4, 1e-2, 1e-1),
        "lr_schedule": ("cosine", "const"),
        "n_units_1": (16, 64, 512),
        "n_units_2": (16, 64, 512),
    },
    Family.NASBENCH201: {f"Op{i}": OPERATIONS for i in range(6)},
}


def load(name: str) -> Table:
    """Return the small table of a real table's family."""
    family = Family(name.split("/")[0])
    axes = AXES[family]
    shape = [len(values) for values in axes.values()]
    draws = np.random.default_rng(0)
    return Table(name, family, axes, draws.random(shape), draws.uniform(1, 10, shape))


def form(family: Family, kind: Kind) -> Form:
    """Return a form of a small table."""
    return form_of(load(f"{family}/small"), kind)


class _Odometer:
    """Takes the values of all holes from digits, and notes how many each hole has."""

    def __init__(self, digits: Sequence[int]) -> None:
        self._digits = digits
        self.taken: list[int] = []
        self.sizes: list[int] = []

    def _next(self, size: int) -> int:
        self.taken.append(self._digits[len(self.taken)] if len(self.taken) < len(self._digits) else 0)
        self.sizes.append(size)
        return self.taken[-1]

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        raise AssertionError(f"{name}: a form has no continuous hole")

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        return low + self._next(high - low + 1)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return choices[self._next(len(choices))]


def configs(form: Form) -> Iterator[dict[str, Any]]:
    """Yield every config of a form once."""
    space, digits = form.space(trials=1, seed=0), list[int]()
    while True:
        odometer = _Odometer(digits)
        yield space.fill(odometer)
        digits = odometer.taken
        while digits and digits[-1] + 1 == odometer.sizes[len(digits) - 1]:
            digits.pop()
        if not digits:
            return
        digits[-1] += 1
