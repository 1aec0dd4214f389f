"""Errors of reading files of rows, each in one line that names the file."""

from __future__ import annotations

import codecs
import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from tuner.errors import DataError

TIMES = 3
"""Least ratio of the size of rows in memory to that of their file."""

JSON_LINES = (".jsonl", ".ndjson")

OTHER_KINDS = {
    ".json": ("JSON as a whole", "write an object per line, and call the file .jsonl"),
    **dict.fromkeys(
        (".parquet", ".feather", ".arrow", ".orc", ".pkl", ".pickle", ".h5", ".hdf5", ".sqlite", ".db", ".sav", ".dta"),
        ("of another kind", "write it with pandas.DataFrame.to_csv(..., index=False)"),
    ),
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".numbers"), ("a spreadsheet", "save it as CSV")),
}
"""The kinds of files with other endings, and what to do with them."""

LONGEST = 60
"""Largest number of letters of a first line that are shown."""

USUAL_ENCODING = "utf-8"


@contextlib.contextmanager
def naming_errors(file: Path, encoding: str) -> Iterator[None]:
    """Turn exceptions of pandas into an error of one line that names the file."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"there is no file {file}") from None
    except UnicodeError as error:
        raise DataError(f"{file} cannot be read: {error}; {other_encoding(file, encoding)}") from None
    except Exception as error:  # a parser and half a dozen decompressors, each with errors of its own
        cause = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{file} cannot be read: {_first_bad_line(file)}{cause}") from None


def is_json(file: Path) -> bool:
    """Return whether a file is JSON lines by its name, compressed or not."""
    return bool(set(file.suffixes[-2:]) & set(JSON_LINES))


def refuse_other_kinds(file: Path) -> None:
    """Raise for a file that is neither CSV nor JSON lines, by its name.

    Raises:
        DataError: it is one.
    """
    kind = next((OTHER_KINDS[end] for end in file.suffixes[-2:] if end in OTHER_KINDS), None)
    if kind is not None and file.is_file():
        raise DataError(f"{file}: is {kind[0]}; tables are CSV or JSON lines: {kind[1]}")


def refuse_beyond_memory(file: Path) -> None:
    """Raise for a file whose rows do not fit into memory, before a killed process would show it.

    Raises:
        DataError: it cannot be.
    """
    needed, free = TIMES * (file.stat().st_size if file.is_file() else 0), psutil.virtual_memory().available
    if needed > free:
        told = f"about {needed / 2**30:.1f} GB of the {free / 2**30:.1f} GB of memory that are free"
        raise DataError(f"{file} would take {told}: use a part of it, or your own function that streams it")


def too_wide(file: Path, names: Sequence[str], separator: str) -> str:
    """Return a message that rows have more fields than the first line, which it shows.

    The first line may be a title, or another sign may separate the fields.
    """
    line = separator.join(names)
    shown = line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
    cut = "is data.separator right?" if len(names) == 1 and set(line) & set(";\t|") else "it names each column"
    return f"{file}: its rows have more fields than its first line has names, {shown!r}; {cut}"


def other_encoding(file: Path, encoding: str) -> str:
    """Return a phrase on the likely encoding of a file that is not in the given one."""
    with file.open("rb") as opened:
        start = opened.read(4)
    if start == b"PK\3\4":
        return "it looks like a spreadsheet or an archive: save it as CSV"
    found = utf_16(start)
    if found is not None:
        return f"it looks like {found.upper()[:6]}: say data.encoding: {found}"
    if encoding.lower().replace("-", "") == "utf8":
        return "it is not UTF-8: say data.encoding, such as cp1252 for western Europe"
    return "say another data.encoding, such as utf-8 or cp1252"


def utf_16(start: bytes) -> str | None:
    """Return the kind of UTF-16 or UTF-32 of a file by its first four bytes; None if neither."""
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return "utf-32"
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    zeros = [byte == 0 for byte in start]
    return "utf-16-le" if zeros == [False, True] * 2 else "utf-16-be" if zeros == [True, False] * 2 else None


def _first_bad_line(file: Path) -> str:
    """Return the first line of a JSON-lines file that is not JSON, which pandas does not report."""
    if file.suffix not in JSON_LINES or not file.is_file():
        return ""
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            json.loads(line or b"{}")
        except ValueError:
            return f"line {number}: "
    return ""
