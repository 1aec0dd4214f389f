"""Repeats: whether rows are equal because they were copied, or because few values make few rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from tuner.data.row_keys import Keys, keys_of, near_keys
from tuner.data.rows import Inputs

DIVERSE = 0.5
"""Rows repeat by nature if fewer than this share differ with shuffled columns, as with a few words."""

HARDLY_ANY = 0.01
"""Equal held-out rows below this share count as chance, if shuffled columns give about as many."""

NAMES_ROWS = 0.75
"""A column tells rows apart whose different values are at least this share of the different rows."""

TWICE = 2
"""Rows are copies when more than so many times as many are equal as when parts of rows are exchanged."""

AN_ACCIDENT = 2
"""So few more rows that are nearly equal are no copies."""

MOVED = 1e-4
"""The share by which numbers are moved, to see how many are nearly equal by chance."""

MOST_COLUMNS = 512
"""Wider rows are compared as they are: that nearly equal ones are found in time."""

CUTS = (1 / 3, 1 / 2, 2 / 3)
"""Where rows are cut for that, as shares of their columns."""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a split: `keys` are the same for equal inputs, which `inputs` gives."""

    keys: Keys
    targets: Tensor
    inputs: Callable[[], Inputs]


def shared(keys: Mapping[str, Keys]) -> dict[str, int]:
    """Return how many held-out rows of each split equal a training row."""
    return {name: int(np.isin(own, keys["training"]).sum()) for name, own in keys.items() if name != "training"}


def with_near(parts: Mapping[str, Part]) -> Mapping[str, Part]:
    """Return the splits with keys for nearly equal rows, if more rows are nearly equal than by chance.

    Chance is measured by moving the fractions of the held-out rows a little: then copies differ.
    """
    tables = {name: table for name, part in parts.items() if (table := _table(part.inputs())) is not None}
    if len(tables) < len(parts) or tables["training"].shape[1] > MOST_COLUMNS:
        return parts
    near = {name: near_keys(table) for name, table in tables.items()}
    more = sum(shared(near).values()) - sum(shared({name: part.keys for name, part in parts.items()}).values())
    if more <= AN_ACCIDENT:
        return parts
    chance = np.random.default_rng(0)
    moved = {name: near[name] if name == "training" else near_keys(_moved(tables[name], chance)) for name in tables}
    by_chance = sum(shared(moved).values())
    if more <= TWICE * by_chance + AN_ACCIDENT:
        return parts
    return {name: replace(part, keys=near[name]) for name, part in parts.items()}


def _moved(table: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
    numbers = {name: table[name].to_numpy(np.float64) for name in table.select_dtypes("number").columns}
    shift = MOVED * chance.choice([-1.0, 1.0], len(table)) * chance.uniform(0.5, 1.0, len(table))
    return table.assign(**{str(name): np.where(n == np.rint(n), n, n * (1 + shift)) for name, n in numbers.items()})


def are_natural(parts: Mapping[str, Part], count: int) -> bool:
    """Return whether rows are equal about as often as by chance with the same values.

    They are compared with rows whose columns are shuffled. They are also compared with rows whose second part comes
    from another row of the class. That keeps the columns of a one-hot word together.

    Args:
        parts: the splits.
        count: rows held out that equal training rows.
    """
    tables = {name: _table(part.inputs()) for name, part in parts.items()}
    known = {name: table for name, table in tables.items() if table is not None}
    if len(known) < len(tables):
        return False
    chance = np.random.default_rng(0)
    mixed = _keys({name: _mixed(table, chance) for name, table in known.items()})
    if len(np.unique(mixed["training"])) < DIVERSE * len(mixed["training"]):
        return True
    held = sum(len(own) for name, own in mixed.items() if name != "training")
    if 0 < count < HARDLY_ANY * held and count <= TWICE * sum(shared(mixed).values()):
        return True
    if count == 0 or _has_a_name(known["training"], parts["training"].keys):
        return False
    return any(count <= TWICE * sum(shared(keys).values()) for keys in _exchanged(known, parts, chance))


def _table(inputs: Inputs) -> pd.DataFrame | None:
    """Return rows as a table; None for inputs without columns."""
    if isinstance(inputs, pd.DataFrame):
        return inputs.set_axis(list(map(str, range(inputs.shape[1]))), axis=1).reset_index(drop=True)
    if isinstance(inputs, Tensor) and inputs.dim() == 2:
        numbers = (inputs.float() if inputs.dtype is torch.bfloat16 else inputs).numpy()
        return pd.DataFrame(numbers, columns=list(map(str, range(inputs.shape[1]))))
    return None


def _keys(tables: Mapping[str, pd.DataFrame]) -> dict[str, Keys]:
    found = {name: keys_of(table) for name, table in tables.items()}
    return {name: keys for name, keys in found.items() if keys is not None}


def _mixed(table: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
    """Return the table with each column shuffled on its own."""
    return pd.DataFrame({name: chance.permutation(table[name].to_numpy()) for name in table.columns})


def _has_a_name(table: pd.DataFrame, keys: Keys) -> bool:
    """Return whether rows are mostly different and one column alone distinguishes them."""
    different = len(np.unique(keys))
    most = max(int(table[name].nunique(dropna=False)) for name in table.columns)
    return different >= DIVERSE * len(keys) and most >= NAMES_ROWS * different


def _exchanged(
    tables: Mapping[str, pd.DataFrame], parts: Mapping[str, Part], chance: np.random.Generator
) -> Iterator[dict[str, Keys]]:
    """Yield keys of rows whose second half comes from another row of the same class."""
    width = tables["training"].shape[1]
    for cut in sorted({round(share * width) for share in CUTS} - {0, width}):
        made = {}
        for name, table in tables.items():
            others = table.iloc[_others(parts[name].targets, chance), cut:].reset_index(drop=True)
            made[name] = pd.concat([table.iloc[:, :cut], others], axis=1)
        yield _keys(made)


def _others(targets: Tensor, chance: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return for each row another random row, of the same class if targets are classes."""
    if targets.is_floating_point():
        return chance.permutation(len(targets))
    of_class = targets.numpy()
    found = np.empty(len(targets), dtype=np.int64)
    found[np.argsort(of_class, kind="stable")] = np.lexsort((chance.random(len(targets)), of_class))
    return found
