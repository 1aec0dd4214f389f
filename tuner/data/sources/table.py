"""Tables: a CSV file, or one that scikit-learn carries, with the column that is to be predicted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from sklearn import datasets

from tuner.data.rows import Rows, Source
from tuner.data.sources import dataframe, labels, row_file
from tuner.data.sources.row_file import RowFile, takes_row_file
from tuner.errors import DataError, listing
from tuner.goal import Task

REMEDY = "mend it, or list it in data.missing"

BUNDLED: dict[str, Callable[..., object]] = {
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
}
"""Real tables that scikit-learn carries: 569, 442, 150 and 178 rows."""


def bundled(name: str) -> Callable[..., Source]:
    """Return a function that loads one of `BUNDLED`."""

    def load(*, base: str) -> Source:
        bundle: Any = BUNDLED[name](as_frame=True)
        targets = bundle.target
        if name == "diabetes":
            return Source(Task.REGRESSION, (), Rows(bundle.data, labels.numbers(targets)))
        classes = tuple(str(label) for label in bundle.target_names)
        return Source(Task.CLASSIFICATION, classes, Rows(bundle.data, labels.indices(targets)))

    return load


@takes_row_file
def csv(*, base: str, target: str, features: Sequence[str] | None = None, **file: Any) -> Source:
    """Read a table.

    Args:
        base: the folder that `path` starts from.
        target: the column to predict; rows without it are left out, and that is said.
        features: the columns to predict from; by default all others.
        **file: the keys of `RowFile`.

    Raises:
        DataError: a file, a column or a value is not as said.
    """
    given = RowFile(**file)
    target, group, path = str(target), None if given.group is None else str(given.group), given.path
    read = row_file.read_known(base, path, given, target)
    frame = read.frame
    dataframe.refuse_as_test(base, path, given.test_path)
    columns = _features(frame, target, features, group, path)
    dataframe.refuse_stray_text(frame, columns, path, REMEDY, base, given.spelling)
    if given.task is None:
        remedy = f"{REMEDY}, or say data.task: classification"
        dataframe.refuse_stray_text(frame, [target], path, remedy, base, given.spelling)
    encoder, inferred = labels.encoder(frame[target], given.task, f"{path}: column {target}")
    words = [name for name in (*columns, target) if dataframe.is_text(frame[name])]
    numeric = [name for name in columns if dataframe.is_numbers(frame[name])]

    def test() -> Rows:
        assert given.test_path is not None
        held = row_file.read_known(base, given.test_path, given, target, words)
        dataframe.require(held.frame, columns if group is None else [*columns, group], given.test_path)
        if group is not None:
            labels.refuse_shared(held.frame, frame, group, given.test_path)
        dataframe.refuse_text(held.frame, numeric, given.test_path, REMEDY, given.spelling)
        row_file.refuse_units(held, [*numeric, target], read.units, given.test_path)
        targets = encoder.encode(held.frame[target], f"{given.test_path}: column {target}")
        return Rows(held.frame[columns], targets)

    groups = None if group is None else labels.codes(frame[group])
    ungrouped = () if group is None else labels.groups_note(frame[group], path, group)
    pool = Rows(frame[columns], encoder.encode(frame[target], f"{path}: column {target}"), groups)
    own_test = None if given.test_path is None else test
    codes = row_file.codes_note(base, path, given, numeric)
    told = (
        *inferred,
        _read_as(frame[columns], path),
        *codes,
        *dataframe.header_note(frame, path, given),
        *read.notes,
        *ungrouped,
    )
    return Source(encoder.task, encoder.classes, pool, own_test, notes=told, units=read.units)


def _read_as(features: pd.DataFrame, path: str) -> str:
    """Return a note on the columns as numbers or words, so that misread ones are seen."""
    numeric = [name for name in features.columns if dataframe.is_numbers(features[name])]
    words = [f"{name} ({features[name].nunique()})" for name in features.columns if name not in numeric]
    parts = [*([f"numbers: {_few(numeric)}"] if numeric else []), *([f"words: {_few(words)}"] if words else [])]
    return f"{path}: features are {'; '.join(parts)}"


def _few(names: Sequence[str]) -> str:
    return listing([*names[:8], *([f"{len(names) - 8} more"] if len(names) > 8 else [])])


def _features(
    frame: pd.DataFrame, target: str, features: Sequence[str] | None, group: str | None, path: str
) -> list[str]:
    if group is not None:
        dataframe.require(frame, [group], path)
        if group == target:
            raise DataError(f"data.group: {group} is the target: a class would be in one split only")
    if features is None:
        columns = [column for column in frame.columns if column not in (target, group)]
    else:
        columns = list(dict.fromkeys(str(column) for column in _listed("features", features)))
        if target in columns:
            raise DataError(f"data.features: {target} is the target, not a feature")
    dataframe.require(frame, columns, path)
    if not columns:
        raise DataError(f"{path}: there is no column besides {target} to predict from; a first line names the columns")
    return columns


def _listed(key: str, value: Sequence[Any]) -> list[Any]:
    """Return a list from the config, and refuse a single word, which is a list of letters to Python."""
    if not isinstance(value, list | tuple):
        raise DataError(f"data.{key}: is a list, such as [{value}], not {value}")
    return list(value)
