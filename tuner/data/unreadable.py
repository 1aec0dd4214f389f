"""Files of rows that cannot be read: what is wrong with one, in a line that names it."""

from __future__ import annotations

import codecs
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from tuner.errors import DataError

JSON_LINES = (".jsonl", ".ndjson")

USUAL_ENCODING = "utf-8"


@contextlib.contextmanager
def naming_errors(file: Path, encoding: str) -> Iterator[None]:
    """Raise whatever pandas raises as an error in one line that names the file."""
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
    """Whether a file is of JSON lines by its name, compressed or not."""
    return bool(set(file.suffixes[-2:]) & set(JSON_LINES))


def other_encoding(file: Path, encoding: str) -> str:
    """Which encoding a file that is not in the one given may be in."""
    with file.open("rb") as opened:
        start = opened.read(4)
    if start == b"PK\3\4":
        return "it looks like a spreadsheet or an archive: save it as CSV"
    found = utf_16(start)
    if found is not None:
        return f"it looks like UTF-16: say data.encoding: {found}"
    if encoding.lower().replace("-", "") == "utf8":
        return "it is not UTF-8: say data.encoding, such as cp1252 for western Europe"
    return "say another data.encoding, such as utf-8 or cp1252"


def utf_16(start: bytes) -> str | None:
    """The kind of UTF-16 in which a file begins so, by its mark or by the zeros of its first two letters."""
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    zeros = [byte == 0 for byte in start]
    return "utf-16-le" if zeros == [False, True] * 2 else "utf-16-be" if zeros == [True, False] * 2 else None


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
