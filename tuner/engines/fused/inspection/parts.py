"""Parts: what an object holds, and the text that it can be compared by, for each kind of object."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType, MethodType, ModuleType
from typing import Any, TypeAlias
from warnings import catch_warnings, simplefilter

import numpy as np
from torch import Tensor, nn

from tuner.engines.fused.inspection import code
from tuner.engines.fused.inspection.values import READERS, digest, is_plain, numbers, slots_of, text_of
from tuner.torch_internals import BUFFERS, LAYERS, PARAMETERS

Parts: TypeAlias = Iterator[tuple[str, Any]]
"""Places, and the objects there."""

HOOKS = frozenset(name for name in vars(nn.Module()) if "hooks" in name)
"""Attributes of a module that hold functions by a number, which is another in each model."""

UNSEEN = frozenset({"__dict__", "__weakref__", "__doc__", "__module__", "_abc_impl", "__slotnames__"})
"""Attributes of a class that hold no state, or hold it in another place."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a walk goes, and what it takes as it is.

    Args:
        homes: ids of modules whose parameters and buffers count by their names, and not by their numbers.
        weights: by id what such a tensor is called; another tensor is a change. None is any tensor.
        ignored: (id of a module, attribute) that is not looked at.
        follows_code: whether to go on to classes and globals of user code.
        package: an installed package that counts as user code.
    """

    homes: frozenset[int] = frozenset()
    weights: Mapping[int, str] | None = None
    ignored: frozenset[tuple[int, str]] = frozenset()
    follows_code: bool = True
    package: str = ""


@dataclass(slots=True)
class Findings:
    """The result of a walk: a text for each place, hidden places, and every object that can change."""

    scope: Scope
    texts: dict[str, str] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    holders: list[Any] = field(default_factory=list)


def parts_of(found: Findings, place: str, value: Any) -> Parts:
    """Yield what an object holds, each with its place, and add to the findings what it is itself.

    Args:
        found: so far.
        place: that the object is called by.
        value: the object, which is no plain value.
    """
    return _reader_of(value)(found, place, value)


def _reader_of(value: Any) -> Callable[[Findings, str, Any], Parts]:
    match value:
        case Tensor() | np.ndarray():
            return _array
        case nn.Module():
            return _module
        case type():
            return _class
        case ModuleType():
            return _namespace
        case FunctionType():
            return _function
        case dict():
            return _dict
        case list() | tuple() | set() | frozenset() | deque():
            return _items
    return _object


def _array(found: Findings, place: str, value: Any) -> Parts:
    found.holders.append(value)
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        yield f"{place}.__items__", value.ravel().tolist()
    else:
        found.texts[place] = numbers(value)
    if isinstance(value, Tensor):
        yield from _attributes(place, vars(value))


def _module(found: Findings, place: str, module: nn.Module) -> Parts:
    held = vars(module)
    found.holders.append(held)
    is_home = id(module) in found.scope.homes
    for name, value in held.items():
        if name in (PARAMETERS, BUFFERS, LAYERS):
            found.texts[f"{place}.__order_{name}__"] = str(list(value))
            for key, each in value.items():
                is_weight = is_home and isinstance(each, Tensor)
                yield from _weight(found, f"{place}.{key}", each) if is_weight else [(f"{place}.{key}", each)]
        elif name in HOOKS:
            yield f"{place}.{name}", list(value.values())
        elif (id(module), name) not in found.scope.ignored:
            yield f"{place}.{name}", value
    yield from _class_of(found, module)


def _weight(found: Findings, place: str, tensor: Tensor) -> Parts:
    if found.scope.weights is None:
        found.texts[place] = "a weight"
        return
    name = found.scope.weights.get(id(tensor), "replaced")
    found.texts[place] = f"{name} {tuple(tensor.shape)} {tensor.dtype} {tensor.requires_grad}"
    yield from _attributes(place, vars(tensor))


def _class_of(found: Findings, value: Any) -> Parts:
    is_seen = _is_users(found, type(value)) or isinstance(value, nn.Module)
    return iter([(place_of(type(value)), type(value))] if is_seen else [])


def _class(found: Findings, place: str, cls: type) -> Parts:
    found.texts[place] = name_of(cls)
    is_users = _is_users(found, cls)
    if not found.scope.follows_code and (not is_users or code.is_found_by_name(cls)):
        return
    if not is_users:
        yield from _library(found, place, cls)
        return
    found.holders.append(cls)
    yield from ((f"{place}.{name}", value) for name, value in vars(cls).items() if name not in UNSEEN)
    yield from ((place_of(base), base) for base in (*cls.__bases__, type(cls)))
    yield from _module_of(found, cls.__module__)


def _library(found: Findings, place: str, cls: type) -> Parts:
    """Yield the values of a layer's class; user code changes nothing else of a library."""
    if issubclass(cls, nn.Module):
        found.holders.append(cls)
        yield from ((f"{place}.{name}", value) for name, value in vars(cls).items() if is_plain(value))


def _module_of(found: Findings, name: str) -> Parts:
    if not code.has_many_purposes(name) and name in sys.modules:
        yield code.title_of(name), sys.modules[name]


def _namespace(found: Findings, place: str, module: ModuleType) -> Parts:
    name = module.__name__
    found.texts[place] = name
    if found.scope.follows_code and code.is_users(name, found.scope.package) and not code.has_many_purposes(name):
        held = vars(module)
        found.holders.append(held)
        title = code.title_of(name)
        yield from ((f"{title}: {key}", value) for key, value in held.items() if not key.startswith("__"))


