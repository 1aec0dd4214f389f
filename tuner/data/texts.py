"""Texts with one target each, from a CSV or JSON-lines file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from tuner.data import frames, labels
from tuner.data.reading import Reading
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
    missing: Sequence[str] = (),
    separator: str = ",",
    decimal: str = ".",
    thousands: str | None = None,
    encoding: str = "utf-8",
    keep_na: bool = False,
    header: bool = True,
) -> Source:
    """Read a file of texts.

    Args:
        base: the folder that `path` starts from.
        path: a `.jsonl` file with an object per line, else CSV, compressed or not.
        text: the column of the text; an empty field is an empty text, and NA or None are words.
        target: the column to predict; rows without it are left out, and that is said.
        test_path: a file of the same columns that is the test split.
        group: a column whose equal values stay in one split.
        task: `classification` or `regression`; by default it is inferred and said.
        missing: further words that mean a missing value in the other columns, besides pandas's own.
        separator: between the columns of a CSV.
        decimal: the sign before the fraction of a number, "." or ",".
        thousands: the sign between thousands, such as "," or "."; by default there is none.
        encoding: of the file, such as `utf-8`, `cp1252` or `utf-16`.
        keep_na: whether NA, None, null and the like are classes, and only an empty field is missing.
        header: whether the first line names the columns; else they are `column1`, `column2` and so on.

    Raises:
        DataError: a file, a column or a value is not as said.
    """
    text, target, group = str(text), str(target), None if group is None else str(group)
    reading = Reading(separator, decimal, thousands, encoding, missing, keep_na, header)
    whole, changed = frames.read_noting(base, path, reading, texts=[text])
    frame, notes = frames.with_target(whole, target, path, base, reading)
    frames.require(frame, [text] if group is None else [text, group], path)
    frames.refuse_as_test(base, path, test_path)
    if text == target:
        raise DataError(f"data.text: {text} is the target, not what it is told from")
    if task is None:
        remedy = "mend it, list it in data.missing, or say data.task: classification"
        frames.refuse_stray_text(frame, [target], path, remedy, base, reading.spelling)
    encoder, inferred = labels.encoder(frame[target], task, f"{path}: column {target}")
    words = [target] if frames.is_text(frame[target]) else []

    def test() -> Rows:
        assert test_path is not None
        held, _ = frames.with_target(frames.read(base, test_path, reading, words, texts=[text]), target, test_path)
        frames.require(held, [text] if group is None else [text, group], test_path)
        if group is not None:
            labels.refuse_shared(held, frame, group, test_path)
        return Rows(as_texts(held[text]), encoder.encode(held[target], f"{test_path}: column {target}"))

    targets = encoder.encode(frame[target], f"{path}: column {target}")
    groups = None if group is None else labels.codes(frame[group])
    pool = Rows(as_texts(frame[text]), targets, groups)
    own_test = None if test_path is None else test
    return Source(
        encoder.task,
        encoder.classes,
        pool,
        own_test,
        notes=(*inferred, *frames.header_note(frame, path, reading), *changed, *notes),
    )


def as_texts(column: pd.Series[Any]) -> Texts:
    """Object (N,) of strings."""
    texts: Texts = column.fillna("").astype(str).to_numpy(dtype=object)
    return texts
