"""What turns raw rows into what a model takes: fitted on the training rows, kept with the model.

A table goes through `Columns`, texts through `Tokens`, tensors through `Numbers`, and token ids that
somebody else has made stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from torch import Tensor

from tuner.config import Data
from tuner.data.preprocessing.columns import Columns
from tuner.data.preprocessing.standardize import chunks_of
from tuner.data.preprocessing.tensors import Numbers
from tuner.data.preprocessing.tokenizer import Tokens
from tuner.data.rows import Inputs, Source
from tuner.data.streaming import read_in_order
from tuner.errors import BuildError

FILE = "preprocessing.json"


class Ids:
    """Token ids, int64 (N, L), as they are."""

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size

    def __call__(self, ids: Tensor) -> Tensor:
        """The same ids, int64 (N, L)."""
        return ids.long()


Preprocessor: TypeAlias = Numbers | Columns | Tokens | Ids


def fit(data: Data, source: Source, train: Inputs) -> Preprocessor:
    """Measure the training rows alone.

    Raises:
        BuildError: the transforms or the tokenizer are not for such data, or fail on them.
    """
    texts = isinstance(train, np.ndarray)
    images = not texts and not isinstance(train, pd.DataFrame) and source.vocab_size is None
    if data.tokenizer is not None and not texts:
        raise BuildError("data.tokenizer", f"it is for text, and {data.source.type} is none: drop it")
    if data.transforms and not images:
        raise BuildError("data.transforms", f"they are for images, and {data.source.type} has none: drop them")
    if isinstance(train, pd.DataFrame):
        return Columns.fit(train, source.units)
    if isinstance(train, np.ndarray):
        return Tokens.fit(train, data.tokenizer)
    if source.vocab_size is not None:
        return Ids(source.vocab_size)
    return Numbers.fit(data.transforms, _chunks(train), source.white)


def save(preprocessor: Preprocessor, folder: Path) -> None:
    """Write a preprocessor into a run folder, without a pickle."""
    facts: dict[str, Any]
    match preprocessor:
        case Columns():
            facts = {"kind": "columns", **preprocessor.save(folder)}
        case Tokens():
            facts = {"kind": "tokens", **preprocessor.save(folder)}
        case Ids():
            facts = {"kind": "ids", "vocab_size": preprocessor.vocab_size}
        case Numbers():
            facts = {"kind": "numbers", **preprocessor.facts()}
    (folder / FILE).write_text(json.dumps(facts, indent=2))


def load(folder: Path) -> Preprocessor:
    """Read what `save` wrote.

    Raises:
        FileNotFoundError: it is not there.
    """
    facts = json.loads((folder / FILE).read_text())
    match facts.pop("kind"):
        case "columns":
            return Columns.load(folder, facts)
        case "tokens":
            return Tokens.load(folder)
        case "ids":
            return Ids(facts["vocab_size"])
        case _:
            return Numbers.of(facts)


def _chunks(inputs: Any) -> Iterable[Tensor]:
    """Raw rows in chunks; those that are read when they are asked for are not all in memory at once."""
    if isinstance(inputs, Tensor):
        yield from chunks_of(inputs)
    else:
        yield from read_in_order(inputs)
