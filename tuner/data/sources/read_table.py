"""Files of rows with named columns, read by pandas: CSV, or an object per line in JSON.

A row is named by its number, counted from 1 below the header.
"""

from __future__ import annotations

import codecs
import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tuner.data.sources.number_format import THOUSANDS, Spelling
from tuner.data.sources.read_errors import (
    USUAL_ENCODING,
    is_json,
    naming_errors,
    other_encoding,
    refuse_beyond_memory,
    refuse_other_kinds,
    too_wide,
)
from tuner.errors import DataError, counted, listing

BLANKS = r"\s+"
"""The separator of columns that stand under each other."""

NA_WORDS = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""The words that pandas takes for a missing value."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file of rows is read.

    Args:
        separator: between the columns of a CSV; one of several letters is a regular expression.
        decimal: the sign before the fraction of a number, "." or ",".
        thousands: the sign between thousands, such as "," or "."; by default there is none.
        encoding: of the file, such as `utf-8`, `cp1252` or `utf-16`.
        missing: further words that mean a missing value, besides pandas's own.
        keep_na: whether NA, None and null are words in columns of words, and only an empty field is missing.
        header: whether the first line names the columns; else they are `column1`, `column2` and so on.
    """

    separator: str = ","
    decimal: str = "."
    thousands: str | None = None
    encoding: str = USUAL_ENCODING
    missing: Sequence[Any] = ()
    keep_na: bool = False
    header: bool = True

    def __post_init__(self) -> None:
        for key, wanted in (("separator", str), ("encoding", str), ("keep_na", bool), ("header", bool)):
            value = getattr(self, key)
            if not isinstance(value, wanted) or value == "":
                raise DataError(f"data.{key}: is {'true or false' if wanted is bool else 'a text'}, not {value!r}")
        if self.decimal not in (".", ","):
            raise DataError(f'data.decimal: is "." or ",", not {self.decimal!r}')
        if self.thousands is not None and (self.thousands not in [*THOUSANDS] or self.thousands == self.decimal):
            others = " ".join(f'"{sign}"' for sign in THOUSANDS if sign != self.decimal)
            raise DataError(f"data.thousands: is one of {others}, not {self.thousands!r}")
        if not isinstance(self.missing, list | tuple):
            raise DataError(f"data.missing: is a list, such as [{self.missing}], not {self.missing}")
        if any(isinstance(word, list | dict) for word in self.missing):
            raise DataError(f"data.missing: is a list of words, not {self.missing}")
        try:
            codecs.lookup(self.encoding)
        except (LookupError, ValueError):
            raise DataError(
                f"data.encoding: there is no {self.encoding!r}; usual ones are utf-8, cp1252 and utf-16"
            ) from None

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Reading:
        """Return the reading that a `data` section asks for."""
        return cls(**{field.name: section[field.name] for field in fields(cls) if field.name in section})

    @property
    def spelling(self) -> Spelling:
        """The spelling of numbers."""
        return Spelling(self.decimal, self.thousands)


USUAL = Reading()


@dataclass(frozen=True, slots=True)
class Read:
    """The rows of a file.

    `units` are the percent or currency signs that were dropped, by the columns that bore them in every value.
    `notes` tell of each change that was made to the rows.
    """

    frame: pd.DataFrame
    units: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read(
    base: str, path: str, reading: Reading = USUAL, words: Collection[str] = (), texts: Collection[str] = ()
) -> pd.DataFrame:
    """Read a file as `read_noting` does, without its notes."""
    return read_noting(base, path, reading, words, texts).frame


def read_noting(
    base: str, path: str, reading: Reading = USUAL, words: Collection[str] = (), texts: Collection[str] = ()
) -> Read:
    """Read a JSON-lines file (`.jsonl`, `.ndjson`), or else CSV, compressed or not.

    Args:
        base: the folder that `path` starts from.
        path: the file.
        reading: how to read it.
        words: columns that are always text: 007 is not 7.
        texts: columns of running text: they keep their blanks, and the word None is a word.

    Returns:
        The rows. Blanks around names, words and numbers are removed. So is a percent or currency sign that a
        column has throughout.

    Raises:
        DataError: it is not there or cannot be read, or its columns are not told apart.
    """
    if not isinstance(path, str):
        raise DataError(f"data: takes the path of a file, not {path}")
    file = Path(base, path)
    refuse_other_kinds(file)
    refuse_beyond_memory(file)
    with naming_errors(file, reading.encoding):
        frame = _read_json(file, reading) if is_json(file) else _read_csv(file, reading, words, texts)
    return tidied(frame, path, reading, words, texts)


def as_written(path: str, reading: Reading, columns: Sequence[str], rows: int | None = None) -> pd.DataFrame:
    """Read some columns of a file letter by letter, one row per row of `read`.

    An id 007 stays 007, and NA stays NA.

    Raises:
        DataError: the file is not there or cannot be read.
    """
    file = Path(path)
    with naming_errors(file, reading.encoding):
        if is_json(file):
            return _read_json(file, reading)[list(columns)]
        raw = _parsed(
            file, reading, _names(file, reading), dtype=str, na_filter=False, usecols=list(columns), nrows=rows
        )
    return raw[list(columns)]


def na_words(base: str, path: str, reading: Reading, column: str) -> Counter[str]:
    """Return the counts of words that pandas reads as missing in a column of a CSV."""
    file = Path(base, path)
    if is_json(file):
        return Counter()
    with naming_errors(file, reading.encoding):
        raw = _parsed(file, reading, _names(file, reading), dtype=str, na_filter=False, usecols=[column])
    counts: Counter[str] = Counter(raw[column].str.strip())
    return Counter({word: counts[word] for word in NA_WORDS if counts[word]})


def _read_json(file: Path, reading: Reading) -> pd.DataFrame:
    encoding = "utf-8-sig" if reading.encoding.lower() in (USUAL_ENCODING, "utf8") else reading.encoding
    dates: dict[str, Any] = {"convert_dates": False} if int(pd.__version__.partition(".")[0]) < 3 else {}
    frame = pd.read_json(file, lines=True, dtype=False, convert_axes=False, encoding=encoding, **dates)
    frame.columns = pd.Index([str(name) for name in frame.columns])
    return frame


def _read_csv(file: Path, reading: Reading, words: Collection[str], texts: Collection[str]) -> pd.DataFrame:
    names = _names(file, reading)
    gaps = [*NA_WORDS, "", *reading.missing]
    types: Any = {name: str for name in (*words, *texts) if name in names} if reading.spelling.usual else str
    na_values = {name: [""] if name in texts else gaps for name in names}
    frame = _parsed(file, reading, names, dtype=types, na_values=na_values)
    if not reading.keep_na:
        return frame
    told = [name for name in names if name not in texts and _is_word_column(frame[name], reading, name in words)]
    if told:
        kept = {name: ["", *reading.missing] for name in told}
        frame[told] = _parsed(file, reading, names, dtype=str, na_values=kept, usecols=told)[told]
    return frame


def _is_word_column(column: pd.Series[Any], reading: Reading, known: bool) -> bool:
    text = pd.api.types.infer_dtype(column, skipna=True) == "string"
    return known or (text and reading.spelling.numbers(column) is None)


def _parsed(file: Path, reading: Reading, names: Sequence[str], **more: Any) -> pd.DataFrame:
    """Return the rows of a CSV under the column names."""
    options = {"names": names, "header": 0 if reading.header else None, "index_col": False, "keep_default_na": False}
    if len(reading.separator) == 1 or reading.separator == BLANKS:
        options["low_memory"] = False  # else each chunk of a long file has types of its own
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # fields beyond the header's would be lost
        try:
            return pd.read_csv(file, **_common(reading), **options, **more)
        except pd.errors.ParserWarning:
            raise DataError(too_wide(file, names, reading.separator)) from None


def _common(reading: Reading) -> dict[str, Any]:
    common = {"sep": reading.separator, "skipinitialspace": True, "encoding": reading.encoding}
    # pandas reads columns between blanks fast, also with blanks at the ends
    expression = len(reading.separator) > 1 and reading.separator != BLANKS
    return common | ({"engine": "python"} if expression else {})


def _names(file: Path, reading: Reading) -> list[str]:
    """Return the names of the columns, which are unique."""
    first = pd.read_csv(file, header=None, nrows=1, dtype=str, na_filter=False, **_common(reading)).iloc[0].tolist()
    if any("\0" in name for name in first):
        raise DataError(f"{file}: has zero bytes, as no text has: {other_encoding(file, reading.encoding)}")
    if not reading.header:
        return [f"column{i}" for i in range(1, len(first) + 1)]
    header = [str(name).strip() for name in first]
    repeated = [name for i, name in enumerate(header) if name and name in header[:i]]
    if repeated:
        way_on = "call one otherwise, or say data.header: false if the first line is a row"
        raise DataError(f"{file}: two columns are called {repeated[0]}: {way_on}")
    return [name or f"Unnamed: {i}" for i, name in enumerate(header)]


def tidied(
    frame: pd.DataFrame, path: str, reading: Reading, words: Collection[str] = (), texts: Collection[str] = ()
) -> Read:
    """Strip blanks around words and convert numbers spelled as text; JSON already distinguishes 7 from "7".

    Args:
        frame: the rows as they were parsed, which are changed in place.
        path: their file.
        reading: how it is read.
        words: columns that are text whatever they look like.
        texts: columns of running text.
    """
    as_typed = not is_json(Path(path))
    units: dict[str, str] = {}
    merged: list[str] = []
    for name in frame.columns:
        kind = pd.api.types.infer_dtype(frame[name], skipna=True)
        if kind == "integer" and frame[name].dtype == object:  # beyond 64 bits
            frame[name] = frame[name].astype(np.float64)
        if name in texts or not kind.startswith(("string", "mixed")):
            continue
        column = frame[name].map(_stripped(reading.missing), na_action="ignore")
        mixed = kind.startswith("mixed")  # JSON has both 7 and "7" in it
        spelt = None if name in words else reading.spelling.numbers(column)
        if spelt is not None and (spelt[1] or as_typed or mixed or not reading.spelling.usual):
            frame[name], unit = spelt
            if unit:
                units[str(name)] = unit
            continue
        changed = frame[name][(frame[name] != column) & column.notna()]
        if len(changed) and set(column[changed.index]) & set(column.drop(changed.index)):
            merged.append(f"{counted(len(changed), 'value')} of {name}")
        frame[name] = column if name in words else _typed(column)
    told = [
        f"{path}: the sign {unit} of {listing(name for name, other in units.items() if other == unit)} is dropped"
        for unit in dict.fromkeys(units.values())
    ]
    if merged:
        told.append(f"{path}: blanks around {listing(merged)} are dropped, which else were words of their own")
    return Read(frame, units, tuple(told))


def _stripped(missing: Sequence[Any]) -> Any:
    gaps = {str(word) for word in missing} | {""}

    def stripped(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = value.strip()
        return None if text in gaps else text

    return stripped


def _typed(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as booleans or numbers, if it holds nothing else."""
    if pd.api.types.infer_dtype(column, skipna=True) in ("integer", "floating", "mixed-integer-float"):
        return pd.to_numeric(column)
    truth = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
    different = [] if column.map(lambda value: isinstance(value, list | dict)).any() else column.dropna().unique()
    known = len(different) and all(isinstance(value, str) and value in truth for value in different)
    return column.map(truth, na_action="ignore") if known else column
