"""The walk: from a few objects to all that they hold, down to values that can be compared."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
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

MOST = 200_000
"""Objects that a walk visits at most; to compare more would take longer than what fusing gains."""

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
class Walk:
    """What was found: a text for each place, places that hide what they hold, and every object that can change."""

    scope: Scope
    texts: dict[str, str] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    holders: list[Any] = field(default_factory=list)
    _places: dict[int, str] = field(default_factory=dict)
    _alive: list[Any] = field(default_factory=list)

    def through(self, roots: Sequence[tuple[str, Any]]) -> Walk:
        """Visit all that can be reached from some objects, each by the place that it is called by."""
        waiting = list(reversed(roots))
        while waiting:
            place, value = waiting.pop()
            if len(self._alive) > MOST:
                self.hidden.append(place)
                break
            try:
                waiting += reversed(list(self._visit(place, value)))
            except Exception:  # objects may refuse to be looked at in any way
                self.hidden.append(place)
        return self

    def _visit(self, place: str, value: Any) -> Parts:
        if is_plain(value):
            self.texts[place] = text_of(value)
        elif id(value) in self._places:
            if self._places[id(value)] != place:  # attributes come again in what an object would be pickled as
                self.texts[place] = f"as {self._places[id(value)]}"
        else:
            self._places[id(value)] = place
            self._alive.append(value)  # or its id would come again
            self.texts[place] = _name_of(type(value))
            yield from self._inside(value)(place, value)

    def _inside(self, value: Any) -> Callable[[str, Any], Parts]:
        match value:
            case Tensor() | np.ndarray():
                return self._array
            case nn.Module():
                return self._module
            case type():
                return self._class
            case ModuleType():
                return self._namespace
            case FunctionType():
                return self._function
            case dict():
                return self._dict
            case list() | tuple() | set() | frozenset() | deque():
                return self._items
        return self._object

    def _array(self, place: str, value: Any) -> Parts:
        self.holders.append(value)
        if isinstance(value, np.ndarray) and value.dtype.hasobject:
            yield f"{place}.__items__", value.ravel().tolist()
        else:
            self.texts[place] = numbers(value)
        if isinstance(value, Tensor):
            yield from _attributes(place, vars(value))

    def _module(self, place: str, module: nn.Module) -> Parts:
        held = vars(module)
        self.holders.append(held)
        is_home = id(module) in self.scope.homes
        for name, value in held.items():
            if name in (PARAMETERS, BUFFERS, LAYERS):
                self.texts[f"{place}.__order_{name}__"] = str(list(value))
                for key, each in value.items():
                    is_weight = is_home and isinstance(each, Tensor)
                    yield from self._weight(f"{place}.{key}", each) if is_weight else [(f"{place}.{key}", each)]
            elif name in HOOKS:
                yield f"{place}.{name}", list(value.values())
            elif (id(module), name) not in self.scope.ignored:
                yield f"{place}.{name}", value
        yield from self._class_of(module)

    def _weight(self, place: str, tensor: Tensor) -> Parts:
        if self.scope.weights is None:
            self.texts[place] = "a weight"
            return
        name = self.scope.weights.get(id(tensor), "replaced")
        self.texts[place] = f"{name} {tuple(tensor.shape)} {tensor.dtype} {tensor.requires_grad}"
        yield from _attributes(place, vars(tensor))

    def _class_of(self, value: Any) -> Parts:
        is_seen = self._is_users(type(value)) or isinstance(value, nn.Module)
        return iter([(place_of(type(value)), type(value))] if is_seen else [])

    def _class(self, place: str, cls: type) -> Parts:
        self.texts[place] = _name_of(cls)
        is_users = self._is_users(cls)
        if not self.scope.follows_code and (not is_users or code.is_found_by_name(cls)):
            return
        if not is_users:
            yield from self._library(place, cls)
            return
        self.holders.append(cls)
        yield from ((f"{place}.{name}", value) for name, value in vars(cls).items() if name not in UNSEEN)
        yield from ((place_of(base), base) for base in (*cls.__bases__, type(cls)))
        yield from self._module_of(cls.__module__)

    def _library(self, place: str, cls: type) -> Parts:
        """The values of a layer's class; nothing else of a library is for user code to change."""
        if issubclass(cls, nn.Module):
            self.holders.append(cls)
            yield from ((f"{place}.{name}", value) for name, value in vars(cls).items() if is_plain(value))

    def _module_of(self, name: str) -> Parts:
        if not code.has_many_purposes(name) and name in sys.modules:
            yield code.title_of(name), sys.modules[name]

    def _namespace(self, place: str, module: ModuleType) -> Parts:
        name = module.__name__
        self.texts[place] = name
        if self.scope.follows_code and code.is_users(name, self.scope.package) and not code.has_many_purposes(name):
            held = vars(module)
            self.holders.append(held)
            title = code.title_of(name)
            yield from ((f"{title}: {key}", value) for key, value in held.items() if not key.startswith("__"))

    def _function(self, place: str, function: FunctionType) -> Parts:
        home = function.__module__ or ""
        is_made = code.is_made(function)
        is_users = is_made or code.is_users(home, self.scope.package)
        digested = code.digest_of(function.__code__) if is_users else ""
        self.texts[place] = f"{home}.{function.__qualname__} {digested}"
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
            self.holders.append(vars(function))
            yield from _attributes(place, vars(function))
        if is_users and self.scope.follows_code:
            yield from self._module_of(home)
        if is_made or (is_users and self.scope.follows_code and code.has_many_purposes(home)):
            title = f"{place}'s" if is_made else f"{code.title_of(home)}:"
            yield from ((f"{title} {name}", value) for name, value in code.globals_of(function))

    def _dict(self, place: str, value: dict[Any, Any]) -> Parts:
        self.holders.append(value)
        keys = list(value)
        self.texts[f"{place}.__order__"] = f"{[text_of(key) for key in keys if is_plain(key)]} of {len(keys)}"
        for number, key in enumerate(keys):
            if not is_plain(key):
                yield f"{place}.__key{number}__", key
            yield f"{place}[{key!r}]" if is_plain(key) else f"{place}[{number}]", value[key]
        yield from self._besides(place, value)

    def _items(self, place: str, value: Any) -> Parts:
        self.holders.append(value)
        if all(map(is_plain, value)):
            self.texts[place] += f" {text_of(value)}"
        else:
            self.texts[place] += f" of {len(value)}"
            yield from ((f"{place}[{number}]", each) for number, each in enumerate(value))
        yield from self._besides(place, value)

    def _besides(self, place: str, value: Any) -> Parts:
        """What an object of a subclass holds besides what the class is for."""
        if type(value).__module__ not in ("builtins", "collections"):
            yield from self._own(place, value)

    def _own(self, place: str, value: Any) -> Parts:
        """The attributes and slots of an object, and its class."""
        held = getattr(value, "__dict__", {})
        self.holders.append(held)
        yield from _attributes(place, held)
        slots = [name for name in slots_of(type(value)) if hasattr(value, name)]
        yield from ((f"{place}.{name}", getattr(value, name)) for name in slots)
        yield from self._class_of(value)

    def _object(self, place: str, value: Any) -> Parts:
        self.holders.append(value)
        for kinds, read in READERS.items():
            if isinstance(value, kinds):
                yield from ((place + suffix, each) for suffix, each in _read(read, value).items())
                return
        if isinstance(value, MethodType):
            yield from ((f"{place}.__self__", value.__self__), (place, value.__func__))
            return
        is_users = self._is_users(type(value))
        if is_users:
            yield from self._own(place, value)
        try:
            with catch_warnings():
                simplefilter("ignore")  # of itertools, which will lose this
                reduced = value.__reduce_ex__(4)
        except Exception:  # what cannot be pickled says so in many ways
            yield from () if is_users else self._without_pickle(place, value)
            return
        yield from self._reduced(place, reduced)

    def _reduced(self, place: str, reduced: Any) -> Parts:
        """What an object would be pickled as."""
        if isinstance(reduced, str):
            self.texts[place] += f" {reduced}"
            return
        function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        for part in state if isinstance(state, tuple) and len(state) == 2 else (state,):
            yield from _attributes(place, part) if isinstance(part, dict) else [(f"{place}.__state__", part)]
        for name, part in {"by": function, "of": arguments, "items": items, "pairs": pairs}.items():
            yield f"{place}.__{name}__", list(part) if name in ("items", "pairs") and part is not None else part

    def _without_pickle(self, place: str, value: Any) -> Parts:
        if hasattr(value, "__next__"):
            self.hidden.append(place)
        elif hasattr(value, "__dict__"):
            yield from self._own(place, value)
        elif hasattr(value, "__len__"):
            self.texts[place] += f" {digest(bytes(memoryview(value)))}"

    def _is_users(self, cls: type) -> bool:
        return code.is_users(cls.__module__ or "", self.scope.package)


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


def _name_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
