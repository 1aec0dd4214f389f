"""Undo: what objects hold at one moment, and the way back to it."""

from __future__ import annotations

import contextlib
import copy
import random
from collections import deque
from collections.abc import Callable, MutableMapping, Sequence
from types import CellType
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from tuner.engines.fused.inspection.values import slots_of

Way: TypeAlias = Callable[[], None]
"""Puts something back."""

LARGEST = 2**24
"""Bytes of an array that is copied; larger ones are not put back."""


def undo(holders: Sequence[Any]) -> Way:
    """Return the way back to what some objects hold now, each for itself and not for what it holds.

    Args:
        holders: mappings, lists, sets, classes, cells, arrays, generators, objects with slots; others stay as they are.
    """
    ways = [way for holder in holders if (way := _way(holder)) is not None]

    def back() -> None:
        for way in ways:
            way()

    return back


def _way(holder: Any) -> Way | None:
    match holder:
        case MutableMapping():
            return _mapping(holder)
        case list() | deque():
            return _sequence(holder)
        case set():
            return _set(holder)
        case type():
            return _class(holder)
        case CellType():
            return _cell(holder)
        case Tensor() | np.ndarray():
            return _array(holder) if holder.nbytes <= LARGEST else None
        case random.Random():
            drawn = holder.getstate()
            return lambda: holder.setstate(drawn)
        case torch.Generator():
            return _torch(holder)
        case np.random.Generator() | np.random.RandomState():
            return _numpy(holder)
    return _slots(holder)


def _mapping(holder: MutableMapping[Any, Any]) -> Way:
    kept = {key: copy.copy(value) if _counts(value) else value for key, value in holder.items()}

    def back() -> None:
        if list(holder) != list(kept) and isinstance(holder, dict):  # their order may be what counts
            holder.clear()
        for key in [key for key in holder if key not in kept]:
            del holder[key]
        for key, value in kept.items():
            if key not in holder or holder[key] is not value:
                holder[key] = value

    return back


def _counts(value: Any) -> bool:
    """Return whether a value is an iterator of itertools, which can be copied but not put back."""
    return type(value).__module__ == "itertools"


def _sequence(holder: list[Any] | deque[Any]) -> Way:
    kept = list(holder)

    def back() -> None:
        holder.clear()
        holder.extend(kept)

    return back


def _set(holder: set[Any]) -> Way:
    kept = set(holder)

    def back() -> None:
        holder.clear()
        holder.update(kept)

    return back


def _class(holder: type) -> Way:
    kept = dict(vars(holder))

    def back() -> None:
        for name in vars(holder).keys() - kept.keys():
            delattr(holder, name)
        for name, value in kept.items():
            if vars(holder).get(name) is not value:
                setattr(holder, name, value)

    return back


def _cell(holder: CellType) -> Way | None:
    try:
        kept = holder.cell_contents
    except ValueError:  # it is empty
        return None

    def back() -> None:
        holder.cell_contents = kept

    return back


def _array(holder: Any) -> Way:
    kept = holder.detach().clone() if isinstance(holder, Tensor) else holder.copy()

    def back() -> None:
        if isinstance(holder, Tensor):
            holder.data.copy_(kept)
        elif holder.flags.writeable:
            holder[...] = kept

    return back


def _torch(holder: torch.Generator) -> Way:
    kept = holder.get_state()

    def back() -> None:
        holder.set_state(kept)

    return back


def _numpy(holder: Any) -> Way:
    is_old = isinstance(holder, np.random.RandomState)
    kept = holder.get_state() if is_old else holder.bit_generator.state

    def back() -> None:
        if is_old:
            holder.set_state(kept)
        else:
            holder.bit_generator.state = kept

    return back


def _slots(holder: Any) -> Way | None:
    names = [
        name for name in slots_of(type(holder)) if name not in ("__dict__", "__weakref__") and hasattr(holder, name)
    ]
    kept = {name: getattr(holder, name) for name in names}

    def back() -> None:
        for name, value in kept.items():
            with contextlib.suppress(AttributeError):  # a frozen one has not changed
                if getattr(holder, name) is not value:
                    setattr(holder, name, value)

    return back if kept else None
