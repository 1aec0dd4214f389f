"""Texts with one target each, from a CSV or JSON-lines file."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tuner.data import frames, labels
from tuner.data.rows import Rows, Source, Texts
from tuner.errors import DataError


def load(
    *,
    base: str,
    path: str,
    text: str = "text",
    target: str = "target",
    test_path: str | None = None,
    group: str | None = None,
    task: str | None = None,
) -> Source:
    """Read a file of texts.

    Args:
        base: the folder that `path` starts from.
        path: a `.jsonl` file with an object per line, else CSV with a header line.
        text: the column of the text; a row without one is an empty text.
        target: the column to predict; rows without it are left out, and that is said.
        test_path: a file of the same columns that is the test split.
        group: a column whose equal values stay in one split.
        task: `classification` or `regression`; by default it is inferred and said.

    Raises:
        DataError: a file, a column or a value is not as said.
    """
    text, target, group = str(text), str(target), None if group is None else str(group)
    frame, notes = frames.with_target(frames.read(base, path, words=[text]), target, path)
    frames.require(frame, [text] if group is None else [text, group], path)
    frames.refuse_as_test(base, path, test_path)
    if text == target:
        raise DataError(f"data.text: {text} is the target, not what it is told from")
    if task is None:
        frames.refuse_stray_text(frame, [target], path, "mend it, or say data.task: classification")
    encoder, inferred = labels.encoder(frame[target], task, f"{path}: column {target}")

    words = [text, *([target] if frames.is_text(frame[target]) else [])]

    def test() -> Rows:
        assert test_path is not None
        held, _ = frames.with_target(frames.read(base, test_path, words=words), target, test_path)
        frames.require(held, [text] if group is None else [text, group], test_path)
        if group is not None:
            labels.refuse_shared(held, frame, group, test_path)
        return Rows(as_texts(held[text]), encoder.encode(held[target], f"{test_path}: column {target}"))

    targets = encoder.encode(frame[target], f"{path}: column {target}")
    groups = None if group is None else labels.codes(frame[group])
    pool = Rows(as_texts(frame[text]), targets, groups)
    own_test = None if test_path is None else test
    return Source(encoder.task, encoder.classes, pool, own_test, notes=(*inferred, *notes))


def as_texts(column: pd.Series[Any]) -> Texts:
    """Object (N,) of strings."""
    texts: Texts = column.fillna("").astype(str).to_numpy(dtype=object)
    return texts
