"""Rows with named columns: checks that tables and texts share.

A row is named by its number, counted from 1 below the header.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tuner.data.sources import number_format
from tuner.data.sources.read_errors import is_json
from tuner.data.sources.read_table import USUAL, Reading, na_words
from tuner.errors import DataError, counted, did_you_mean, listing

NEARLY_ALL = 0.8
"""A column with this share of numbers is a column of numbers; other values in it are mistakes."""

FLATTEN = "make columns of it, or leave it out of data.features"

SAMPLE = 500
"""Number of different words of a column that are checked for numbers."""

COMMON = 3
"""The word of a class comes at least so many times, and so do those beside it on average."""

MANY = 20
"""A column of more different numbers than this, and a word or three besides, is of numbers."""


def refuse_as_test(base: str, path: str, test_path: str | None) -> None:
    """Raise if a test file is missing, or is the file of the training rows; it is not opened.

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
            raise DataError(
                f"{path}: row {row}: column {column} has a list or a mapping here, not a single value; {FLATTEN}"
            )


def with_target(
    frame: pd.DataFrame, target: str, path: str, base: str | None = None, reading: Reading = USUAL
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows that have a target, and a note if some have none.

    Raises:
        DataError: there is no such column, or nothing in it.
    """
    require(frame, [target], path)
    known = frame[frame[target].notna()]
    if known.empty:
        raise DataError(f"{path}: no row has a value in column {target}")
    dropped = len(frame) - len(known)
    if not dropped:
        return known, ()
    words = Counter[str]() if base is None else na_words(base, path, reading, target)
    if words and known[target].nunique() < 2:
        only, gaps = known[target].iloc[0], listing(map(repr, words))
        raise DataError(
            f"{path}: column {target} has one value only, {only}, besides {gaps}, which count as missing. "
            "If they are classes, set data.keep_na: true"
        )
    told = f"{path}: {counted(dropped, 'row', 'have')} no {target} and {'is' if dropped == 1 else 'are'} left out"
    if not words:
        return known, (told,)
    way_on = "" if is_numbers(frame[target]) else "; if it is a class, say data.keep_na: true"
    return known, (f"{told}, {words.total()} of them as they have {listing(map(repr, words))} there{way_on}",)


def header_note(frame: pd.DataFrame, path: str, reading: Reading) -> tuple[str, ...]:
    """Return a note if the names of the columns look like a row."""
    if not reading.header or not is_row(list(frame.columns), [frame[name] for name in frame.columns]):
        return ()
    some = listing([str(name) for name in frame.columns[:3]])
    return (f"{path}: the names of the columns look like a row ({some}); if so, set data.header: false",)


def is_row(names: Sequence[str], columns: Sequence[pd.Series[Any]]) -> bool:
    """Return whether column names look like the values below them, as in a file without a header."""
    beside = list(zip(names, columns, strict=True))
    numbers = [(name, column) for name, column in beside if number_format.is_any_number(name)]
    if not numbers:
        no_numbers = not any(is_numbers(column) or _mostly_numbers(column) for column in columns)
        return no_numbers and any(_is_common(name, column) for name, column in beside) and not _repeats(names, columns)
    if not all(is_numbers(column) or _has_numbers(column) for _, column in numbers):
        return False
    if any(not name.strip().isdigit() for name, _ in numbers):  # 5.1 is no name, as 2019 is one
        return True
    words = [(name, column) for name, column in beside if not number_format.is_any_number(name)]
    if words:
        return all(is_text(column) and bool((column == name).any()) for name, column in words)
    values = [int(name) for name, _ in numbers]
    return values != sorted(set(values))


def _is_common(name: str, column: pd.Series[Any]) -> bool:
    """Return whether a name occurs in its column about as often as the words of a class."""
    if not is_text(column):
        return False
    times, different = int((column == name).sum()), int(column.nunique())
    return times >= COMMON and different <= len(column) / COMMON and 2 * times * different >= len(column)


def _repeats(names: Sequence[str], columns: Sequence[pd.Series[Any]]) -> bool:
    """Return whether the names occur only together, in whole rows, as in joined files with headers."""
    first, *others = [(column == name).to_numpy() for name, column in zip(names, columns, strict=True)]
    return all(np.array_equal(first, other) for other in others)


def _mostly_numbers(column: pd.Series[Any]) -> bool:
    return strays(Counter(value for value in column if isinstance(value, str))) is not None


def _has_numbers(column: pd.Series[Any]) -> bool:
    return any(isinstance(value, str) and number_format.is_any_number(value) for value in column.head(SAMPLE))


def is_text(column: pd.Series[Any]) -> bool:
    """Return whether a column was read as text, apart from missing values."""
    return bool(pd.api.types.infer_dtype(column, skipna=True) == "string")


def is_numbers(column: pd.Series[Any]) -> bool:
    """Return whether a column was read as numbers; booleans are not numbers."""
    return bool(pd.api.types.is_numeric_dtype(column)) and not pd.api.types.is_bool_dtype(column)


def refuse_stray_text(
    frame: pd.DataFrame,
    columns: Sequence[str],
    path: str,
    remedy: str,
    base: str = ".",
    spelt: number_format.Spelling = number_format.USUAL,
) -> None:
    """Raise for a column of numbers with words or other signs in it, which would become categories.

    Raises:
        DataError: there is one, or infinite numbers; the message ends in `remedy` or in a key as remedy.
    """
    for column in columns:
        if is_numbers(frame[column]):
            refuse_text(frame, [column], path, remedy, spelt)
            continue
        counts = Counter(value for value in frame[column] if isinstance(value, str))
        _refuse_accounts(frame, column, counts, path)
        _refuse_punctuated(frame, column, counts, Path(base, path), path, spelt)
        stray = strays(counts)
        others = int(frame[column].notna().sum()) - counts.total()
        if stray is not None and (others or len(stray) < len(counts)):
            refuse_text(frame, [column], path, remedy, spelt)


def strays(counts: Counter[str]) -> list[str] | None:
    """Return the non-numbers in a text column that should hold numbers; None for a column of words."""
    different = list(counts)
    some = different[:: -(-len(different) // SAMPLE) or 1]
    if not any(map(number_format.is_any_number, some)):
        return None
    stray = {word: count for word, count in counts.items() if not number_format.is_any_number(word)}
    numbers = len(counts) - len(stray)
    share = 1 - sum(stray.values()) / max(1, counts.total())
    signs = all(number_format.is_missing(word, number_format.MISSING_SIGNS) for word in stray)
    words = all(map(number_format.is_missing, stray)) or len(stray) <= 3
    meant = share >= NEARLY_ALL or (numbers and signs) or (numbers > MANY and words)
    return list(stray) if meant else None


def _refuse_accounts(frame: pd.DataFrame, column: str, counts: Counter[str], path: str) -> None:
    """Raise for a column of numbers whose negative ones are written (5) or 5-."""
    odd = next((word for word in counts if number_format.is_account(word)), None)
    if odd is None or len(counts) <= MANY:
        return
    numbers = sum(
        count for word, count in counts.items() if number_format.is_any_number(word) or number_format.is_account(word)
    )
    if numbers >= NEARLY_ALL * counts.total() and any(map(number_format.is_any_number, counts)):
        row = _number_of(frame[frame[column] == odd])
        way_on = "write negative numbers with a minus before them, or leave it out of data.features"
        raise DataError(f"{path}: row {row}: column {column} is of numbers, but has {odd!r} here: {way_on}")


def _refuse_punctuated(
    frame: pd.DataFrame, column: str, counts: Counter[str], file: Path, path: str, spelt: number_format.Spelling
) -> None:
    """Raise for a column whose numbers have another decimal sign, thousands sign or unit."""
    found = strays(counts)
    stray = set(counts if found is None else found)
    numbers = [word for word in counts if word not in stray]
    odd = [word for word in numbers if not spelt.is_number(word)]
    if not odd and len({number_format.unit_of(word) for word in numbers}) < 2:
        return
    example = odd[0] if odd else next(word for word in numbers if number_format.unit_of(word))
    row = _number_of(frame[frame[column] == example])
    told = f"{path}: row {row}{_line_of(file, row)}: column {column} is of numbers but for their signs"
    raise DataError(f"{told}, such as {example!r}: {_remedy_for(numbers, example, spelt)}")


def _remedy_for(numbers: Sequence[str], example: str, spelt: number_format.Spelling) -> str:
    """Return the keys that turn texts into numbers, with an example for each."""
    found = number_format.fitting(numbers)
    if len({number_format.unit_of(word) for word in numbers}) > 1 or not found:
        return "they have more than one kind; mend the column, or leave it out of data.features"
    meant: dict[str, number_format.Spelling] = {}
    for one in found:
        meant.setdefault(one.plain(example), one)
    return ", or ".join(f"say {_keys(one, spelt)} if that is {value}" for value, one in meant.items())


def _keys(one: number_format.Spelling, spelt: number_format.Spelling) -> str:
    """Return the keys of a spelling that differ from those given."""
    decimal = [f'data.decimal: "{one.decimal}"'] if one.decimal != spelt.decimal else []
    sign = "null" if one.thousands is None else f'"{one.thousands}"'
    return listing([*decimal, *([f"data.thousands: {sign}"] if one.thousands != spelt.thousands else [])])


def _line_of(file: Path, row: int) -> str:
    """Return the line of a row in a plain file, since a row may have several lines."""
    if is_json(file):
        return f" (line {row})"
    if file.suffix not in (".csv", ".tsv", ".txt", ".data"):
        return ""
    with file.open(encoding="latin-1", newline="") as opened:  # any bytes will do to count lines
        rows = csv.reader(opened)
        lines = (rows.line_num for fields in rows if fields)
        return next((f" (line {line})" for i, line in enumerate(lines) if i == row), "")


def refuse_text(
    frame: pd.DataFrame,
    columns: Sequence[str],
    path: str,
    remedy: str,
    spelt: number_format.Spelling = number_format.USUAL,
) -> None:
    """Raise unless the columns hold finite numbers, apart from missing values.

    Raises:
        DataError: they are not; the message ends in `remedy`.
    """

    def plain(value: Any) -> Any:
        return spelt.plain(value) if isinstance(value, str) and spelt.is_number(value) else value

    for column in columns:
        values = frame[column].dropna()
        numbers = pd.to_numeric(values if is_numbers(values) else values.map(plain), errors="coerce")
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
    """Return the number in the file of the first of `rows`."""
    return int(rows.index[0]) + 1
