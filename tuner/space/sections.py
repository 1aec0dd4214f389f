"""The sections of a space file: their keys, defaults and allowed values, and where no hole may stand."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.config import STUDY_SECTIONS, Loader, Precision, is_whole
from tuner.goal import Scope
from tuner.settings import seconds
from tuner.space.validators import (
    LONGEST_NAME,
    Rule,
    is_clip,
    is_confirm,
    is_decay,
    is_direction,
    is_early_stop,
    is_label,
    is_list,
    is_mapping,
    is_name,
    is_own,
    is_part,
    is_rates,
    is_resources,
    is_stop,
    is_text,
    is_warm_start,
)

REQUIRED = object()
"""The default of a key or section that must be given."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section: `wants` completes the sentence `... must be`."""

    default: Any
    wants: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Section:
    """A top-level mapping.

    `open` takes any further key as an argument of the class that `type` names; `listed` may be a list
    of such mappings too.
    """

    keys: Mapping[str, Key]
    default: Any = REQUIRED
    open: bool = False
    closed: str = ""
    listed: bool = False

    @property
    def required(self) -> bool:
        """Whether a file without it is no space."""
        return self.default is REQUIRED


def _either_none(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


def _whole(default: int, low: int) -> Key:
    return Key(default, f"a whole number of at least {low}", lambda value: is_whole(value) and value >= low)


def _known(low: int) -> Key:
    return Key(None, f"a whole number of at least {low}", _either_none(lambda value: is_whole(value) and value >= low))


_RATES = Key(
    None,
    "pairs of an epoch, rising from 1, and the learning rate from it, [[1, 0.1], [9, 0.01]]",
    _either_none(is_rates),
)


def _duration(default: str | None) -> Key:
    def rule(value: Any) -> bool:
        return seconds(value) is not None or (value is None and default is None)

    return Key(default, "a duration such as 90s, 10m or 1h30m", rule)


def _one_of(default: str | None, kinds: type[enum.Enum]) -> Key:
    words = [kind.value for kind in kinds]
    return Key(default, " or ".join(words), lambda value: value in words or (value is None and default is None))


SPLITS = "it decides the splits, which all trials share"
PART = "a share between 0 and 1, or a number of rows"
TYPE = Key(REQUIRED, "the name of a class", is_text)
OPEN = ("data.batch_size", "data.transforms", "data.tokenizer")
"""Where holes may stand, and inside of it, although the section is closed to them."""

SECTIONS: Mapping[str, Section] = {
    "provenance": Section(
        {"seed": _known(0), "epoch": _known(1), "threads": _known(1), "lanes": _known(1), "rates": _RATES},
        default=None,
        open=True,
        closed="it records where a config came from",
    ),
    "study": Section(
        {
            "name": Key(None, f"a name of at most {LONGEST_NAME} characters", _either_none(is_name)),
            "seed": _whole(0, 0),
        },
        default={},
        closed="a study has one name and one seed",
    ),
    "search": Section(
        {
            "trials": _whole(20, 1),
            "timeout": _duration(None),
            "sampler": Key({"type": "TPESampler"}, "an Optuna sampler", lambda value: True),
            "pruner": Key({"type": "HyperbandPruner"}, "an Optuna pruner", lambda value: True),
            "retries": _whole(3, 0),
            "max_failures": _whole(10, 1),
            "checkpoint_interval": _duration("10s"),
            "trial_timeout": _duration(None),
            "trial_limit": _duration(None),
            "keep": _whole(3, 0),
            "resources": Key(
                {"cpu": 1, "gpu": 0}, "{cpu: a number, gpu: a number or a fraction}, of each Ray worker", is_resources
            ),
            "stop": Key(None, "{target: a value, patience: a number of trials}, or one of them", _either_none(is_stop)),
            "confirm": Key(
                None, "{top: candidates, seeds: at least 2, splits: true or false}", _either_none(is_confirm)
            ),
            "enqueue": Key([], "a list of mappings from parameter names to values", lambda value: True),
            "warm_start": Key(
                None,
                "{study: a name, storage: its database, top: trials}, "
                "or {file: an exported config}, with {outside: refuse or clip}",
                _either_none(is_warm_start),
            ),
        },
        default={},
        closed="a search does not tune itself",
    ),
    "objective": Section(
        {
            "metric": Key(None, "the name of a metric", _either_none(is_text)),
            "direction": Key(None, "minimize or maximize", _either_none(is_direction)),
            "metrics": Key(None, "a list of metrics", _either_none(is_list)),
            "directions": Key(None, "a list of directions", _either_none(is_list)),
            "scope": Key("best", "best or last", lambda value: value in [item.value for item in Scope]),
            "constraints": Key(None, "a mapping from metrics to {min, max}", _either_none(is_mapping)),
            "positive": Key(None, "the label of a class", _either_none(is_label)),
            "function": Key(None, "file.py:function or package.module:function", _either_none(is_own)),
        },
        default={},
        closed="trials are compared by it",
    ),
    "data": Section(
        {
            "type": Key(REQUIRED, "the name of a dataset", is_text),
            "valid": Key(0.2, PART, is_part),
            "test": Key(None, PART, _either_none(is_part)),
            "batch_size": _whole(64, 1),
            "transforms": Key([], "a list of transforms of torchvision.transforms.v2", is_list),
            "tokenizer": Key(
                None, "a mapping, such as {type: word, vocab: 10000, length: 128}", _either_none(is_mapping)
            ),
            "loader": _one_of(None, Loader),
        },
        open=True,
        closed=SPLITS,
    ),
    "model": Section({"type": TYPE}, open=True),
    "loss": Section({"type": TYPE}, default=None, open=True),
    "optimizer": Section({"type": TYPE}, open=True),
    "scheduler": Section({"type": TYPE}, default=None, open=True, listed=True),
    "training": Section(
        {
            "epochs": _whole(10, 1),
            "accumulate": _whole(1, 1),
            "precision": _one_of("fp32", Precision),
            "clip": Key(None, "a norm above 0, {norm: ...} or {value: ...}", _either_none(is_clip)),
            "ema": Key(None, "a decay between 0 and 1, such as 0.999", _either_none(is_decay)),
            "early_stop": Key(None, "{patience: epochs, min_delta: a number}", _either_none(is_early_stop)),
            "class_weights": Key(None, "balanced", _either_none(lambda value: value == "balanced")),
        },
        default={},
    ),
}

OWN_SECTIONS: Mapping[str, Section] = {
    **{name: SECTIONS[name] for name in STUDY_SECTIONS},
    "training": Section({"epochs": SECTIONS["training"].keys["epochs"]}, default={}, open=True),
}
"""The sections beside a function of one's own: any other is the function's, and may hold anything."""
