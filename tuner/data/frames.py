"""Files of rows with named columns, read by pandas: what tables and texts share.

A row is named by its number, counted from 1 below the header.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from tuner.errors import DataError, did_you_mean, listing

JSON_LINES = (".jsonl", ".ndjson")

TIMES = 3
"""How much larger rows are in memory than in their file, at least."""

NEARLY_ALL = 0.8
"""A column of which so much reads as numbers is meant to be numbers; what does not is a mistake."""


def read(
    base: str, path: str, missing: Sequence[Any] = (), separator: str = ",", words: Collection[str] = ()
) -> pd.DataFrame:
    """Read a JSON-lines file (`.jsonl`, `.ndjson`), or else CSV with a header line, compressed or not.

    Args:
        base: the folder that `path` starts from.
        path: the file.
        missing: further words that mean a missing value, besides pandas's own.
        separator: between the columns of a CSV.
        words: columns of a CSV that are text whatever they look like: 007 is not 7.

    Raises:
        DataError: it is not there or cannot be read, or its columns are not told apart.
    """
    if not isinstance(path, str):
        raise DataError(f"data: takes the path of a file, not {path}")
    file = Path(base, path)
    _refuse_beyond_memory(file)
    try:
        if set(file.suffixes[-2:]) & set(JSON_LINES):
            return pd.read_json(file, lines=True, dtype=False, convert_axes=False)
        return _read_csv(file, missing, separator, words)
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"there is no file {file}") from None
    except Exception as error:  # a parser, a decoder and half a dozen decompressors, each with errors of its own
        raise DataError(f"{file} cannot be read: {_first_bad_line(file)}{error}") from None


def _refuse_beyond_memory(file: Path) -> None:
    """Rows with columns are read as a whole: what cannot be is said before, and not by a killed process."""
    needed, free = TIMES * (file.stat().st_size if file.is_file() else 0), psutil.virtual_memory().available
    if needed > free:
        told = f"about {needed / 2**30:.1f} GB of the {free / 2**30:.1f} GB of memory that are free"
        raise DataError(f"{file} would take {told}: give a part of it, or a function of your own that streams it")


def _read_csv(file: Path, missing: Sequence[Any], separator: str, words: Collection[str]) -> pd.DataFrame:
    common: dict[str, Any] = {"sep": separator, "skipinitialspace": True}
    if len(separator) > 1:  # a regular expression, which only this engine reads
        common["engine"] = "python"
    header = pd.read_csv(file, header=None, nrows=1, dtype=str, na_filter=False, **common).iloc[0].tolist()
    repeated = [name for i, name in enumerate(header) if name and name in header[:i]]
    if repeated:
        raise DataError(f"{file}: two columns are called {repeated[0]}")
    if len(separator) == 1:
        common["low_memory"] = False  # else each chunk of a long file has types of its own
    types = {name: str for name in words if name in header}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # fields beyond the header's would be lost
        try:
            return pd.read_csv(file, na_values=list(missing), dtype=types, index_col=False, **common)
        except pd.errors.ParserWarning:
            raise DataError(f"{file}: its rows have more fields than its header has names") from None


def refuse_as_test(base: str, path: str, test_path: str | None) -> None:
    """Raise when a test file is not there, or is the file of the training rows; it is not opened.

    Raises:
        DataError: it is.
    """
    if test_path is None:
        return
    file = Path(base, test_path)
    if not file.is_file():
        raise DataError(f"data.test_path: there is no file {file}")
    if file.samefile(Path(base, path)):
        raise DataError("data.test_path: is the file of the training rows itself")


def require(frame: pd.DataFrame, columns: Sequence[str], path: str) -> None:
    """Raise unless the frame has all `columns`, and plain values in them.

    Raises:
        DataError: it lacks one, or has lists or mappings in one.
    """
    for column in columns:
        if column not in frame.columns:
            known = [str(name) for name in frame.columns]
            hint = did_you_mean(column, known) or f": it has {listing(known[:12])}"
            separated = "; is data.separator right?" if len(known) == 1 and set(known[0]) & set(",;\t|") else ""
            raise DataError(f"{path}: there is no column {column}{hint}{separated}")
        nested = frame[column].map(lambda value: isinstance(value, list | dict)).astype(bool)
        if nested.any():
            row = _number_of(frame[nested])
            raise DataError(f"{path}: row {row}: column {column} has a list or a mapping here, not a single value")


def with_target(frame: pd.DataFrame, target: str, path: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows whose target is there, and a note when some are left out.

    Raises:
        DataError: there is no such column, or nothing in it.
    """
    require(frame, [target], path)
    known = frame[frame[target].notna()]
    if known.empty:
        raise DataError(f"{path}: no row has a value in column {target}")
    dropped = len(frame) - len(known)
    return known, (f"{path}: {dropped} rows have no {target} and are left out",) if dropped else ()


def is_text(column: pd.Series[Any]) -> bool:
    """Whether a column was read as text, missing values aside."""
    return bool(pd.api.types.infer_dtype(column, skipna=True) == "string")


def is_numbers(column: pd.Series[Any]) -> bool:
    """Whether a column was read as numbers, which true and false are not."""
    return bool(pd.api.types.is_numeric_dtype(column)) and not pd.api.types.is_bool_dtype(column)


def refuse_stray_text(frame: pd.DataFrame, columns: Sequence[str], path: str, remedy: str) -> None:
    """Raise for a column of numbers with a few words in it, which would silently become categories.

    Raises:
        DataError: there is one, or one with infinite numbers; the message ends in `remedy`.
    """
    for column in columns:
        numbers = pd.to_numeric(frame[column].dropna(), errors="coerce")
        if numbers.notna().mean() >= NEARLY_ALL:
            refuse_text(frame, [column], path, remedy)


def refuse_text(frame: pd.DataFrame, columns: Sequence[str], path: str, remedy: str) -> None:
    """Raise unless the columns are finite numbers, missing values aside.

    Raises:
        DataError: they are not; the message ends in `remedy`.
    """
    for column in columns:
        values = frame[column].dropna()
        numbers = pd.to_numeric(values, errors="coerce")
        stray = values[numbers.isna()]
        if len(stray):
            others = f" ({len(stray)} such rows)" if len(stray) > 1 else ""
            raise DataError(
                f"{path}: row {_number_of(stray)}: column {column} is of numbers, "
                f"but has {str(stray.iloc[0])!r} here{others}: {remedy}"
            )
        infinite = values[np.isinf(numbers.to_numpy(dtype=np.float64))]
        if len(infinite):
            raise DataError(f"{path}: row {_number_of(infinite)}: column {column} is infinite here; leave it empty")


def _number_of(rows: pd.DataFrame | pd.Series[Any]) -> int:
    """The number in the file of the first of `rows`."""
    return int(rows.index[0]) + 1


def _first_bad_line(file: Path) -> str:
    """Which line of a JSON-lines file is not JSON, which pandas does not say."""
    if file.suffix not in JSON_LINES or not file.is_file():
        return ""
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            json.loads(line or b"{}")
        except ValueError:
            return f"line {number}: "
    return ""
