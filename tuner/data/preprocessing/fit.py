"""Preprocessing from raw rows to a model's inputs: fitted on the training rows, stored with the model.

`Columns` takes tables, `Tokens` takes texts and `Numbers` takes tensors. Token ids of the user stay unchanged.
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
    """Pass token ids, int64 (N, L), unchanged."""

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size

    def __call__(self, ids: Tensor) -> Tensor:
        """Return the same ids, int64 (N, L)."""
        return ids.long()


Preprocessor: TypeAlias = Numbers | Columns | Tokens | Ids


def fit(data: Data, source: Source, train: Inputs) -> Preprocessor:
    """Fit the preprocessing on the training rows alone.

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
    """Yield raw rows in chunks, so that lazy rows are never all in memory."""
    if isinstance(inputs, Tensor):
        yield from chunks_of(inputs)
    else:
        yield from read_in_order(inputs)
