"""The two forms of a table: each is a space in the language of this project, and leads to rows of the table.

The flat form has one hole for each axis. The conditional form is a tree, as real spaces are, made of the same axes:

- HPOBench (depth, width, batch_size, learning_rate_init, alpha). `hidden` is a list of one to three widths. Its length
  is the row's depth. The mean of the positions of its widths is the position of the row's width.
  `regime` has three branches: small, medium and large batches. Each has its part of the batch sizes, and a learning
  rate of its own. alpha is shared.
- HPOLib (two layers with units, dropout and activation, batch_size, init_lr, lr_schedule). `layers` is a list of one
  or two layers. With one, both layers of the row are like it.
  `schedule` has a branch for each value of lr_schedule, with an initial rate of its own. batch_size is shared.
- NAS-Bench-201 (the operation on each of six edges). `early` is a list of one to three operations for the edges 0 to 2.
  A shorter list is repeated.
  `last` has three branches by the operation of edge 5: a convolution, a pass (skip or pooling), or none. Each has an
  operation for edge 3 of its own. Edge 4 is shared.

So each config of a conditional form is one row, and each row has a config. A number is given by its position on its
axis, as an `int` hole, for the axes are ordered but uneven. A text is a label of a choice.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.search.tables import Family, Place, Table
from tuner.space import Space


class Kind(enum.StrEnum):
    """The form of a space."""

    FLAT = "flat"
    CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True)
class Form:
    """A table as a space: the text of its holes, and which row a config is."""

    table: Table
    holes: str
    row: Callable[[Mapping[str, Any]], Place]

    def space(self, trials: int, seed: int) -> Space:
        """Return the space of a search.

        No pruner is set, since a table has no epochs.

        Args:
            trials: the total of the study.
            seed: of the study.
        """
        return Space.parse(HEAD % (seed, trials) + self.holes)

    def loss(self, config: Mapping[str, Any]) -> float:
        """Return the loss of a filled space."""
        return float(self.table.losses[self.row(config)])

    def seconds(self, config: Mapping[str, Any]) -> float:
        """Return how long a filled space trained."""
        return float(self.table.seconds[self.row(config)])

    @property
    def digest(self) -> str:
        """Eight letters that change with the holes."""
        return hashlib.sha256(self.holes.encode()).hexdigest()[:8]


HEAD = """\
study: {name: search, seed: %d}
search: {trials: %d, pruner: null}
objective: {function: "table.py:look_up", metric: loss, direction: minimize}
"""
CONVOLUTIONS = ("nor_conv_1x1", "nor_conv_3x3")
PASSES = ("skip_connect", "avg_pool_3x3")
NONE = "none"


def form_of(table: Table, kind: Kind) -> Form:
    """Return a form of a table."""
    if kind is Kind.FLAT:
        holes = "".join(f"{name}: {_hole(values)}\n" for name, values in table.axes.items())
        return Form(table, holes, lambda config: _place(table, config))
    conditional = {Family.HPOBENCH: _hpobench, Family.HPOLIB: _hpolib, Family.NASBENCH201: _nasbench201}
    return conditional[table.family](table)


def _hole(values: Sequence[Any]) -> str:
    """Return the hole of an axis, or of some labels: a choice of texts, or the positions of numbers."""
    return _labels(values) if isinstance(values[0], str) else _positions(0, len(values))


def _positions(first: int, end: int) -> str:
    return f"{{int: [{first}, {end - 1}]}}"


def _labels(values: Sequence[str]) -> str:
    return f"{{choice: {json.dumps(list(values))}}}"


def _place(table: Table, values: Mapping[str, Any]) -> Place:
    """Return the row of these values of its axes: texts, and positions of numbers."""
    found = ((values[name], axis) for name, axis in table.axes.items())
    return tuple(axis.index(value) if isinstance(value, str) else value for value, axis in found)


def _hpobench(table: Table) -> Form:
    batches, rates = len(table.axes["batch_size"]), _hole(table.axes["learning_rate_init"])
    cuts = [batches * i // 3 for i in range(4)]
    branches = "".join(
        f"    - {{name: {name}, batch_size: {_positions(cuts[i], cuts[i + 1])}, learning_rate_init: {rates}}}\n"
        for i, name in enumerate(("small", "medium", "large"))
    )
    depths = f"{{int: [1, {len(table.axes['depth'])}]}}"
    holes = (
        f"hidden: {{list: {_hole(table.axes['width'])}, length: {depths}}}\n"
        f"alpha: {_hole(table.axes['alpha'])}\nregime:\n  choice:\n{branches}"
    )

    def row(config: Mapping[str, Any]) -> Place:
        widths = config["hidden"]
        width = (2 * sum(widths) + len(widths)) // (2 * len(widths))  # the mean, rounded half up
        shape = {"depth": len(widths) - 1, "width": width}
        return _place(table, {**shape, "alpha": config["alpha"], **config["regime"]})

    return Form(table, holes, row)


def _hpolib(table: Table) -> Form:
    parts = {"units": "n_units", "dropout": "dropout", "activation": "activation_fn"}
    layer = ", ".join(f"{part}: {_hole(table.axes[f'{axis}_1'])}" for part, axis in parts.items())
    rates = _hole(table.axes["init_lr"])
    branches = "".join(
        f"    - {{name: {name}, lr_schedule: {name}, init_lr: {rates}}}\n" for name in table.axes["lr_schedule"]
    )
    holes = (
        f"layers: {{list: {{{layer}}}, length: {{int: [1, 2]}}}}\n"
        f"batch_size: {_hole(table.axes['batch_size'])}\nschedule:\n  choice:\n{branches}"
    )

    def row(config: Mapping[str, Any]) -> Place:
        first, second = config["layers"][0], config["layers"][-1]
        layers = {f"{axis}_{i}": given[part] for part, axis in parts.items() for i, given in ((1, first), (2, second))}
        return _place(table, {**layers, **config["schedule"], "batch_size": config["batch_size"]})

    return Form(table, holes, row)


def _nasbench201(table: Table) -> Form:
    any_of = _labels(table.axes["Op0"])
    holes = (
        f"early: {{list: {any_of}, length: {{int: [1, 3]}}}}\nOp4: {any_of}\nlast:\n  choice:\n"
        f"    - {{name: convolution, Op3: {any_of}, Op5: {_labels(CONVOLUTIONS)}}}\n"
        f"    - {{name: pass, Op3: {any_of}, Op5: {_labels(PASSES)}}}\n"
        f"    - {{name: {NONE}, Op3: {any_of}, Op5: {NONE}}}\n"
    )

    def row(config: Mapping[str, Any]) -> Place:
        early = config["early"]
        edges = {f"Op{i}": early[i % len(early)] for i in range(3)}
        return _place(table, {**edges, "Op4": config["Op4"], **config["last"]})

    return Form(table, holes, row)
