"""Files of rows with named columns: the target, the features, and a column of texts if any."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tuner.data import suspect_columns
from tuner.data.preprocessing.tokenizer import UNSPACED
from tuner.data.sources import dataframe, number_format, read_table, row_file, table
from tuner.data.sources import text as texts
from tuner.data.sources.read_table import Reading
from tuner.errors import DataError, listing
from tuner.scaffold import dialect
from tuner.scaffold.findings import Found, Kind

TARGETS = ("target", "label", "class", "y")
"""Usual names of a target; without one of them the last column is taken."""

TEXTS = ("text", "sentence", "review", "comment", "message", "content", "body", "document")
"""Usual names of a column of texts."""

NUMBERINGS = ("id", "index", "unnamed: 0", "row")
"""Usual names of a column that numbers the rows."""

WORDS = 4
"""A column with at least this many words per row, nearly all rows different, holds texts."""

DIFFERENT = 0.5
"""Share of different values above which a column holds no categories."""


def look(base: str, path: str, target: str | None) -> Found:
    """Return the findings about a CSV or JSON-lines file.

    Args:
        base: the folder that `path` starts from.
        path: the file.
        target: the column to predict; None chooses it.

    Raises:
        DataError: the file cannot be read, or has no column to predict.
    """
    options, decided = dialect.guess(base, path)
    frame = read_table.read(base, path, Reading.of(options))
    nested = [name for name in frame.columns if _is_nested(frame[name])]
    frame = frame.drop(columns=nested)
    prose = _text_column(frame, target)
    chosen = _target(frame, [name for name in frame.columns if name != prose], target, path)
    options, decided = dialect.with_classes(base, path, chosen, options, decided)
    about: dict[str, Any] = {"path": path, "target": chosen}
    name = Path(path).name.partition(".")[0]
    if prose is not None:
        source = texts.load(base=base, text=prose, **about, **options)
        told = (*decided, *_notes(source.notes))
        return Found(Kind.TEXTS, name, {"type": "text", "text": prose, **about, **options}, source, told)
    frame = row_file.read_known(base, path, Reading.of(options), chosen).frame.drop(columns=nested)
    dropped = dict.fromkeys(nested, "which has lists or mappings") | _no_features(frame.drop(columns=chosen))
    if dropped:
        options["features"] = [name for name in frame.columns if name != chosen and name not in dropped]
    source = table.csv(base=base, **about, **options)
    told = (*decided, *_notes(source.notes), *(f"left out: {name}, {why}" for name, why in dropped.items()))
    return Found(Kind.TABLE, name, {"type": "csv", **about, **options}, source, told)


def _is_nested(column: pd.Series[Any]) -> bool:
    return any(isinstance(value, list | dict) for value in column)


def _notes(notes: Sequence[str]) -> tuple[str, ...]:
    """Return the notes of the file's reader, without the file's name."""
    return tuple(note.partition(": ")[2] for note in notes)


def _target(frame: pd.DataFrame, candidates: Sequence[str], given: str | None, path: str) -> str:
    if given is not None:
        dataframe.require(frame, [given], path)
        return given
    usual = {name.lower(): name for name in candidates}
    for name in TARGETS:
        if name in usual:
            return usual[name]
    possible = [name for name in candidates if _no_feature(frame, name) is None]
    if not possible:
        raise DataError(f"{path}: has no column to predict among {listing(candidates)}; name one with --target")
    return possible[-1]


def _text_column(frame: pd.DataFrame, target: str | None) -> str | None:
    """Return the column of texts, if the other columns are no likely features."""
    prose = [name for name in frame.columns if name != target and _is_prose(frame[name])]
    named = [name for name in prose if name.lower() in TEXTS]
    others = len(frame.columns) - len(prose) - 1
    return named[0] if named else prose[0] if len(prose) == 1 and others == 0 else None


def _is_prose(column: pd.Series[Any]) -> bool:
    if not dataframe.is_text(column):
        return False
    words = column.dropna().map(lambda text: len(re.findall(rf"{UNSPACED}|\S+", text))).mean()
    return bool(words >= WORDS) and column.nunique() > DIFFERENT * len(column)


def _no_features(frame: pd.DataFrame) -> dict[str, str]:
    """Return columns without information about a row, and the reasons; empty if nothing else is left."""
    reasons = {name: why for name in frame.columns if (why := _no_feature(frame, name)) is not None}
    counting = [name for name in frame.columns if suspect_columns.numbers_rows(name, frame[name].to_numpy())]
    reasons |= dict.fromkeys(counting, "which numbers the rows")
    return reasons if len(reasons) < len(frame.columns) else {}


def _no_feature(frame: pd.DataFrame, name: str) -> str | None:
    column = frame[name]
    different = column.nunique()
    if different < 2:
        return "which is the same in every row"
    numbers = dataframe.is_numbers(column)
    if different == len(column) and name.lower() in NUMBERINGS and (not numbers or bool((column % 1 == 0).all())):
        return "which numbers the rows"
    if dataframe.is_text(column) and different > DIFFERENT * len(column):
        counts = Counter(str(value) for value in column.dropna())
        if (strays := dataframe.strays(counts)) is not None:
            usual = number_format.USUAL
            odd = next(word for word in (*strays, *counts) if not usual.is_number(word) or number_format.unit_of(word))
            return f"numbers that are not spelt alike, such as {odd!r}; mend them to use it"
        return "which has dates" if suspect_columns.are_dates(column) else "whose words are nearly all different"
    return None
