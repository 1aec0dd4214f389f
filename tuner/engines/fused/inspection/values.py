"""Values that a walk ends at, and objects of Python and torch that hide what they hold."""

from __future__ import annotations

import functools
import hashlib
import logging
import threading
import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from io import IOBase
from types import CellType, GeneratorType, MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tuner.data.rows import as_bytes

PLAIN = frozenset({int, float, complex, str, bytes, bool, type(None), type(Ellipsis), range, torch.dtype, torch.device})
"""Types whose values have an exact text."""

LONG = 200
"""Characters of a text that is kept as it is."""


def is_plain(value: Any) -> bool:
    """Return whether a value has an exact text and cannot change."""
    kind = type(value)
    return kind in PLAIN or (kind in (tuple, torch.Size, frozenset) and all(map(is_plain, value)))


def text_of(value: Any) -> str:
    """Return a text that no other plain value has, or its digest; a set has one whatever its order."""
    text = str(sorted(map(repr, value))) if isinstance(value, set | frozenset) else repr(value)
    return f"{type(value).__name__} {text if len(text) <= LONG else digest(text.encode())}"


def digest(content: bytes) -> str:
    """Return a short text for content of any length."""
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def numbers(array: Tensor | np.ndarray[Any, Any]) -> str:
    """Return a text of an array's type, shape and numbers.

    Raises:
        Exception: it has none, as under `torch.vmap` or on torch's device `meta`.
    """
    if isinstance(array, Tensor):
        facts = f"{array.dtype} {tuple(array.shape)} {array.device} {array.requires_grad}"
        return f"{facts} {digest(as_bytes(array).tobytes())}"
    return f"{array.dtype} {array.shape} {digest(np.ascontiguousarray(array).tobytes())}"


def slots_of(cls: type) -> list[str]:
    """Return the names of all slots of a class, as attributes are found by."""
    return [
        f"_{base.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
        for base in cls.__mro__
        for slots in [vars(base).get("__slots__", ())]
        for name in ([slots] if isinstance(slots, str) else slots)
    ]


def _generator(value: Any) -> Mapping[str, Any]:
    frame = value.gi_frame
    return {} if frame is None else {".__at__": frame.f_lasti, ".__holds__": dict(frame.f_locals)}


def _cached(value: Any) -> Mapping[str, Any]:
    known = value.cache_info()
    return {"": value.__wrapped__, ".__cache__": (known.misses, known.currsize)}


READERS: Mapping[Any, Callable[[Any], Mapping[str, Any]]] = {
    CellType: lambda cell: {"": cell.cell_contents},
    property: lambda found: {".__get__": found.fget, ".__set__": found.fset},
    (staticmethod, classmethod): lambda function: {"": function.__func__},
    functools.cached_property: lambda function: {"": function.func},
    functools._lru_cache_wrapper: _cached,
    GeneratorType: _generator,
    weakref.ref: lambda reference: {"": reference()},
    threading.local: lambda local: {"": vars(local)},
    ContextVar: lambda variable: {"": variable.get()},
    MappingProxyType: lambda proxy: {"": dict(proxy)},
    IOBase: lambda file: {".__position__": file.closed or file.tell()},
    torch.Generator: lambda generator: {"": generator.get_state()},
    logging.Logger: lambda logger: {".__name__": logger.name},
}
"""By the type what an object holds; "" is all of it."""
