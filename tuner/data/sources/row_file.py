"""Files of rows with a target: their keys in a `data` section, and their rows that have a target."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.data.rows import Source
from tuner.data.sources.dataframe import with_target
from tuner.data.sources.read_errors import is_json
from tuner.data.sources.read_table import Read, Reading, as_written, read_noting, tidied
from tuner.errors import DataError, listing

SAMPLE = 2_000
"""Number of first rows that are checked for codes."""

CODE = 3
"""Least number of digits of a code: months and hours have two."""

SHARES = {"%", "\u2030"}
"""Signs that change the meaning of a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFile(Reading):
    """The files of the rows, their split and their task.

    Args:
        path: a `.jsonl` or `.ndjson` file with an object per line, else CSV; compressed or not.
        test_path: a file of the same columns that is the test split.
        group: a column whose equal values stay in one split; it is no feature.
        task: `classification` or `regression`; by default it is inferred and said.
    """

    path: str
    test_path: str | None = None
    group: str | None = None
    task: str | None = None


def takes_row_file(load: Callable[..., Source]) -> Callable[..., Source]:
    """Give a function with `**file` a signature and a docstring that list the keys of `RowFile`."""
    own = [one for one in inspect.signature(load).parameters.values() if one.kind is not one.VAR_KEYWORD]
    hints = typing.get_type_hints(RowFile)
    keys = [
        one.replace(kind=one.KEYWORD_ONLY, annotation=hints[one.name])
        for one in inspect.signature(RowFile).parameters.values()
    ]
    needed = sorted([*own, *keys], key=lambda one: one.default is not one.empty)
    load.__signature__ = inspect.Signature(needed)  # type: ignore[attr-defined]  # `inspect` reads it from any function
    load.__doc__ = "\n\n".join(inspect.getdoc(one) or "" for one in (load, RowFile, Reading))
    return load


def read_known(
    base: str,
    path: str,
    reading: Reading,
    target: str,
    words: Collection[str] = (),
    texts: Collection[str] = (),
) -> Read:
    """Read the rows of a file that have a target.

    Other rows, such as a last one with totals, have no influence on the columns.

    Args:
        base: the folder that `path` starts from.
        path: the file.
        reading: how.
        target: the column to predict.
        words: columns that are text whatever they look like.
        texts: columns of running text.

    Raises:
        DataError: the file cannot be read, or has no such column, or nothing in it.
    """
    whole = read_noting(base, path, reading, words, texts)
    known, told = with_target(whole.frame, target, path, base, reading)
    if len(known) == len(whole.frame):
        return whole
    again = tidied(known.copy(), path, reading, words, texts)
    notes = dict.fromkeys((*whole.notes, *again.notes, *told))
    return Read(again.frame, {**whole.units, **again.units}, tuple(notes))


def codes_note(base: str, path: str, reading: Reading, columns: Sequence[str]) -> tuple[str, ...]:
    """Return a note on numbers that are written like codes: of one width, with leading zeros.

    Args:
        base: the folder that `path` starts from.
        path: the file, of which the first rows are looked at.
        reading: how it is read.
        columns: those that were read as numbers.
    """
    if is_json(Path(path)) or not columns:
        return ()
    written = as_written(str(Path(base, path)), reading, columns, SAMPLE)
    codes = []
    for name in columns:
        values = written[name].str.strip()
        values = values[values.str.fullmatch(r"[0-9]+")]
        widths = values.str.len()
        if widths.nunique() == 1 and widths.iloc[0] >= CODE and values.str.startswith("0").any():
            codes.append(name)
    told = "are read as numbers, though zeros in front mean codes; a letter in front makes words of them"
    return (f"{path}: the values of {listing(codes)} {told}",) if codes else ()


def refuse_units(read: Read, columns: Sequence[str], units: Mapping[str, str], path: str) -> None:
    """Raise if columns have other signs than in the training rows: 0.5 is not 0.5 %.

    A currency sign may be left out.

    Args:
        read: the rows.
        columns: those of numbers.
        units: the signs of the rows to train on.
        path: the file of the rows.

    Raises:
        DataError: a column does.
    """
    for name in columns:
        here, before = read.units.get(name, ""), units.get(name, "")
        alike = here == before or not ({here, before} & SHARES or (here and before))
        if alike or read.frame[name].isna().all():
            continue
        now, then = (f"the sign {sign}" if sign else "no sign" for sign in (here, before))
        raise DataError(f"{path}: column {name} has {now}, and {then} in the training rows: write it as there")
