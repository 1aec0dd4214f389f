"""The format of a file of rows: its encoding, separator and header, and its spelling of numbers and gaps."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tuner.data.sources import dataframe, number_format, read_table
from tuner.data.sources.number_format import Spelling
from tuner.data.sources.read_errors import is_json, naming_errors, utf_16
from tuner.data.sources.read_table import BLANKS, NA_WORDS, Reading, na_words
from tuner.errors import DataError, listing

SEPARATORS = (";", "\t", "|", ",")
"""Separators in the order of trial, if several fit: a comma may be a decimal sign."""

LINES = 30
"""Number of lines from which the separator is guessed."""

ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1")
"""Encodings in the order of trial. The last one reads any file."""

Options = dict[str, Any]


def guess(base: str, path: str) -> tuple[Options, list[str]]:
    """Return the unusual keys of a `data` section that read a file, and the reasons.

    Raises:
        DataError: the file is not there or cannot be read.
    """
    file = Path(base, path)
    options: Options = {}
    decided: list[str] = []
    if not is_json(file):
        _guess_layout(file, base, path, options, decided)
    raw = read_table.read(base, path, Reading.of(options)) if is_json(file) else _raw(base, path, options)
    counts = [_strings(raw[name]) for name in raw.columns]
    numeric = [(count, strays) for count in counts if (strays := dataframe.strays(count)) is not None]
    gaps = sorted({word for _, strays in numeric for word in strays if number_format.is_missing(word)} - set(NA_WORDS))
    spelt = [[word for word in count if word not in strays] for count, strays in numeric]
    chosen = _spelling(spelt, options.get("separator", ","))
    if chosen.decimal != ".":
        options["decimal"] = chosen.decimal
    if chosen.thousands is not None:
        options["thousands"] = chosen.thousands
    if not chosen.usual:
        example = next(word for words in spelt for word in words if not number_format.USUAL.is_number(word))
        decided.append(f"numbers are spelt in another way: {example} is {chosen.plain(example)}")
    if gaps:
        options["missing"] = gaps
        decided.append(f"missing values among numbers: {listing(map(repr, gaps))}")
    return options, decided


def with_classes(
    base: str, path: str, target: str, options: Options, decided: Sequence[str]
) -> tuple[Options, list[str]]:
    """Return the keys with `keep_na` if a word such as None is about as frequent as a class."""
    column = read_table.read(base, path, Reading.of(options))[target]
    words = na_words(base, path, Reading.of(options), target)
    others = column.dropna().value_counts()
    if not words or dataframe.is_numbers(column) or 2 * min(words.values()) < others.min():
        return options, list(decided)
    said = f"{listing(map(repr, words))} in {target}: taken for a class, since it is as common as one"
    return {**options, "keep_na": True}, [*decided, said]


def _guess_layout(file: Path, base: str, path: str, options: Options, decided: list[str]) -> None:
    encoding = _encoding(file)
    if encoding != "utf-8":
        options["encoding"] = encoding
        decided.append(f"it is not UTF-8: read as {encoding}")
    separator = _separator(file, encoding)
    if separator != ",":
        options["separator"] = separator
    try:
        rows = _raw(base, path, {**options, "header": False}, nrows=500)
    except DataError:  # rows of different lengths, of which the reader knows more to say
        return
    if dataframe.is_row(rows.iloc[0].fillna("").tolist(), [rows[i].iloc[1:] for i in rows.columns]):
        options["header"] = False
        decided.append("it has no header: the columns are called column1, column2 and so on")


def _encoding(file: Path) -> str:
    """Return the encoding of a file, by its mark or by trial; the reader reports other faults."""
    try:
        with file.open("rb") as opened:
            marked = utf_16(opened.read(4))
    except OSError:
        return "utf-8"
    if marked is not None:
        return marked
    for encoding in ENCODINGS:
        try:
            pd.read_csv(
                file, sep="\x01", header=None, dtype=str, na_filter=False, encoding=encoding, quoting=csv.QUOTE_NONE
            )
        except UnicodeError:
            continue
        except Exception:  # half a dozen decompressors, each with errors of its own; whoever reads the rows says it
            break
        return encoding
    return "utf-8"


def _separator(file: Path, encoding: str) -> str:
    """Return the separator that cuts the first lines into equally many fields, and the most."""
    options: dict[str, Any] = {"sep": "\x01", "header": None, "nrows": LINES, "dtype": str, "na_filter": False}
    try:
        lines = pd.read_csv(file, encoding=encoding, quoting=csv.QUOTE_NONE, **options)[0].tolist()
    except Exception:  # likewise
        return ","
    best, most = max(SEPARATORS, key=lines[0].count) if any(map(lines[0].count, SEPARATORS)) else ",", 1
    for separator in SEPARATORS:
        fields = {len(row) for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if row}
        if len(fields) == 1 and (count := fields.pop()) > most:
            best, most = separator, count
    fields = {len(line.split()) for line in lines}
    blanks = most == 1 and best == "," and lines[0].count(",") == 0 and fields != {1} and len(fields) == 1
    return BLANKS if blanks else best


def _raw(base: str, path: str, options: Options, **more: Any) -> pd.DataFrame:
    """Return the whole file as text, under its names, or under numbers without a header."""
    reading, file = Reading.of(options), Path(base, path)
    common: dict[str, Any] = {"sep": reading.separator, "skipinitialspace": True, "encoding": reading.encoding}
    header = 0 if reading.header else None
    with naming_errors(file, reading.encoding):
        return pd.read_csv(file, header=header, dtype=str, na_values=[""], keep_default_na=False, **common, **more)


def _strings(column: pd.Series[Any]) -> Counter[str]:
    return Counter(value.strip() for value in column if isinstance(value, str))


def _spelling(columns: Sequence[Sequence[str]], separator: str) -> Spelling:
    """Return the spelling of most columns of numbers, the usual one first."""
    ranked = list(number_format.KNOWN)
    if separator != ",":  # a comma is rather a decimal sign then
        ranked.sort(key=lambda one: (one != number_format.USUAL, one.decimal != ","))

    def fits(one: Spelling) -> int:
        return sum(all(map(one.is_number, words)) for words in columns)

    return max(ranked, key=fits)