def _function(found: Findings, place: str, function: FunctionType) -> Parts:
    home = function.__module__ or ""
    is_made = code.is_made(function)
    is_users = is_made or code.is_users(home, found.scope.package)
    digested = code.digest_of(function.__code__) if is_users else ""
    found.texts[place] = f"{home}.{function.__qualname__} {digested}"
    inner = function.__code__
    names = inner.co_varnames[: inner.co_argcount]
    defaults = function.__defaults__ or ()
    for named in (
        zip(inner.co_freevars, function.__closure__ or (), strict=True),
        zip(names[len(names) - len(defaults) :], defaults, strict=True),
        (function.__kwdefaults__ or {}).items(),
    ):
        yield from ((f"{place}'s {name}", value) for name, value in named)
    if is_users:
        found.holders.append(vars(function))
        yield from _attributes(place, vars(function))
    if is_users and found.scope.follows_code:
        yield from _module_of(found, home)
    if is_made or (is_users and found.scope.follows_code and code.has_many_purposes(home)):
        title = f"{place}'s" if is_made else f"{code.title_of(home)}:"
        yield from ((f"{title} {name}", value) for name, value in code.globals_of(function))


def _dict(found: Findings, place: str, value: dict[Any, Any]) -> Parts:
    found.holders.append(value)
    keys = list(value)
    found.texts[f"{place}.__order__"] = f"{[text_of(key) for key in keys if is_plain(key)]} of {len(keys)}"
    for number, key in enumerate(keys):
        if not is_plain(key):
            yield f"{place}.__key{number}__", key
        yield f"{place}[{key!r}]" if is_plain(key) else f"{place}[{number}]", value[key]
    yield from _besides(found, place, value)


def _items(found: Findings, place: str, value: Any) -> Parts:
    found.holders.append(value)
    if all(map(is_plain, value)):
        found.texts[place] += f" {text_of(value)}"
    else:
        found.texts[place] += f" of {len(value)}"
        yield from ((f"{place}[{number}]", each) for number, each in enumerate(value))
    yield from _besides(found, place, value)


def _besides(found: Findings, place: str, value: Any) -> Parts:
    """Yield the further attributes of an object of a subclass of a container."""
    if type(value).__module__ not in ("builtins", "collections"):
        yield from _own(found, place, value)


def _own(found: Findings, place: str, value: Any) -> Parts:
    """Yield the attributes and slots of an object, and its class."""
    held = getattr(value, "__dict__", {})
    found.holders.append(held)
    yield from _attributes(place, held)
    slots = [name for name in slots_of(type(value)) if hasattr(value, name)]
    yield from ((f"{place}.{name}", getattr(value, name)) for name in slots)
    yield from _class_of(found, value)


def _object(found: Findings, place: str, value: Any) -> Parts:
    found.holders.append(value)
    for kinds, read in READERS.items():
        if isinstance(value, kinds):
            yield from ((place + suffix, each) for suffix, each in _read(read, value).items())
            return
    if isinstance(value, MethodType):
        yield from ((f"{place}.__self__", value.__self__), (place, value.__func__))
        return
    is_users = _is_users(found, type(value))
    if is_users:
        yield from _own(found, place, value)
    try:
        with catch_warnings():
            simplefilter("ignore")  # of itertools, which will lose this
            reduced = value.__reduce_ex__(4)
    except Exception:  # what cannot be pickled says so in many ways
        yield from () if is_users else _without_pickle(found, place, value)
        return
    yield from _reduced(found, place, reduced)


def _reduced(found: Findings, place: str, reduced: Any) -> Parts:
    """Yield the parts of an object's pickle."""
    if isinstance(reduced, str):
        found.texts[place] += f" {reduced}"
        return
    function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    for part in state if isinstance(state, tuple) and len(state) == 2 else (state,):
        yield from _attributes(place, part) if isinstance(part, dict) else [(f"{place}.__state__", part)]
    for name, part in {"by": function, "of": arguments, "items": items, "pairs": pairs}.items():
        yield f"{place}.__{name}__", list(part) if name in ("items", "pairs") and part is not None else part


def _without_pickle(found: Findings, place: str, value: Any) -> Parts:
    if hasattr(value, "__next__"):
        found.hidden.append(place)
    elif hasattr(value, "__dict__"):
        yield from _own(found, place, value)
    elif hasattr(value, "__len__"):
        found.texts[place] += f" {digest(bytes(memoryview(value)))}"


def _is_users(found: Findings, cls: type) -> bool:
    return code.is_users(cls.__module__ or "", found.scope.package)


def _attributes(place: str, held: Mapping[str, Any]) -> Parts:
    return ((f"{place}.{name}", value) for name, value in list(held.items()))


def _read(read: Callable[[Any], Mapping[str, Any]], value: Any) -> Mapping[str, Any]:
    try:
        return read(value)
    except (ValueError, LookupError, OSError):  # an empty cell, a variable without a value, a file that has no place
        return {}


def place_of(named: Any) -> str:
    """Return where a class or function stands in its file."""
    module, name = getattr(named, "__module__", None) or "", getattr(named, "__qualname__", type(named).__qualname__)
    return f"{code.title_of(module)}: {name}"


def name_of(cls: type) -> str:
    """Return the full name of a class."""
    return f"{cls.__module__}.{cls.__qualname__}"
