"""Tables: a CSV file, or one that scikit-learn carries, with the column that is to be predicted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from sklearn import datasets

from tuner.data import frames, labels
from tuner.data.rows import Rows, Source
from tuner.errors import DataError
from tuner.task import Task

NEARLY_ALL = 0.8
"""A column of which so much reads as numbers is meant to be numbers; what does not is a mistake."""

BUNDLED: dict[str, Callable[..., object]] = {
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
}
"""Real tables that scikit-learn carries: 569, 442, 150 and 178 rows."""


def bundled(name: str) -> Callable[..., Source]:
    """A function that loads one of `BUNDLED`."""

    def load(*, base: str) -> Source:
        bundle = BUNDLED[name](as_frame=True)
        targets = bundle.target  # type: ignore[attr-defined]
        if name == "diabetes":
            return Source(Task.REGRESSION, (), Rows(bundle.data, labels.numbers(targets)))  # type: ignore[attr-defined]
        classes = tuple(str(label) for label in bundle.target_names)  # type: ignore[attr-defined]
        return Source(Task.CLASSIFICATION, classes, Rows(bundle.data, labels.indices(targets)))  # type: ignore[attr-defined]

    return load


def csv(
    *,
    base: str,
    path: str,
    target: str,
    features: Sequence[str] | None = None,
    test_path: str | None = None,
    group: str | None = None,
    task: str | None = None,
    missing: Sequence[str] = (),
    separator: str = ",",
) -> Source:
    """Read a table with a header line.

    Args:
        base: the folder that `path` starts from.
        path: a file that pandas reads, compressed or not.
        target: the column to predict; rows without it are left out, and that is said.
        features: the columns to predict from; by default all others.
        test_path: a file of the same columns that is the test split.
        group: a column whose equal values stay in one split; it is no feature.
        task: `classification` or `regression`; by default it is inferred and said.
        missing: further words that mean a missing value, besides pandas's own.
        separator: between columns.

    Raises:
        DataError: a file, a column or a value is not as said.
    """
    frame, notes = frames.with_target(frames.read(base, path, missing, separator), target, path)
    columns = _features(frame, target, features, group, path)
    _refuse_stray_text(frame, columns, path)
    encoder, inferred = labels.encoder(frame[target], task, f"{path}: column {target}")

    def test() -> Rows:
        assert test_path is not None
        held, _ = frames.with_target(frames.read(base, test_path, missing, separator), target, test_path)
        frames.require(held, columns, test_path)
        _refuse_stray_text(held, columns, test_path)
        return Rows(held[columns], encoder.encode(held[target], f"{test_path}: column {target}"))

    groups = None if group is None else labels.codes(frame[group])
    pool = Rows(frame[columns], encoder.encode(frame[target], f"{path}: column {target}"), groups)
    own_test = None if test_path is None else test
    return Source(encoder.task, encoder.classes, pool, own_test, notes=(*inferred, *notes))


def _features(
    frame: pd.DataFrame, target: str, features: Sequence[str] | None, group: str | None, path: str
) -> list[str]:
    if group is not None:
        frames.require(frame, [group], path)
    if features is None:
        columns = [column for column in frame.columns if column not in (target, group)]
    else:
        columns = [str(column) for column in features]
        frames.require(frame, columns, path)
        if target in columns:
            raise DataError(f"data.features: {target} is the target, not a feature")
    if not columns:
        raise DataError(f"{path}: there is no column besides {target} to predict from")
    return columns


def _refuse_stray_text(frame: pd.DataFrame, columns: Sequence[str], path: str) -> None:
    """A column of numbers with a few words in it, which would silently become categories."""
    for column in columns:
        values = frame[column].dropna()
        if pd.api.types.is_numeric_dtype(values):
            if np.isinf(values.to_numpy(dtype=float)).any():
                raise DataError(f"{path}: column {column} has infinite values; leave them empty")
            continue
        numbers = pd.to_numeric(values, errors="coerce")
        stray = values[numbers.isna()]
        if len(stray) and numbers.notna().mean() >= NEARLY_ALL:
            line, word = int(stray.index[0]) + 2, stray.iloc[0]
            raise DataError(
                f"{path}:{line}: column {column} is numeric, but has {word!r} here ({len(stray)} such rows): "
                f"mend it, or list the word in data.missing"
            )
