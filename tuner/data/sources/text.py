"""Texts with one target each, from a CSV or JSON-lines file."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tuner.data.rows import Rows, Source, Texts
from tuner.data.sources import dataframe, labels, row_file
from tuner.data.sources.row_file import RowFile, takes_row_file
from tuner.errors import DataError


@takes_row_file
def load(*, base: str, text: str = "text", target: str = "target", **file: Any) -> Source:
    """Read a file of texts.

    Args:
        base: the folder that `path` starts from.
        text: the column of the text; an empty field is an empty text, and NA or None are words.
        target: the column to predict; rows without it are left out, and that is said.
        **file: the keys of `RowFile`.

    Raises:
        DataError: a file, a column or a value is not as said.
    """
    given = RowFile(**file)
    text, target, group, path = str(text), str(target), None if given.group is None else str(given.group), given.path
    read = row_file.read_known(base, path, given, target, texts=[text])
    frame = read.frame
    dataframe.require(frame, [text] if group is None else [text, group], path)
    dataframe.refuse_as_test(base, path, given.test_path)
    if text == target:
        raise DataError(f"data.text: {text} is the target, not what it is told from")
    if given.task is None:
        remedy = "mend it, list it in data.missing, or say data.task: classification"
        dataframe.refuse_stray_text(frame, [target], path, remedy, base, given.spelling)
    encoder, inferred = labels.encoder(frame[target], given.task, f"{path}: column {target}")
    words = [target] if dataframe.is_text(frame[target]) else []

    def test() -> Rows:
        assert given.test_path is not None
        held = row_file.read_known(base, given.test_path, given, target, words, texts=[text])
        dataframe.require(held.frame, [text] if group is None else [text, group], given.test_path)
        if group is not None:
            labels.refuse_shared(held.frame, frame, group, given.test_path)
        row_file.refuse_units(held, [target], read.units, given.test_path)
        targets = encoder.encode(held.frame[target], f"{given.test_path}: column {target}")
        return Rows(as_texts(held.frame[text]), targets)

    targets = encoder.encode(frame[target], f"{path}: column {target}")
    groups = None if group is None else labels.codes(frame[group])
    ungrouped = () if group is None else labels.groups_note(frame[group], path, group)
    pool = Rows(as_texts(frame[text]), targets, groups)
    own_test = None if given.test_path is None else test
    notes = (*inferred, *dataframe.header_note(frame, path, given), *read.notes, *ungrouped)
    return Source(encoder.task, encoder.classes, pool, own_test, notes=notes, units=read.units)


def as_texts(column: pd.Series[Any]) -> Texts:
    """Return an object array (N,) of strings."""
    texts: Texts = column.fillna("").astype(str).to_numpy(dtype=object)
    return texts
