"""Contents: what a model and its code hold besides parameters and buffers, to be compared and put back.

A lane has parameters, buffers and noise of its own. All else is there once for all lanes: attributes, globals,
closures, generators. A model that changes any of it as it trains would train something else in a lane than alone.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tuner.config import Config
from tuner.engines.fused.functional_call import names_of
from tuner.engines.fused.inspection.parts import Findings, Scope, place_of
from tuner.engines.fused.inspection.undo import Way, undo
from tuner.engines.fused.inspection.values import digest
from tuner.engines.fused.inspection.walk import Walk
from tuner.runtime import user_code
from tuner.torch_internals import hooks_for_all_modules

MODEL = "self"
"""What messages call a model, as its own code does."""

SHOWN = 3
"""Places that a message names."""

_HIDDEN = re.compile(r"\.__\w+__.*")
"""What a walk adds to the name that people know."""

_ORDER = re.compile(r"\.__order\w*__$")
"""What it adds for the keys of a mapping."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Texts of what is held, by place; `hidden` are places that cannot be looked into."""

    texts: dict[str, str]
    hidden: tuple[str, ...]

    def changed(self, later: Contents) -> str:
        """Return the names of the places that changed, as a message lists them; empty if none did."""
        places = self.texts.keys() | later.texts.keys()
        return _named(place for place in places if self.texts.get(place) != later.texts.get(place))

    @property
    def unseen(self) -> str:
        """The names of the places that cannot be looked into, as a message lists them."""
        return _named(self.hidden)

    @property
    def digest(self) -> str:
        """A text that other contents do not have."""
        return digest(repr(sorted(self.texts.items())).encode())


@dataclass(frozen=True, slots=True)
class Source:
    """Where models come from. `constructor` is user code, else None; `package` is the package that it is in."""

    constructor: Any = None
    package: str = ""

    @classmethod
    def of(cls, config: Config) -> Source:
        """Return where a config's model comes from.

        Raises:
            BuildError: its code is not there, or fails when imported.
        """
        if not user_code.is_own(config.model.type):
            return cls()
        constructor = user_code.load(config.model.type, config.base, "model.type")
        return cls(constructor, (getattr(constructor, "__module__", None) or "").partition(".")[0])

    def model(self, model: nn.Module, weights: Sequence[tuple[str, Tensor]]) -> Contents:
        """Return what a model holds, its code, and all that any code shares: generators, the environment, settings.

        `weights` are its parameters and buffers, as they were: another tensor in the place of one is a change.
        """
        roots = [(MODEL, model), *self._roots(), *_everyones()]
        homes, names = frozenset(map(id, model.modules())), {id(tensor): name for name, tensor in weights}
        return _looked(Walk(Scope(homes, names, package=self.package)).through(roots))

    def template(self, model: nn.Module) -> Contents:
        """Return what a model and its code hold where its parameters and buffers are other tensors at each call."""
        scope = Scope(frozenset(map(id, model.modules())), package=self.package)
        return _looked(Walk(scope).through([(MODEL, model), *self._roots()]))

    def code(self) -> tuple[Contents, Way]:
        """Return what the code of all models holds, and the way back to it."""
        found = Walk(Scope(package=self.package)).through(self._roots())
        return _looked(found), undo(found.holders)

    def _roots(self) -> list[tuple[str, Any]]:
        return [] if self.constructor is None else [(place_of(self.constructor), self.constructor)]


def attributes_of(model: nn.Module, ignored: frozenset[tuple[int, str]]) -> Contents:
    """Return what a model holds besides its weights' numbers, without its code; two models can be compared by it.

    Args:
        model: with parameters and buffers that count by name, shape and type.
        ignored: (id of a module, attribute) that may differ.
    """
    homes = frozenset(map(id, model.modules()))
    return _looked(Walk(Scope(homes, names_of(model), ignored, follows_code=False)).through([(MODEL, model)]))


def _looked(found: Findings) -> Contents:
    return Contents(found.texts, tuple(found.hidden))


def _named(places: Iterable[str]) -> str:
    """Return a few of the places for a message, without those inside another."""
    found = {_HIDDEN.sub("", place): bool(_ORDER.search(place)) for place in sorted(places)}
    keys = {name for name, is_order in found.items() if is_order}  # what keys are for says more than that they changed
    known = {name for name in found if name not in keys or not any(o != name and o.startswith(name) for o in found)}
    names = sorted(known, key=lambda name: (len(name), name))
    outer: list[str] = []
    for name in names:
        if not any(name.startswith(known) and name[len(known)] in ".['" for known in outer):
            outer.append(name)
    return ", ".join(outer[:SHOWN]) + (f" and {len(outer) - SHOWN} more" if len(outer) > SHOWN else "")


def _everyones() -> list[tuple[str, Any]]:
    """Return the state that the code of any model may change."""
    kind, state, *rest = np.random.get_state()
    return [
        ("the state of Python's random", random.getstate()),
        ("the state of numpy.random", (kind, np.asarray(state).tobytes(), *rest)),
        ("os.environ", dict(os.environ)),
        ("torch's settings", (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads())),
        ("torch's hooks for all modules", hooks_for_all_modules()),
    ]
